"""What pages and console are shown of a session: its door and phase, who leads, roster, queue, who is missing. Pure.

The record's name, the check phrase and marks are in the lists for staff only. Times are as they are stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, Protocol

from appliance.clock import now_seconds
from appliance.groups import rows as groups
from appliance.groups.rules import b64url
from appliance.people.rules import phrase_fits
from appliance.sessions import rows
from appliance.sessions.rules import in_room

Shown = dict[str, Any]


class Here(Protocol):
    """Who has a page open right now."""

    def is_here(self, member: rows.Member) -> bool: ...  # in the room or in a private one beside it
    def leader_lost(self, session_id: str) -> bool: ...  # nobody who leads it was here for longer than the grace


def leading(session: rows.Session, members: Sequence[rows.Member], here: Here) -> rows.Member | None:
    """Who leads right now: who has taken over last, or while they are away the first of those who may that is here."""
    leaders = [m for m in members if m.facilitator]
    leaders.sort(key=lambda m: m.person != session.leads_now)
    return next((m for m in leaders if here.is_here(m)), leaders[0] if leaders else None)


def session_fact(session: rows.Session, members: Sequence[rows.Member], here: Here) -> Shown:
    """For everybody. `leader.here` bears with a line that is lost for a moment."""
    leader, going_on = leading(session, members, here), session.state in ("open", "locked")
    fact = {"member": "", "name": "", "here": False}
    if leader is not None:
        close = going_on and not here.leader_lost(session.id)
        fact = {"member": leader.id, "name": leader.display_name, "here": here.is_here(leader) or close}
    return {
        "state": "open" if session.state == "locked" else session.state,
        "locked": session.state == "locked",
        "phase": session.phase,
        "leader": fact,
        "byItself": session.locked_why == "complete",
    }


def wait(session: rows.Session, own: rows.Member, minutes: int | None) -> Shown:
    """For a patient who waits. `minutes`: how long people have waited lately."""
    return {
        "minutes": minutes,
        "message": _message(own),
        "phraseAsked": own.phrase_asked,
        "phraseGiven": own.phrase_given != "",
        "phase": session.phase,
        "locked": session.state == "locked",
    }


def lists(
    session: rows.Session, members: Sequence[rows.Member], own: str, here: Here, *, staff: bool
) -> dict[str, list[Shown]]:
    """The roster as `own` sees it, who may be of the staff; for staff also the queue and who is not in the room."""
    inside = {m.id for m in members if in_room(session.state, m.standing)}
    return {
        "roster": _roster(members, inside, own, here, staff=staff),
        "waiting": [_waiting(m, here) for m in members if m.standing == "waiting"],
        "expected": [
            _expected(m) for m in members if m.standing != "waiting" and m.id not in inside and not m.facilitator
        ],
    }


def _roster(
    members: Sequence[rows.Member], inside: Collection[str], own: str, here: Here, *, staff: bool
) -> list[Shown]:
    return [
        {
            "member": m.id,
            "name": m.display_name,
            "facilitator": m.facilitator,
            "you": m.id == own,
            "connected": here.is_here(m),
            "held": m.held,
            "aside": m.aside != "",
            **({"flagged": m.flagged} if staff else {}),
            **({"otherDevice": True} if staff and m.ticket_other_device else {}),
        }
        for m in members
        if m.id in inside
    ]


def _waiting(m: rows.Member, here: Here) -> Shown:
    return {
        "member": m.id,
        "name": m.name,
        "displayName": m.display_name,
        "since": m.waiting_since,
        "vouched": m.vouched,
        "connected": here.is_here(m),
        "otherDevice": m.ticket_other_device,
        "phrase": m.phrase,
        "phraseAsked": m.phrase_asked,
        "phraseGiven": m.phrase_given,
        "phraseFits": phrase_fits(m.phrase, m.phrase_given),
        "message": _message(m),
    }


def _expected(m: rows.Member) -> Shown:
    return {
        "member": m.id,
        "name": m.name,
        "standing": m.standing,
        "ticket": ticket_state(m, now_seconds()),
        "otherDevice": m.ticket_other_device,
        "why": m.removed_why,
        "blocked": m.blocked,
        "blockedWhy": m.blocked_why,
    }


def _message(m: rows.Member) -> Shown | None:
    return {"text": m.message, "at": m.message_at} if m.message else None


def keys(found: groups.Keys, members: Sequence[rows.Member], member: str, *, staff: bool) -> list[tuple[str, Shown]]:
    """The group's part of what a page in the room is shown (groups/PROTOCOL.md), as events in their order."""
    compared = {"epoch": found.compared[0], "at": found.compared[1]} if found.compared else None
    commit = b64url(found.commit) if found.commit is not None else None
    shown: list[tuple[str, Shown]] = [
        ("group", {"group": found.group, "epoch": found.epoch, "commit": commit, "compared": compared})
    ]
    if staff:
        near = [m.id for m in members if m.id in found.offers and m.standing in ("waiting", "admitted")]
        shown.append(("offers", {"offers": [{"member": m, "keyPackage": b64url(found.offers[m])} for m in near]}))
    if member in found.welcomes:
        epoch, welcome = found.welcomes[member]
        shown.append(("welcome", {"group": found.group, "epoch": epoch, "welcome": b64url(welcome)}))
    return shown


def ticket_state(member: rows.Member, now: int) -> Literal["issued", "stopped", "expired"]:
    """As the wire says it, at `now` in seconds since the epoch."""
    if member.ticket_stopped:
        return "stopped"
    return "expired" if 0 < member.ticket_expires_at <= now else "issued"
