"""Which cards a page owes, when coming back is a return, how hands queue, and when the box reminds by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.room import rules
from appliance.room.rules import AWAY_SECONDS, Card, Life, Rhythm

ADA, WEN = "ada", "wen"
AT = "2031-03-04T14:00:00Z"
RULES = Card(1, "rules 1", "rules", "", AT)
REMINDER = Card(2, "reminder 2", "reminder", "", AT)
NUDGE = Card(3, "nudge 3", "redirect", ADA, AT)
REDIRECT = Card(4, "redirect 4", "redirect", "", AT)

cards = st.lists(
    st.tuples(st.sampled_from(["rules", "guidelines", "reminder", "redirect"]), st.sampled_from(["", ADA, WEN])),
    max_size=12,
).map(lambda found: [Card(n, f"card {n}", kind, to, AT) for n, (kind, to) in enumerate(found, 1)])  # type: ignore[arg-type]
queues = st.lists(st.sampled_from("abcdef"), unique=True).map(tuple)


def owed(shown: list[Card], life: Life, ever: set[str] | None = None, member: str = ADA) -> list[str]:
    return [card.id for card in rules.owed(shown, member, life, ever or set())]


def test_who_comes_in_after_the_rules_were_shown_reads_rules_and_newest_reminder() -> None:
    assert owed([RULES, REMINDER], rules.arrived(None, "page", 2, 0.0)) == ["rules 1", "reminder 2"]


def test_before_any_card_was_shown_nobody_owes_one() -> None:
    assert owed([], rules.arrived(None, "page", 0, 0.0)) == []


def test_what_is_shown_while_one_is_here_is_owed_until_it_is_acknowledged() -> None:
    life = Life("page", 0)
    assert owed([REDIRECT], life) == ["redirect 4"]
    assert owed([REDIRECT], rules.acknowledged(life, "redirect 4")) == []


def test_a_redirection_that_was_before_is_nothing_for_who_comes_now() -> None:
    assert owed([REDIRECT], Life("page", 4)) == []


def test_a_nudge_is_for_one_alone_and_waits_until_it_was_read_once() -> None:
    assert owed([NUDGE], Life("page", 3)) == ["nudge 3"]
    assert owed([NUDGE], Life("page", 3), {"nudge 3"}) == []
    assert owed([NUDGE], Life("page", 0), member=WEN) == []


def test_a_line_that_flickers_is_no_return() -> None:
    life = rules.left(rules.acknowledged(Life("page", 1), "rules 1"), 100.0, aside=False)
    again = rules.arrived(life, "page", 1, 100.0 + AWAY_SECONDS)
    assert owed([RULES], again) == []


@pytest.mark.parametrize(("name", "seconds"), [("page", AWAY_SECONDS + 0.1), ("loaded anew", 1.0)])
def test_a_page_loaded_anew_or_away_too_long_reads_the_rules_again(name: str, seconds: float) -> None:
    life = rules.left(rules.acknowledged(Life("page", 1), "rules 1"), 100.0, aside=False)
    again = rules.arrived(life, name, 1, 100.0 + seconds)
    assert owed([RULES], again, {"rules 1"}) == ["rules 1"]


def test_what_was_shown_while_the_line_was_gone_is_owed_afterwards() -> None:
    life = rules.left(Life("page", 1), 100.0, aside=False)
    assert owed([REDIRECT], rules.arrived(life, "page", 4, 110.0)) == ["redirect 4"]


def test_coming_back_from_a_private_word_is_no_return_however_long_it_was() -> None:
    life = rules.left(rules.acknowledged(Life("page", 1), "rules 1"), 100.0, aside=False)  # its page closes first
    life = rules.left(life, 101.0, aside=True)
    life = rules.left(life, 2000.0, aside=True)
    life = rules.left(life, 2001.0, aside=False)  # the word is over, the page loads
    back = rules.arrived(life, "loaded anew", 1, 2003.0)
    assert owed([RULES], back) == []
    assert not back.aside
    assert owed([RULES], rules.arrived(back, "loaded once more", 1, 2010.0)) == ["rules 1"]


def test_who_never_comes_back_from_a_private_word_is_gone_a_minute_after_it() -> None:
    life = rules.left(rules.left(Life("page", 1), 100.0, aside=True), 200.0, aside=False)
    assert not rules.away_for_good(life, 200.0 + AWAY_SECONDS)
    assert rules.away_for_good(life, 201.0 + AWAY_SECONDS)


@given(cards, st.integers(0, 12))
def test_a_page_owes_the_newest_of_a_kind_and_never_what_is_anothers(shown: list[Card], began: int) -> None:
    found = rules.owed(shown, ADA, Life("page", began), set())
    assert len({(card.kind, card.to) for card in found}) == len(found)
    assert all(card.to in ("", ADA) for card in found)
    assert [card.number for card in found] == sorted(card.number for card in found)
    for card in found:
        assert not any(c.number > card.number and (c.kind, c.to) == (card.kind, card.to) for c in shown)


@given(cards, st.integers(0, 12))
def test_whoever_acknowledges_all_they_see_owes_nothing_until_more_is_shown(shown: list[Card], began: int) -> None:
    life, ever = Life("page", began), set[str]()
    for card in rules.owed(shown, ADA, life, ever):
        life, ever = rules.acknowledged(life, card.id), ever | {card.id}
    assert rules.owed(shown, ADA, life, ever) == []
    more = Card(99, "more", "guidelines", "", AT)
    assert rules.owed([*shown, more], ADA, life, ever) == [more]


@given(cards, st.lists(st.tuples(st.sampled_from(["here", "gone", "reload"]), st.floats(0.0, 100.0)), max_size=12))
def test_over_all_comings_and_goings_rules_are_owed_exactly_when_the_life_is_new(
    shown: list[Card], moves: list[tuple[str, float]]
) -> None:
    newest, now, name = len(shown), 0.0, 0
    life = rules.arrived(None, "0", newest, now)
    for what, seconds in moves:
        for card in rules.owed(shown, ADA, life, set()):
            life = rules.acknowledged(life, card.id)
        before, now = life, now + seconds
        if what == "gone":
            life = rules.left(life, now, aside=False)
            continue
        name += what == "reload"
        life = rules.arrived(life, str(name), newest, now)
        anew = before.page != str(name) or rules.away_for_good(before, now)
        replayed = any(card.kind in ("rules", "reminder") and not card.to for card in shown)
        assert any(not card.to for card in rules.owed(shown, ADA, life, set())) == (anew and replayed)


@given(queues, st.sampled_from("abcdef"))
def test_a_hand_goes_to_the_end_and_one_that_is_up_keeps_its_place(queue: tuple[str, ...], who: str) -> None:
    after = rules.raised(queue, who)
    assert after == (queue if who in queue else (*queue, who))
    assert rules.raised(after, who) == after
    assert who not in rules.lowered(after, who)
    assert [one for one in after if one != who] == list(rules.lowered(after, who))


@given(st.lists(st.tuples(st.floats(0.0, 60.0), st.booleans()), max_size=30))
def test_only_the_hour_itself_counts_towards_a_reminder(looks: list[tuple[float, bool]]) -> None:
    rhythm, now, ran = Rhythm(0.0, 0.0), 0.0, 0.0
    for seconds, running in looks:
        now, ran = now + seconds, ran + (seconds if running else 0.0)
        rhythm = rules.going_on(rhythm, now, running=running)
    assert rhythm.waited == pytest.approx(ran)


@given(st.floats(-1e9, 1e9))
def test_a_wrong_clock_after_a_restart_costs_one_reminder_at_most(since: float) -> None:
    assert 0.0 <= rules.resumed(since, 1200.0, 5.0).waited <= 1200.0


def test_a_clock_that_goes_back_takes_nothing_from_the_wait() -> None:
    assert rules.going_on(Rhythm(10.0, 100.0), 50.0, running=True).waited == 10.0


@given(st.text(max_size=800))
def test_words_of_a_concern_are_lines_of_a_bounded_length_or_a_fault(text: str) -> None:
    try:
        words = rules.concern_words(text)
    except Fault as fault:
        assert fault.code in ("too_large", "bad_request")
    else:
        assert len(words) <= rules.MAX_WORDS
        assert words == rules.concern_words(words)


def test_a_life_does_not_end_by_being_looked_at_twice_while_away() -> None:
    life = rules.left(Life("page", 1), 100.0, aside=False)
    assert rules.left(life, 150.0, aside=False) == life == replace(life, gone_at=100.0)
