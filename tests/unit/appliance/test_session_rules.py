"""Both tables of `sessions.rules`, whole."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.policy import ACTIONS, STATE_ACTIONS, Action
from appliance.sessions.rules import (
    MAX_DISPLAY_NAME,
    MEMBER,
    SESSION,
    WAY,
    GoingOn,
    Phase,
    Place,
    Progress,
    Standing,
    State,
    carried,
    completes,
    display_name,
    in_room,
    member_after,
    next_step,
    session_after,
    way,
)

STATES: tuple[State, ...] = get_args(State)
STANDINGS: tuple[Standing, ...] = get_args(Standing)
PHASES: tuple[Phase, ...] = get_args(Phase)
BEFORES: tuple[GoingOn, ...] = get_args(GoingOn)
PLACES = [Place(phase, locked, before) for phase, locked, before in product(PHASES, (False, True), BEFORES)]

# What a clinician would say a session does: for each phase the words that do something, and the phase after them.
# "back": where the pause began. The door's two words are below.
LEADS: dict[Phase, dict[Action, str]] = {
    "scheduled": {"open": "open", "end": "ended", "cancel": "ended"},
    "open": {"show_rules": "rules", "pause": "paused", "take_over": "open", "end": "ended"},
    "rules": {"begin": "running", "pause": "paused", "take_over": "rules", "end": "ended"},
    "running": {"pause": "paused", "take_over": "running", "end": "ended"},
    "paused": {"resume": "back", "take_over": "paused", "end": "ended"},
    "ended": {},
}
GOING_ON: tuple[Phase, ...] = ("open", "rules", "running", "paused")


def after(place: Place, action: Action) -> Phase | None:
    """The phase that `action` leads to from `place`, None for a fault; both as the list above has it."""
    if action in ("lock", "unlock"):
        return place.phase if place.phase in GOING_ON and place.locked == (action == "unlock") else None
    word = LEADS[place.phase].get(action)
    return next((phase for phase in PHASES if phase == (place.before if word == "back" else word)), None)


@pytest.mark.parametrize("place", PLACES, ids=lambda one: f"{one.phase}{'-locked' * one.locked}-{one.before}")
def test_a_session_changes_only_as_the_table_says(place: Place) -> None:
    for action in ACTIONS:
        expected = after(place, action)
        if expected is not None:
            assert session_after(place, action).phase == expected
            continue
        with pytest.raises(Fault) as caught:
            session_after(place, action)
        assert caught.value.code == "wrong_state"


def moves() -> list[tuple[Place, Action]]:
    return [(place, action) for place, action in product(PLACES, SESSION) if after(place, action) is not None]


def test_every_word_for_a_session_has_a_row() -> None:
    assert {*STATE_ACTIONS, "cancel"} == set(SESSION)


@pytest.mark.parametrize("action", [one for one in SESSION if one not in ("open", "lock", "unlock", "end", "cancel")])
def test_only_the_words_of_the_door_move_the_door(action: Action) -> None:
    for place, one in moves():
        if one == action:
            assert session_after(place, one).locked == place.locked


def test_the_door_is_open_at_the_start_and_closed_to_nobody_after_the_end() -> None:
    for place, action in moves():
        if action in ("open", "end", "cancel"):
            assert not session_after(place, action).locked


def test_a_pause_leads_back_to_where_it_began() -> None:
    for before, locked in product(BEFORES, (False, True)):
        assert session_after(session_after(Place(before, locked), "pause"), "resume") == Place(before, locked, before)


def test_the_store_keeps_one_word_of_place_and_door() -> None:
    for place in PLACES:
        expected = place.phase if place.phase in ("scheduled", "ended") else "locked" if place.locked else "open"
        assert place.state == expected


@pytest.mark.parametrize("standing", STANDINGS)
def test_a_member_changes_only_as_the_table_says(standing: Standing) -> None:
    for action in ACTIONS:
        if (standing, action) in MEMBER:
            assert member_after(standing, action, "open") == MEMBER[standing, action]
            continue
        with pytest.raises(Fault):
            member_after(standing, action, "open")


def test_an_ended_session_never_comes_back() -> None:
    assert not [action for action, move in SESSION.items() if "ended" in move.phases]


def test_a_locked_session_admits_nobody() -> None:
    with pytest.raises(Fault) as caught:
        member_after("waiting", "admit", "locked")
    assert caught.value.code == "session_locked"


def test_nobody_is_admitted_before_the_session_is_open() -> None:
    with pytest.raises(Fault):
        member_after("waiting", "admit", "scheduled")


def test_an_ended_session_changes_nobody() -> None:
    for standing, action in MEMBER:
        with pytest.raises(Fault):
            member_after(standing, action, "ended")


def test_only_a_new_ticket_leads_back_from_removed() -> None:
    assert [action for standing, action in MEMBER if standing == "removed"] == ["reissue"]


def test_only_two_words_lead_into_the_room() -> None:
    assert [key for key, then in MEMBER.items() if then == "admitted" and key[0] != "admitted"] == [
        ("waiting", "admit"),
        ("waiting", "let_through"),
    ]


def test_one_person_comes_through_a_locked_door_and_only_while_the_session_goes_on() -> None:
    assert member_after("waiting", "let_through", "locked") == "admitted"
    for state in ("scheduled", "ended"):
        with pytest.raises(Fault):
            member_after("waiting", "let_through", state)


@pytest.mark.parametrize(
    ("standings", "complete"),
    [
        (["admitted", "admitted"], True),
        (["admitted", "removed"], True),  # who was sent away is not waited for
        (["admitted", "waiting"], False),
        (["admitted", "denied"], False),  # may ask again
        (["admitted", "expected"], False),
        (["admitted", "joining"], False),
        (["removed"], False),  # nobody is in
        ([], False),
    ],
)
def test_the_door_locks_itself_when_nobody_is_missing(standings: list[Standing], complete: bool) -> None:
    assert completes(standings) is complete


def test_nobody_who_is_held_and_nobody_in_a_paused_session_is_carried() -> None:
    for state, phase, standing, held in product(STATES, PHASES, STANDINGS, (False, True)):
        expected = in_room(state, standing) and phase != "paused" and not held
        assert carried(state, phase, standing, held=held) == expected


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("standing", STANDINGS)
def test_the_relay_carries_only_the_admitted_of_a_running_session(state: State, standing: Standing) -> None:
    assert in_room(state, standing) == (standing == "admitted" and state in ("open", "locked"))


DONE = Progress("open", "joining", "Ada", signed=True, oriented=True, devices_tried=True, space_checked=True)


def test_the_steps_come_in_their_order() -> None:
    named = Progress("open", "joining", "Ada")
    reached = (
        Progress("open", "joining"),
        named,
        replace(named, signed=True),
        replace(named, signed=True, oriented=True),
        replace(named, signed=True, oriented=True, devices_tried=True),
        DONE,
    )
    assert tuple(next_step(one) for one in reached) == WAY
    assert next_step(replace(DONE, standing="waiting")) == "wait"


def test_who_signed_and_read_on_an_earlier_way_goes_past_those_steps() -> None:
    assert way(DONE) == ("name", "devices", "space", "wait")
    assert way(replace(DONE, signed_here=True, oriented_here=True)) == WAY


ticks = st.booleans()
PROGRESS = st.builds(
    Progress,
    state=st.sampled_from(("scheduled", "open", "locked")),
    standing=st.sampled_from(("joining", "waiting")),
    display_name=st.sampled_from(("", "Ada")),
    signed=ticks,
    oriented=ticks,
    devices_tried=ticks,
    space_checked=ticks,
    signed_here=ticks,
    oriented_here=ticks,
)


@given(PROGRESS)
def test_the_next_step_is_always_one_of_the_visitors_own(reached: Progress) -> None:
    assert next_step(reached) in way(reached)


@given(PROGRESS)
def test_nobody_waits_at_the_door_with_a_step_missing(reached: Progress) -> None:
    missing = not all(
        (reached.display_name, reached.signed, reached.oriented, reached.devices_tried, reached.space_checked)
    )
    assert (next_step(reached) == "wait") != missing


@given(PROGRESS)
def test_who_is_in_stays_in_whatever_counts_anew(reached: Progress) -> None:
    assert next_step(replace(reached, standing="admitted")) == "wait"


@pytest.mark.parametrize("standing", ["denied", "removed", "expected"])
def test_denied_and_removed_people_see_the_page_that_says_what_they_can_do(standing: Standing) -> None:
    assert next_step(replace(DONE, standing=standing)) == "over"


@given(st.text(max_size=200))
def test_a_display_name_is_one_clean_line_or_a_fault(text: str) -> None:
    try:
        name = display_name(text)
    except Fault as fault:
        assert fault.code == "bad_request"
        return
    assert 1 <= len(name) <= MAX_DISPLAY_NAME
    assert name.isprintable()
    assert name == display_name(name)
