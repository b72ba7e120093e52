"""What goes on between staff and somebody who waits: the check of who it is, a line to them, how long it takes.

Each runs on the writer thread in one transaction. Texts stay until the person is in or the session is over.
"""

from __future__ import annotations

from datetime import timedelta

from appliance.clock import parse
from appliance.faults import Fault
from appliance.people.rules import check_phrase
from appliance.policy import Actor, decide
from appliance.sessions import rows
from appliance.sessions.rules import average_minutes, member_after
from appliance.sessions.states import permit_on
from appliance.store.database import Transaction

MAX_PHRASE_TRIES = 5  # of one asking; staff who ask again allow as many anew, and see each
WAITS_COUNTED = 20  # newest admissions: a month of a small clinic
WAITS_DAYS = 30  # older ones say nothing of how busy it is now


def vouch(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str) -> None:
    """Staff have checked that this person, who waits, is who the record says."""
    permit, member = permit_on(tx, actor, "vouch", session_id, member_id)
    member_after(member.standing, "vouch", rows.session(tx, session_id).state)
    rows.set_vouched(tx, permit, member_id, at)


def ask_phrase(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str) -> None:
    """Have them type their check phrase. Fault("wrong_state") also where the record has none."""
    permit, member = permit_on(tx, actor, "ask_phrase", session_id, member_id)
    member_after(member.standing, "ask_phrase", rows.session(tx, session_id).state)
    if not member.phrase:
        raise Fault("wrong_state", "no check phrase in the record")
    rows.ask_phrase(tx, permit, member_id, at)


def answer_phrase(tx: Transaction, actor: Actor, text: str, at: str) -> None:
    """What one who waits typed; staff see it beside the record's.

    Faults: refused, bad_request (nothing, or too long), wrong_state (nobody asked), too_many_tries.
    """
    member = rows.member(tx, actor.member)
    permit = decide(actor, "answer_phrase", rows.facts(tx, member.session, member.id))
    member_after(member.standing, "answer_phrase", rows.session(tx, member.session).state)
    if not member.phrase_asked:
        raise Fault("wrong_state", "nobody asked for a phrase")
    phrase = check_phrase(text)
    if not phrase:
        raise Fault("bad_request", "phrase")
    if member.phrase_tries >= MAX_PHRASE_TRIES:
        raise Fault("too_many_tries")
    rows.answer_phrase(tx, permit, member.id, phrase, at)


def message(tx: Transaction, actor: Actor, session_id: str, member_id: str, text: str, at: str) -> None:
    """A line to one who waits, in place of the one before. `text` as `given` has cleaned it."""
    permit, member = permit_on(tx, actor, "message", session_id, member_id)
    member_after(member.standing, "message", rows.session(tx, session_id).state)
    if not text:
        raise Fault("bad_request", "message")
    rows.set_message(tx, permit, member_id, text, at)


def average_wait(tx: Transaction, at: str) -> int | None:
    """How long people have waited lately on this box, in minutes; None where that is not known yet."""
    since = (parse(at) - timedelta(days=WAITS_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = rows.waits(tx, since, WAITS_COUNTED)
    return average_minutes([(parse(admitted) - parse(began)).total_seconds() for began, admitted in found])
