"""One set of words from key press to audit entry: every action is asked for, described, and offered by its word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from appliance.control import desk
from appliance.control.feed import Feed
from appliance.control.listener import ControlListener
from appliance.control.views import NOT_ON_THE_CONSOLE
from appliance.faults import Fault
from appliance.policy import (
    ACTIONS,
    AROUND_ACTIONS,
    MEMBER_ACTIONS,
    ROLES,
    ROOM_ACTIONS,
    STATE_ACTIONS,
    TABLE,
    Action,
    Actor,
    Facts,
    Role,
    allows,
    decide_role,
    may_ever,
)
from appliance.portal import route
from appliance.portal.listener import ROUTES
from appliance.portal.nav import PLACES
from tui.commands import COMMANDS

PAGE = Path("appliance/ACTIONS.md")
CONTROL = ControlListener(None, Feed(1)).routes()  # type: ignore[arg-type] # nothing is asked of the box

# No route and no control call asks for these: who does, then.
BOX_ONLY: dict[Action, str] = {
    "apply_pack": "the box, when HQ has signed it",
    "doubt_log": "the box, when HQ has signed for what it does not know",
    "publish": "hearth init, with the first agreement; a page for new versions is still to come",
    "unlock_box": "whoever has a secret of a key slot, and no login: it is the box that opens itself",
    "restore": "hearth restore, onto a box that is empty and so has no accounts",
}
# What the console does by itself; the policy is not asked.
ON_THE_SPOT = {"next", "today", "health", "sync", "portal", "calls", "help", "palette", "quit"}


def asked_for() -> set[str]:
    """By any route or control call."""
    tables = [one.asks for one in ROUTES] + [one.asks for one in CONTROL]
    return {action for asks in tables if asks != "anyone" for action in asks}


def test_every_action_is_asked_for_or_says_who_does_it() -> None:
    assert set(ACTIONS) - asked_for() == set(BOX_ONLY)


def test_room_actions_are_asked_for_where_the_rooms_line_is() -> None:
    lines = [one for one in ROUTES if one.path.endswith("/ws")]
    assert len(lines) == 2
    assert all(set(ROOM_ACTIONS) <= set(one.asks) for one in lines)


@pytest.mark.parametrize("asks", ["", "everyone", (), ("see", "look"), ["see"], None])
@pytest.mark.parametrize("row", [route.Route, desk.Route])
def test_a_route_that_names_no_action_cannot_be_made(row: Any, asks: Any) -> None:
    with pytest.raises(TypeError):
        row("GET", "/staff/new", None, asks)


def test_a_place_leads_to_a_page_that_lets_in_whom_it_is_shown() -> None:
    gates = {one.path: one.asks for one in ROUTES if one.method == "GET"}
    for action, path, _ in PLACES:
        asks = gates[path]
        assert asks != "anyone" and action in asks
        assert set(TABLE[action]) - {"box"} <= set(TABLE[asks[0]])


# -- roles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_question_of_the_role_refuses_nobody_whom_the_other_lets(action: Action, role: Role) -> None:
    actor = Actor(person="p", role=role, surface="portal", member="m")
    if not may_ever(actor, action):
        with pytest.raises(Fault, match="refused"):
            decide_role(actor, action)
    else:
        decide_role(actor, action)
    assert may_ever(actor, action) == allows(actor, action, Facts(leaders=("p",), member="m"))


# -- the console -------------------------------------------------------------------------------------------------------


def test_every_command_of_the_console_is_an_action_with_a_call() -> None:
    on_sessions = {one.id for one in COMMANDS if one.reach == "session"}
    on_members = {one.id for one in COMMANDS if one.reach == "member"}
    beside = set(AROUND_ACTIONS) - NOT_ON_THE_CONSOLE
    assert on_sessions == {*STATE_ACTIONS, *beside} - NOT_ON_THE_CONSOLE
    assert on_members == set(MEMBER_ACTIONS) - NOT_ON_THE_CONSOLE
    for command in COMMANDS:
        if command.id in ON_THE_SPOT:
            assert not command.asks
        else:
            calls = [one for one in CONTROL if one.asks != "anyone" and command.id in one.asks]
            assert calls, command.id


def test_what_a_command_asks_of_the_login_is_its_own_word() -> None:
    asks = {one.id: one.asks for one in COMMANDS if one.asks}
    assert all(word == asked for word, asked in asks.items())
    assert set(asks) <= set(desk.OF_THE_BOX)
    on_pages = {"add_key", "remove_key", "rekey"} | {"carry_by_stick", "adopt_log"}  # of list_keys, of sync
    assert set(desk.OF_THE_BOX) - set(asks) == on_pages


# -- the page that says what each means ------------------------------------------------------------------------------


def described() -> dict[str, tuple[str, dict[str, str]]]:
    """Of appliance/ACTIONS.md: per action its meaning, and its reach by role."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    head = [cell.strip() for cell in lines[0].strip("|").split("|")]
    found = {}
    for line in lines[1:]:
        word, meaning, *reaches = [cell.strip() for cell in line.strip("|").split("|")]
        found[word.strip("`")] = meaning, {role: reach for role, reach in zip(head[2:], reaches, strict=True) if reach}
    return found


def test_every_action_is_described_with_those_who_may() -> None:
    page = described()
    assert list(page) == list(ACTIONS)
    for action in ACTIONS:
        meaning, reaches = page[action]
        assert re.search(r"\w{3}", meaning), f"{action}: say what it means"
        assert reaches == {role.replace("_", " "): reach for role, reach in TABLE[action].items()}, action
