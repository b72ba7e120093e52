"""How a session and its members' places change once it goes on: phases, the door, who leads, holding, sending out.

Each runs on the writer thread in one transaction. The words are the policy's: *admit* is one word from key press to
audit entry.
"""

from __future__ import annotations

from appliance.care import rows as care
from appliance.faults import Fault
from appliance.groups import rows as groups
from appliance.licences import rows as licences
from appliance.policy import BOX, Action, Actor, Permit, decide
from appliance.sessions import asides, rows
from appliance.sessions.given import NOTHING, Given
from appliance.sessions.rules import LockedWhy, completes, member_after, session_after
from appliance.store.database import Transaction
from appliance.tickets import rows as tickets


def check_leader(tx: Transaction, actor: Actor, action: Action, at: str) -> None:
    """Who opens a session or takes one over has a licence that is in force. Fault("licence_expired").

    A clinical lead who opens one for others does not lead it by that.
    """
    if action in ("open", "take_over") and actor.role == "facilitator" and licences.expired(tx, actor.person, at):
        raise Fault("licence_expired")


def take_over(tx: Transaction, actor: Actor, session_id: str, at: str) -> None:
    """Lead from now on, of those who lead it together. Faults: refused, wrong_state, licence_expired."""
    permit = decide(actor, "take_over", rows.facts(tx, session_id))
    check_leader(tx, actor, "take_over", at)
    session = rows.session(tx, session_id)
    session_after(session.place, "take_over")
    if session.leads_now == actor.person:
        raise Fault("wrong_state", "leads already")
    rows.set_leads_now(tx, permit, session_id, actor.person, at)


def lock_without_leader(tx: Transaction, session_id: str, at: str) -> bool:
    """Nobody who leads is here any more: the door locks itself; whether it was open.

    It stays locked when they are back, until one of them unlocks it.
    """
    session = rows.session(tx, session_id)
    if session.state != "open" or session.parent:
        return False
    _lock_itself(tx, session, "leader", at)
    return True


def _lock_itself(tx: Transaction, session: rows.Session, why: LockedWhy, at: str) -> None:
    permit = decide(BOX, "lock", rows.facts(tx, session.id))
    rows.set_place(tx, permit, session.id, session_after(session.place, "lock"), at, locked_why=why)


def let_in(
    tx: Transaction,
    actor: Actor,
    action: Action,
    session_id: str,
    member_id: str,
    at: str,
    *,
    full: bool = False,
    leaderless: bool = False,
) -> None:
    """admit, or let_through: a locked door, which stays locked. Whoever completes the roster locks it behind them.

    `full`: the box carries nobody more. `leaderless`: nobody who leads is here, so nobody's browser could give keys.
    Faults: refused, blocked, wrong_state, session_locked, leader_away, box_full.
    """
    permit, member = permit_on(tx, actor, action, session_id, member_id)
    session = rows.session(tx, session_id)
    standing = member_after(member.standing, action, session.state)
    if member.blocked:
        raise Fault("blocked")
    if leaderless:
        raise Fault("leader_away")
    if full:
        raise Fault("box_full")
    rows.set_standing(tx, permit, member_id, standing, at)
    rows.forget_waiting(tx, permit, member_id)
    rows.forget_marks(tx, permit, member_id)
    if session.state == "open" and completes(m.standing for m in rows.members(tx, session_id) if not m.facilitator):
        _lock_itself(tx, session, "complete", at)


def send_out(
    tx: Transaction,
    actor: Actor,
    action: Action,
    session_id: str,
    member_id: str,
    at: str,
    *,
    given: Given = NOTHING,
) -> None:
    """deny or remove; a removal has a reason, and may block the person from the sessions of this care group."""
    permit, member = permit_on(tx, actor, action, session_id, member_id)
    session = rows.session(tx, session_id)
    standing = member_after(member.standing, action, session.state)
    rows.set_standing(tx, permit, member_id, standing, at)
    groups.withdraw(tx, permit, member_id)
    rows.forget_waiting(tx, permit, member_id)
    rows.forget_marks(tx, permit, member_id)
    asides.end_of(tx, permit, member_id, at)
    if action == "remove":
        rows.set_removed_why(tx, permit, member_id, given.why)
        tickets.stop(tx, permit, member_id)
        if given.block and session.care_group:
            _block(tx, permit, member.person, session.care_group, given, at)


def _block(tx: Transaction, permit: Permit, person: str, care_group: str, given: Given, at: str) -> None:
    """Their invitations to all sessions of the care group stop, whoever gave them out."""
    rows.block(tx, permit, person, care_group, given.why, at)
    for place in rows.places(tx, person, care_group):
        tickets.stop(tx, permit, place)


def unblock(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str) -> None:
    """The person may come again, by a new invitation. Faults: refused, wrong_state (is not blocked)."""
    permit = decide(actor, "unblock", rows.facts(tx, session_id, member_id))
    member = rows.member(tx, member_id, session_id)
    if not member.blocked:
        raise Fault("wrong_state", "is not blocked")
    rows.unblock(tx, permit, member.person, rows.session(tx, session_id).care_group, at)


def unblock_in(tx: Transaction, actor: Actor, care_group: str, person: str, at: str) -> None:
    """The same for one who is in none of the group's sessions now. Faults: refused, not_found, wrong_state."""
    permit = decide(actor, "unblock", care.facts(tx, care_group, person=person))
    if person not in rows.blocked(tx, care_group):
        raise Fault("wrong_state", "is not blocked")
    rows.unblock(tx, permit, person, care_group, at)


def mark(tx: Transaction, actor: Actor, action: Action, session_id: str, member_id: str, at: str) -> None:
    """hold, release, flag, unflag one who is in. Twice is no fault: two who lead may press at once."""
    permit, member = permit_on(tx, actor, action, session_id, member_id)
    member_after(member.standing, action, rows.session(tx, session_id).state)
    if action in ("hold", "release"):
        if member.held != (action == "hold"):
            rows.set_held(tx, permit, member_id, at, held=action == "hold")
    elif member.flagged != (action == "flag"):
        rows.set_flagged(tx, permit, member_id, at, flagged=action == "flag")


def permit_on(
    tx: Transaction, actor: Actor, action: Action, session_id: str, member_id: str
) -> tuple[Permit, rows.Member]:
    """Faults: refused, not_found, wrong_state (for one who leads)."""
    permit = decide(actor, action, rows.facts(tx, session_id, member_id))
    member = rows.member(tx, member_id, session_id)
    if member.facilitator:
        raise Fault("wrong_state", f"{action} for one who leads")
    return permit, member
