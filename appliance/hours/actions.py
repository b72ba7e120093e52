"""Note an incident; answer the short questions; see what an hour was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.clock import parse
from appliance.faults import Fault
from appliance.hours import rows, rules
from appliance.hours.rows import Incident
from appliance.hours.rules import Pulse
from appliance.policy import Actor, Permit, decide
from appliance.room import rows as room
from appliance.room.rules import Card
from appliance.sessions import rows as sessions
from appliance.store.database import Transaction
from appliance.tickets.rules import AFTER_END_SECONDS


@dataclass(frozen=True, slots=True)
class Attended:
    """When one member was there, as (came, went) in RFC 3339; nothing for one who never came."""

    member: sessions.Member
    times: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it but the words: those are in sealed notes. `answers`: how many answered the short questions; `felt`:
    what they answered, None while that could tell of one of them."""

    session: sessions.Session
    attended: Sequence[Attended]
    cards: Sequence[tuple[Card, int]]  # with how many acknowledged it
    concerns: Sequence[room.Concern]
    incidents: Sequence[Incident]
    answers: int
    felt: Mapping[str, tuple[int, int, int, int]] | None


def note_incident(tx: Transaction, actor: Actor, session_id: str, kind: str, member_id: str, at: str) -> int:
    """Its number; what happened in a private room is the session's, or no summary would tell of it.

    Faults: not_found, refused, bad_request, wrong_state (the session was never open).
    """
    session_id, member_id = room.home(tx, session_id, member_id)
    permit = decide(actor, "note_incident", sessions.facts(tx, session_id, member_id))
    if sessions.session(tx, session_id).phase == "scheduled":
        raise Fault("wrong_state", "an incident before the session")
    return rows.note_incident(tx, permit, session_id, rules.incident(kind), member_id, at)


def permit_to_note(tx: Transaction, actor: Actor, session_id: str) -> Permit:
    """Whether `actor` may note incidents of that session. Faults: not_found, refused."""
    return decide(actor, "note_incident", sessions.facts(tx, session_id))


def give_feedback(tx: Transaction, actor: Actor, given: Pulse, at: str) -> None:
    """Once, after the session. Faults: wrong_state (it goes on, they were never in, or they gave it already)."""
    member = sessions.member(tx, actor.member)
    permit = decide(actor, "give_feedback", sessions.facts(tx, member.session, member.id))
    if not may_answer(tx, member):
        raise Fault("wrong_state", "feedback")
    rows.keep_feedback(tx, permit, member.session, member.id, given, at)


def may_answer(tx: Transaction, member: sessions.Member) -> bool:
    """Whether that member is asked: they were in the room, it is over, and they have not answered yet."""
    session = sessions.session(tx, member.session)
    was_in = bool(sessions.attendances(tx, member.id, session.ended_at))
    return session.phase == "ended" and was_in and not rows.gave_feedback(tx, member.id)


def permit_to_see(tx: Transaction, actor: Actor, session_id: str) -> Permit:
    """For the entry in the audit."""
    return decide(actor, "see_summary", sessions.facts(tx, session_id))


def summary(tx: Transaction, actor: Actor, session_id: str, at: str) -> Summary:
    """What the hour was, also while it goes on."""
    permit_to_see(tx, actor, session_id)
    session = sessions.session(tx, session_id)
    given = rows.feedback(tx, session_id)
    attended = [
        Attended(one, sessions.attendances(tx, one.id, session.ended_at or at))
        for one in sessions.members(tx, session_id)
    ]
    return Summary(
        session,
        attended,
        _cards(tx, session_id),
        room.concerns_of(tx, session_id),
        rows.incidents(tx, session_id),
        len(given),
        rules.counted(given) if _closed(tx, session, attended, at) else None,
    )


def _closed(tx: Transaction, session: sessions.Session, attended: Sequence[Attended], at: str) -> bool:
    """Whether no more answers can come: all who were there gave theirs, or their visits have ended."""
    if session.phase != "ended":
        return False
    asked = [one.member.id for one in attended if one.times and not one.member.facilitator]
    over = (parse(at) - parse(session.ended_at)).total_seconds() > AFTER_END_SECONDS
    return over or all(rows.gave_feedback(tx, member) for member in asked)


def _cards(tx: Transaction, session_id: str) -> list[tuple[Card, int]]:
    known = Counter(one.card for one in room.acknowledgements(tx, session_id))
    return [(card, known[card.id]) for card in room.cards_of(tx, session_id)]
