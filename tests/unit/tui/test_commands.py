"""The table of commands: what is offered to whom, and why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest

from appliance.control.client import MemberAction, SessionAction
from appliance.control.types import Concern, Phase, Role, Session
from appliance.control.views import NOT_ON_THE_CONSOLE
from appliance.faults import Fault
from appliance.policy import SESSION_ACTIONS, TABLE
from appliance.sessions.rules import MEMBER, Place, Standing, session_after
from tests.fakes import clinic
from tests.unit.tui.test_model import KNOWN, group, with_member
from tui.app import Console
from tui.commands import BY_ID, COMMANDS, STANDINGS, Target, by_key, needs_confirm, offered, refusal
from tui.model import Known, signed_out
from tui.screens.setup.page import SECRET_HINTS

EVERY = tuple(action for action in SESSION_ACTIONS if action not in NOT_ON_THE_CONSOLE)
# Every place a session can stand in: phase and door.
DOORS: list[tuple[Phase, bool]] = [
    (phase, locked)
    for phase in get_args(Phase)
    for locked in (False, True)
    if not locked or phase not in ("scheduled", "ended")
]


def standing_at(phase: Phase, locked: bool, of: Session | None = None) -> Session:
    state = phase if phase in ("scheduled", "ended") else "open"
    return msgspec.structs.replace(of or GROUP, state=state, phase=phase, locked=locked)


def knowing(of: Session, *, actions: tuple[str, ...] = EVERY, known: Known = KNOWN) -> Known:
    of = msgspec.structs.replace(of, actions=actions)
    return replace(known, sessions=tuple(of if one.id == of.id else one for one in known.sessions))


def why(command: str, of: Session, member: str = "", *, actions: tuple[str, ...] = EVERY) -> str:
    return refusal(BY_ID[command], knowing(of, actions=actions), (of.id, member))


GROUP = group(KNOWN)


@pytest.mark.parametrize(("phase", "locked"), DOORS)
def test_a_key_that_two_commands_share_never_leaves_a_choice(phase: Phase, locked: bool) -> None:
    of = standing_at(phase, locked)
    for fields in ({}, {"held": True}, {"flagged": True}, {"held": True, "flagged": True, "aside": True}):
        for member in of.members:
            known = knowing(with_member(of, member.id, **fields))
            keys = [key for one in offered(known, (of.id, member.id)) for key in one.keys]
            assert len(keys) == len(set(keys)), (member.id, fields)


def test_the_key_that_shows_what_is_typed_at_set_up_does_nothing_else_later() -> None:
    # Whoever has learned it there presses it on the locked page too: it must not lead to "Delete everything".
    learned = {key for key, hint in SECRET_HINTS if hint == "setup.hint.reveal"}
    assert learned
    assert not learned & {key for one in COMMANDS for key in one.keys}


def test_a_key_does_what_can_be_done_and_else_tells_of_the_first() -> None:
    for phase, done in (("running", "pause"), ("paused", "resume"), ("scheduled", "pause")):
        assert by_key("p", knowing(standing_at(phase, False)), (GROUP.id, "")).id == done  # type: ignore[arg-type]


def test_every_command_has_a_key_that_a_field_does_not_swallow_or_is_for_inside_only() -> None:
    for command in COMMANDS:
        if command.reach == "everywhere":
            assert any(len(key) > 1 and key != "question_mark" for key in command.keys), command.id


def test_the_words_are_those_of_the_policy_and_of_the_client() -> None:
    acting = {command.id for command in COMMANDS if command.reach in ("session", "member")}
    by_client = {"reissue", "rejoin", "show_card", "handle_concern"}  # methods of their own
    assert acting == set(get_args(SessionAction)) | set(get_args(MemberAction)) | by_client
    assert acting <= set(TABLE)


def test_every_other_command_is_done_by_the_app() -> None:
    for command in COMMANDS:
        if command.reach in ("everywhere", "inside"):
            assert callable(getattr(Console, f"_do_{command.id}"))


def test_what_cannot_be_undone_asks_first() -> None:
    asked = {command.id for command in COMMANDS if command.confirm}
    assert asked == {"deny", "rejoin", "end", "end_aside", "unblock", "take_over"}
    # A removal asks in two windows, of which nothing comes without an answer (tests/console/test_hour.py).


def test_only_what_needs_a_browser_or_a_note_is_not_on_the_console() -> None:
    acting = {command.id for command in COMMANDS if command.reach in ("session", "member")}
    assert set(SESSION_ACTIONS) - acting == {"see", *NOT_ON_THE_CONSOLE} & set(SESSION_ACTIONS)
    assert {"enter", "aside", "note_incident", "see_summary"} == NOT_ON_THE_CONSOLE


@pytest.mark.parametrize("action", sorted(STANDINGS))
def test_a_member_command_is_kept_back_only_where_the_box_refuses_too(action: str) -> None:
    by_rules = {standing for standing, word in MEMBER if word == action}
    assert set(STANDINGS[action]) == (by_rules or {"waiting"})


@pytest.mark.parametrize(("phase", "locked"), DOORS)
@pytest.mark.parametrize("action", get_args(SessionAction))
def test_a_session_command_is_offered_exactly_where_the_rules_have_it(
    phase: Phase, locked: bool, action: SessionAction
) -> None:
    try:
        session_after(Place(phase, locked), action)
    except Fault:
        assert why(action, standing_at(phase, locked)) != ""
    else:
        assert why(action, standing_at(phase, locked)) == ""


@pytest.mark.parametrize(("phase", "locked"), DOORS)
def test_a_card_is_shown_only_while_the_session_goes_on(phase: Phase, locked: bool) -> None:
    assert (why("show_card", standing_at(phase, locked)) == "") == (phase not in ("scheduled", "ended"))


def test_what_was_raised_can_be_looked_after_when_the_session_is_over_too() -> None:
    raised = Concern(id="c-1", member=clinic.LEA, kind="distress", at="2031-03-04T14:01:00Z")
    assert why("handle_concern", GROUP) == "refusal.no_concern"
    for phase in ("running", "ended"):
        of = msgspec.structs.replace(GROUP, concerns=(raised,))
        assert why("handle_concern", standing_at(phase, False, of)) == ""


@pytest.mark.parametrize("action", EVERY)
def test_an_action_that_is_not_in_the_sessions_list_is_refused_by_role(action: str) -> None:
    left = tuple(one for one in EVERY if one != action)
    assert why(action, GROUP, clinic.MARTA, actions=left) == "refusal.role"


@pytest.mark.parametrize("role", get_args(Role))
def test_each_role_is_offered_no_more_than_the_policy_allows(role: Role) -> None:
    actions = tuple(action for action in EVERY if role in TABLE[action])
    for member in GROUP.members:
        known = knowing(GROUP, actions=actions)
        acting = {one.id for one in offered(known, (GROUP.id, member.id)) if one.reach in ("session", "member")}
        assert acting <= set(actions)


def test_a_locked_session_admits_nobody() -> None:
    of = msgspec.structs.replace(GROUP, locked=True)
    assert why("admit", of, clinic.MARTA) == "refusal.door_locked"


def test_a_session_that_is_not_open_admits_nobody() -> None:
    assert why("admit", msgspec.structs.replace(GROUP, state="scheduled"), clinic.MARTA) == "refusal.not_open"


def test_nobody_is_changed_in_an_ended_session() -> None:
    of = msgspec.structs.replace(GROUP, state="ended")
    for action in STANDINGS:
        assert why(action, of, clinic.MARTA) == "refusal.ended"


def test_the_facilitator_is_not_removed_from_the_console() -> None:
    assert why("remove", GROUP, "m-ben") == "refusal.facilitator"


def test_nobody_is_vouched_for_twice() -> None:
    assert why("vouch", GROUP, clinic.MARTA) == ""
    assert why("vouch", GROUP, clinic.IVAN) == "refusal.is_vouched"


def test_without_a_person_chosen_a_member_command_says_so() -> None:
    assert why("admit", GROUP) == "refusal.no_member"


def test_without_a_session_chosen_a_command_says_so() -> None:
    assert refusal(BY_ID["lock"], KNOWN, ("", "")) == "refusal.no_session"


def test_without_a_line_nothing_is_done() -> None:
    known = replace(knowing(GROUP), reached=False)
    assert refusal(BY_ID["admit"], known, (GROUP.id, clinic.MARTA)) == "refusal.away"


def test_signed_out_only_what_works_for_everybody_is_offered() -> None:
    left = offered(signed_out(KNOWN), ("", ""))
    assert {one.id for one in left} == {"calls", "help", "palette", "quit"}


def test_next_needs_somebody_who_waits() -> None:
    empty = with_member(with_member(GROUP, clinic.MARTA, standing="denied"), clinic.IVAN, standing="denied")
    assert refusal(BY_ID["next"], knowing(empty), ("", "")) == "refusal.nobody_waits"
    assert refusal(BY_ID["next"], KNOWN, ("", "")) == ""


@pytest.mark.parametrize(("ticket", "asks"), [("issued", True), ("stopped", False), ("expired", False)])
def test_a_new_invitation_asks_first_only_if_the_old_one_still_works(ticket: str, asks: bool) -> None:
    of = with_member(GROUP, clinic.RUTH, ticket=ticket)
    target: Target = (of.id, clinic.RUTH)
    assert needs_confirm(BY_ID["reissue"], knowing(of), target) is asks


@pytest.mark.parametrize("standing", get_args(Standing))
def test_every_standing_has_a_refusal_or_an_offer(standing: Standing) -> None:
    of = with_member(GROUP, clinic.MARTA, standing=standing)
    for action, standings in STANDINGS.items():
        kept = why(action, of, clinic.MARTA) == f"refusal.not_for.{action}"
        assert kept == (standing not in standings), action


@pytest.mark.parametrize(
    ("action", "fields", "sentence"),
    [
        ("ask_phrase", {"phrase": ""}, "refusal.no_phrase"),
        ("ask_phrase", {"phrase": "blue heron"}, ""),
        ("lower_hand", {"standing": "admitted"}, "refusal.no_hand"),
        ("hold", {"standing": "admitted", "held": True}, "refusal.is_held"),
        ("release", {"standing": "admitted"}, "refusal.not_held"),
        ("flag", {"standing": "admitted", "flagged": True}, "refusal.is_flagged"),
        ("unflag", {"standing": "admitted"}, "refusal.not_flagged"),
        ("end_aside", {"standing": "admitted"}, "refusal.not_aside"),
        ("end_aside", {"standing": "admitted", "aside": True}, ""),
        ("unblock", {"standing": "removed"}, "refusal.not_blocked"),
        ("unblock", {"standing": "removed", "blocked": True}, ""),
        ("reissue", {"standing": "removed", "blocked": True}, "refusal.is_blocked"),
    ],
)
def test_what_is_so_already_or_is_not_there_is_kept_back(action: str, fields: dict[str, Any], sentence: str) -> None:
    assert why(action, with_member(GROUP, clinic.MARTA, **fields), clinic.MARTA) == sentence


def test_one_is_let_through_a_locked_door_and_admitted_through_an_open_one() -> None:
    locked = msgspec.structs.replace(GROUP, locked=True)
    assert (why("let_through", locked, clinic.MARTA), why("admit", locked, clinic.MARTA)) == ("", "refusal.door_locked")
    assert (why("let_through", GROUP, clinic.MARTA), why("admit", GROUP, clinic.MARTA)) == ("refusal.door_open", "")


def test_nobody_comes_in_while_nobody_who_leads_is_there() -> None:
    for locked in (False, True):
        of = msgspec.structs.replace(GROUP, locked=locked, leader_lost=True)
        for action in ("admit", "let_through"):
            assert why(action, of, clinic.MARTA) == "refusal.leader_lost"
