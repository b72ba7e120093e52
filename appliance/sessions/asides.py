"""A private word: one who leads and one person go into a room of their own, and come back.

The room is a session beside theirs with the two as its only members, so keys, relay, chat and words to compare work in
it as they do anywhere. In their own session both keep their place; the others see that they are back in a moment.
Nothing of it goes to headquarters, into plans or bills. All of it stands in the store: who reloads, or finds the box
started anew, is in the private room again until somebody says that the word is over.
"""

from __future__ import annotations

from collections.abc import Collection

from appliance.faults import Fault
from appliance.groups import rows as groups
from appliance.policy import Action, Actor, Permit, decide
from appliance.sessions import rows
from appliance.sessions.rules import in_room, member_after
from appliance.store.database import Transaction


def begin(
    tx: Transaction, actor: Actor, session_id: str, member_id: str, leader: str, at: str, *, here: Collection[str]
) -> str:
    """Take that member aside; the private room's id. `leader`: who goes with them, a person; "" for who asks.

    `here`: the members who have a page of the session open: who goes along must be at one, so that nobody sits in an
    empty room. Faults: refused, wrong_state (not in the room, or one who leads), in_private_room, leader_not_here.
    """
    permit = decide(actor, "aside", rows.facts(tx, session_id, member_id))
    session, member = rows.session(tx, session_id), rows.member(tx, member_id, session_id)
    member_after(member.standing, "aside", session.state)
    if session.parent or member.facilitator or not in_room(session.state, member.standing):
        raise Fault("wrong_state", "aside with one who is not in the room")
    with_them = _leader(tx, session_id, leader or actor.person)
    if member.aside or with_them.aside:
        raise Fault("in_private_room")
    if with_them.id not in here:
        raise Fault("leader_not_here")
    return rows.add_aside(tx, permit, with_them, member, at)


def end(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str) -> None:
    """Back to the group, both. The member may be either of the two, named in their session or in the private room.

    Faults: refused, wrong_state (in no private room).
    """
    session_id, member_id = _at_home(tx, session_id, member_id)
    permit = decide(actor, "end_aside", rows.facts(tx, session_id, member_id))
    member = rows.member(tx, member_id, session_id)
    if not member.aside:
        raise Fault("wrong_state", "in no private room")
    _close(tx, permit, member.aside, at)
    rows.note_back(tx, permit, member.person, at)


def end_of(tx: Transaction, permit: Permit, member_id: str, at: str) -> None:
    """That member goes out of the session, and with it out of any private room."""
    room = rows.member(tx, member_id).aside
    if room:
        _close(tx, permit, room, at)


def end_all(tx: Transaction, permit: Permit, session_id: str, at: str) -> None:
    """The session is over, and all its private rooms with it."""
    for room in rows.asides(tx, session_id):
        _close(tx, permit, room, at)


def check(tx: Transaction, action: Action, session_id: str) -> None:
    """Fault("wrong_state") for an action on a private room that is a session's: there one only goes back."""
    if action != "end_aside" and rows.session(tx, session_id).parent:
        raise Fault("wrong_state", f"{action} in a private room")


def _close(tx: Transaction, permit: Permit, room: str, at: str) -> None:
    rows.close_aside(tx, permit, room, at)
    groups.forget(tx, permit, room)


def _leader(tx: Transaction, session_id: str, who: str) -> rows.Member:
    """The place of that one who leads, a person or their place. Fault("leader_not_here") for somebody who does not."""
    for one in rows.members(tx, session_id):
        if one.facilitator and who in (one.person, one.id):
            return one
    raise Fault("leader_not_here")


def _at_home(tx: Transaction, session_id: str, member_id: str) -> tuple[str, str]:
    """The session that a private room belongs to, and that member's place there; anything else as it is."""
    parent = rows.session(tx, session_id).parent
    if not parent:
        return session_id, member_id
    person = rows.member(tx, member_id, session_id).person
    return parent, next((one.id for one in rows.members(tx, parent) if one.person == person), member_id)
