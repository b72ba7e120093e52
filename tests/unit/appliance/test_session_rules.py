"""Both tables of `sessions.rules`, whole."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.policy import ACTIONS, Action
from appliance.sessions.rules import (
    MAX_DISPLAY_NAME,
    MEMBER,
    SESSION,
    Standing,
    State,
    display_name,
    in_room,
    member_after,
    next_step,
    session_after,
)

STATES: tuple[State, ...] = get_args(State)
STANDINGS: tuple[Standing, ...] = get_args(Standing)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_session_changes_only_as_the_table_says(state: State, action: Action) -> None:
    if (state, action) in SESSION:
        assert session_after(state, action) == SESSION[state, action]
        return
    with pytest.raises(Fault) as caught:
        session_after(state, action)
    assert caught.value.code == "wrong_state"


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_member_changes_only_as_the_table_says(standing: Standing, action: Action) -> None:
    if (standing, action) in MEMBER:
        assert member_after(standing, action, "open") == MEMBER[standing, action]
        return
    with pytest.raises(Fault):
        member_after(standing, action, "open")


def test_an_ended_session_never_comes_back() -> None:
    assert not [action for state, action in SESSION if state == "ended"]


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


def test_one_way_only_into_the_room() -> None:
    assert [key for key, after in MEMBER.items() if after == "admitted" and key[0] != "admitted"] == [
        ("waiting", "admit")
    ]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("standing", STANDINGS)
def test_the_relay_carries_only_the_admitted_of_a_running_session(state: State, standing: Standing) -> None:
    assert in_room(state, standing) == (standing == "admitted" and state in ("open", "locked"))


def test_the_steps_come_in_their_order() -> None:
    assert next_step("open", "joining", "", False, False) == "name"
    assert next_step("open", "joining", "Ada", False, True) == "agreement"
    assert next_step("open", "joining", "Ada", True, False) == "devices"
    assert next_step("open", "waiting", "Ada", True, True) == "wait"


@pytest.mark.parametrize("standing", ["denied", "removed"])
def test_denied_and_removed_people_see_the_page_that_says_what_they_can_do(standing: Standing) -> None:
    assert next_step("open", standing, "Ada", True, True) == "over"


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
