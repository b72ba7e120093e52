"""Who is heard and whose picture is large, told by levels alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.bandwidth import limits
from media.room.speakers import Speakers

STEP = 0.04
Levels = dict[str, tuple[int, int, int]]


def sound(loudness: int, voiced: bool = True, packets: int = 2) -> tuple[int, int, int]:
    return packets, packets if voiced else 0, packets * loudness


SPEECH, LOUD, SILENCE = sound(90), sound(105), sound(20, voiced=False)


class Room:
    """Speakers with a clock; `active` and `forwarded` after each look are kept."""

    def __init__(self, *silent: str) -> None:
        self.speakers = Speakers()
        self.silent = silent
        self.now = 100.0
        self.actives: list[str | None] = []
        self.forwarded: list[frozenset[str]] = []
        self.run(STEP)

    def run(self, seconds: float, **speaking: tuple[int, int, int]) -> Speakers:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.speakers.hear({**dict.fromkeys(self.silent, SILENCE), **speaking}, self.now)
            self.actives.append(self.speakers.active)
            self.forwarded.append(self.speakers.forwarded)
        return self.speakers


def test_whoever_sends_sound_has_a_free_place_before_they_speak() -> None:
    assert Room("a", "b", "c").speakers.forwarded == {"a", "b", "c"}


def test_three_have_a_place_and_silence_does_not_take_it_away() -> None:
    room = Room("a", "b", "c", "d", "e")
    before = room.speakers.forwarded
    assert len(before) == limits.MAX_VOICES
    assert room.run(60).forwarded == before
    assert set(room.forwarded) == {before}


def test_who_speaks_is_forwarded_by_the_next_look_if_somebody_is_silent() -> None:
    room = Room("a", "b", "c", "d")
    assert "d" not in room.speakers.forwarded
    assert "d" in room.run(STEP, d=SPEECH).forwarded


def test_a_voice_too_low_to_be_told_from_noise_is_heard_where_places_are_silent() -> None:
    room = Room("a", "b", "c")
    assert "d" in room.run(2, d=sound(70)).forwarded
    assert room.speakers.ranking == []
    assert room.run(1, a=SPEECH, b=SPEECH, c=SPEECH, d=sound(70)).forwarded == {"a", "b", "c"}


def test_rooms_that_are_about_as_noisy_do_not_take_turns() -> None:
    room = Room()
    for step in range(1500):
        noise = {name: sound(55 + (7 * step + 5 * place) % 9) for place, name in enumerate("abcdefgh")}
        room.run(STEP, **noise)
    assert len(set(room.forwarded)) <= 3


def test_the_place_of_who_has_been_silent_longest_is_given_away() -> None:
    room = Room("a", "b", "c", "d")
    for name in "abc":
        room.run(1, **{name: SPEECH})
    room.run(1)
    assert room.run(STEP, d=SPEECH).forwarded == {"b", "c", "d"}


def test_a_pause_between_words_costs_no_place() -> None:
    room = Room("a", "b", "c", "d")
    room.run(2, a=SPEECH, b=SPEECH, c=SPEECH)
    before = room.speakers.forwarded
    room.run(0.4, d=SPEECH)
    assert room.speakers.forwarded == before


def test_a_fourth_voice_has_to_be_clearly_louder_and_longer_than_a_cough() -> None:
    room = Room("a", "b", "c", "d")
    talk = {"a": SPEECH, "b": SPEECH, "c": SPEECH}
    room.run(2, **talk)
    before = room.speakers.forwarded
    assert room.run(5, d=SPEECH, **talk).forwarded == before
    room = Room("a", "b", "c", "d")
    room.run(2, **talk)
    assert room.run(0.32, d=sound(120), **talk).forwarded == before
    assert "d" in room.run(2, d=LOUD, **talk).forwarded
    assert len(room.speakers.forwarded) == 3


def test_three_voices_of_four_that_are_equally_loud_do_not_change_places() -> None:
    room = Room("a", "b", "c", "d")
    room.run(1, a=SPEECH, b=SPEECH, c=SPEECH)
    room.forwarded.clear()
    for step in range(200):
        room.run(STEP, **{name: sound(90 + (step * 7 + index * 3) % 5) for index, name in enumerate("abcd")})
    assert len(set(room.forwarded)) == 1


def test_who_leads_is_always_forwarded_and_takes_nobodys_place() -> None:
    room = Room("lead", "a", "b", "c", "d")
    room.speakers.always("lead", True)
    assert room.run(5, a=SPEECH, b=SPEECH, c=SPEECH).forwarded == {"lead", "a", "b", "c"}
    room.speakers.always("lead", False)
    assert room.speakers.forwarded == {"a", "b", "c"}


# --- active speaker ------------------------------------------------------------------------------------------------


def test_nobody_is_active_before_somebody_has_spoken_a_while() -> None:
    room = Room("a", "b")
    assert room.run(0.52, a=SPEECH).active is None
    assert room.run(0.2, a=SPEECH).active == "a"


def test_a_cough_changes_no_picture() -> None:
    room = Room("a", "b")
    room.run(3, a=SPEECH)
    for _ in range(5):
        assert room.run(0.32, b=sound(120)).active == "a"
        assert room.run(0.6).active == "a"


def test_the_next_one_who_speaks_is_active_within_a_second_and_a_half() -> None:
    room = Room("a", "b")
    room.run(5, a=SPEECH)
    room.actives.clear()
    room.run(3, b=SPEECH)
    assert room.actives.index("b") * STEP <= 1.5
    assert room.actives == sorted(room.actives, key=str)  # once


def test_two_who_speak_together_do_not_flicker() -> None:
    room = Room("a", "b")
    room.run(2, a=SPEECH)
    room.actives.clear()
    for step in range(500):
        room.run(STEP, a=sound(90 + step * 5 % 9 - 4), b=sound(90 + step * 7 % 9 - 4))
    assert set(room.actives) == {"a"}


def test_pauses_between_words_do_not_hand_the_picture_over() -> None:
    room = Room("a", "b")
    room.run(2, a=SPEECH)
    room.actives.clear()
    for _ in range(20):
        room.run(0.4, a=SPEECH, b=SPEECH)
        room.run(0.2, b=SPEECH)
    assert set(room.actives) == {"a"}


def test_the_active_one_stays_while_all_are_silent_and_goes_with_who_leaves() -> None:
    room = Room("a", "b")
    room.run(2, a=SPEECH)
    assert room.run(60).active == "a"
    room.speakers.remove("a")
    assert room.speakers.active is None
    assert room.speakers.forwarded == {"b"}


# --- order, talk time ----------------------------------------------------------------------------------------------


def test_ranking_names_those_who_speak_the_loudest_first_and_settles() -> None:
    room = Room("a", "b", "c")
    assert room.run(2, a=SPEECH, b=LOUD).ranking == ["b", "a"]
    assert room.run(2, a=SPEECH, b=sound(87)).ranking == ["b", "a"]
    assert room.run(2, a=LOUD, b=SPEECH).ranking == ["a", "b"]
    assert room.run(0.6).ranking == ["a", "b"]  # a breath
    assert room.run(0.6).ranking == []


def test_who_spoke_last_comes_first_and_who_never_spoke_last() -> None:
    room = Room("a", "b", "c", "d")
    for name in "bda":
        room.run(1, **{name: SPEECH})
    room.run(0.2, c=SPEECH)  # too short to count
    assert room.speakers.recency == ["a", "d", "b", "c"]


def test_talk_time_is_what_was_spoken() -> None:
    room = Room("a", "b")
    room.run(10, a=SPEECH)
    talked = room.run(5, b=SPEECH).talk_seconds
    assert abs(talked["a"] - 10) <= 0.1
    assert abs(talked["b"] - 5) <= 0.1


def test_talk_time_counts_what_came_in_bursts_and_no_more_than_the_clock() -> None:
    room = Room("a", "b")
    for _ in range(20):
        room.run(0.16)
        room.run(0.04, a=sound(90, packets=10))
        room.run(0.2, b=sound(90, packets=500))
    talked = room.speakers.talk_seconds
    assert abs(talked["a"] - 4) <= 0.3
    assert talked["b"] <= 8.5


def test_a_microphone_that_is_open_in_a_quiet_room_does_not_talk_whatever_its_voice_bit_says() -> None:
    assert Room("a").run(5, a=sound(40, voiced=True)).talk_seconds == {"a": 0.0}


def test_a_client_without_a_voice_bit_is_judged_by_loudness() -> None:
    room = Room()
    assert room.run(2, a=sound(95, voiced=False)).active == "a"
    room.run(1, a=sound(95))
    talked = room.speakers.talk_seconds["a"]
    assert room.run(2, a=sound(95, voiced=False)).talk_seconds["a"] == talked  # it has one, and it says no


def test_talk_time_outlives_a_reload_and_not_a_removal() -> None:
    room = Room("a", "b")
    room.run(2, a=SPEECH)
    room.speakers.leave("a")
    assert "a" not in room.speakers.forwarded
    assert room.speakers.talk_seconds["a"] > 1.9
    room.speakers.remove("a")
    assert "a" not in room.speakers.talk_seconds
    assert room.speakers.recency == ["b"]


names = st.sampled_from("abcdef")
levels = st.dictionaries(names, st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 6350)), max_size=6)


@given(st.lists(st.tuples(st.sampled_from(["hear", "always", "never", "leave", "remove"]), names, levels), max_size=60))
def test_whatever_happens_there_are_three_voices_at_most_and_all_of_them_known(
    steps: list[tuple[str, str, Levels]],
) -> None:
    speakers, leading, now = Speakers(), set[str](), 0.0
    for action, name, heard in steps:
        now += STEP
        if action == "hear":
            speakers.hear(heard, now)
        elif action in ("always", "never"):
            speakers.always(name, action == "always")
            (leading.add if action == "always" else leading.discard)(name)
        elif action == "leave":
            speakers.leave(name)
        else:
            speakers.remove(name)
            leading.discard(name)
        assert leading <= speakers.forwarded
        assert len(speakers.forwarded - leading) <= limits.MAX_VOICES
        known = set(speakers.talk_seconds)
        assert speakers.forwarded | set(speakers.ranking) | set(speakers.recency) <= known
        assert speakers.active is None or speakers.active in known
        assert len(set(speakers.recency)) == len(speakers.recency) == len(known)
