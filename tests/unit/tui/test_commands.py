"""The table of commands: what is offered to whom, and why not."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import msgspec
import pytest

from appliance.control.client import MemberAction, SessionAction
from appliance.control.types import Role, Session
from appliance.policy import SESSION_ACTIONS, TABLE
from appliance.sessions.rules import MEMBER, SESSION, Standing
from tests.fakes import clinic
from tests.unit.tui.test_model import KNOWN, group, with_member
from tui.app import Console
from tui.commands import BY_ID, COMMANDS, STANDINGS, Target, needs_confirm, offered, refusal
from tui.model import Known, signed_out

EVERY = tuple(SESSION_ACTIONS)


def knowing(of: Session, *, actions: tuple[str, ...] = EVERY, known: Known = KNOWN) -> Known:
    of = msgspec.structs.replace(of, actions=actions)
    return replace(known, sessions=tuple(of if one.id == of.id else one for one in known.sessions))


def why(command: str, of: Session, member: str = "", *, actions: tuple[str, ...] = EVERY) -> str:
    return refusal(BY_ID[command], knowing(of, actions=actions), (of.id, member))


GROUP = group(KNOWN)


def test_no_two_commands_share_a_key() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_every_command_has_a_key_that_a_field_does_not_swallow_or_is_for_inside_only() -> None:
    for command in COMMANDS:
        if command.reach == "everywhere":
            assert any(len(key) > 1 and key != "question_mark" for key in command.keys), command.id


def test_the_words_are_those_of_the_policy_and_of_the_client() -> None:
    acting = {command.id for command in COMMANDS if command.reach in ("session", "member")}
    assert acting == set(get_args(SessionAction)) | set(get_args(MemberAction)) | {"reissue", "rejoin"}
    assert acting <= set(TABLE)


def test_every_other_command_is_done_by_the_app() -> None:
    for command in COMMANDS:
        if command.reach in ("everywhere", "inside"):
            assert callable(getattr(Console, f"_do_{command.id}"))


def test_what_cannot_be_undone_asks_first() -> None:
    assert {command.id for command in COMMANDS if command.confirm} == {"deny", "remove", "rejoin", "end"}


@pytest.mark.parametrize("action", sorted(STANDINGS))
def test_a_member_command_is_kept_back_only_where_the_box_refuses_too(action: str) -> None:
    by_rules = {standing for standing, word in MEMBER if word == action}
    assert set(STANDINGS[action]) == (by_rules or {"waiting"})


@pytest.mark.parametrize("state", ["scheduled", "open", "locked", "ended"])
@pytest.mark.parametrize("action", get_args(SessionAction))
def test_a_session_command_is_offered_exactly_where_the_rules_have_it(state: str, action: str) -> None:
    of = msgspec.structs.replace(GROUP, state="open" if state == "locked" else state, locked=state == "locked")
    assert (why(action, of) == "") == ((state, action) in SESSION)


@pytest.mark.parametrize("action", [one for one in EVERY if one != "enter"])
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
    assert {one.id for one in left} == {"help", "palette", "quit"}


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
    for action in STANDINGS:
        assert why(action, of, clinic.MARTA) in ("", f"refusal.not_for.{action}")
