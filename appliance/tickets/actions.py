"""Show a ticket, re-issue one. Each runs on the writer thread in one transaction."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from appliance.ids import ALPHABET, new_token, token_hash
from appliance.policy import Actor, decide
from appliance.sessions import rows as sessions
from appliance.sessions.rules import member_after
from appliance.store.database import Transaction
from appliance.tickets import rows, rules


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket, the only time that its code and PIN are known. Not to be logged: it has no readable repr."""

    member: str
    name: str
    code: str
    pin: str

    def __repr__(self) -> str:
        return "Issued(…)"


def reissue(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str, now: int) -> Issued:
    """A new code and PIN for a member who is not inside; the old ones stop, and their pages with them."""
    permit = decide(actor, "reissue", sessions.facts(tx, session_id, member_id))
    member = sessions.member(tx, member_id, session_id)
    member_after(member.standing, "reissue", sessions.session(tx, session_id).state)
    code = "".join(secrets.choice(ALPHABET) for _ in range(rules.CODE_LENGTH))
    pin = "".join(secrets.choice("0123456789") for _ in range(rules.PIN_LENGTH))
    sessions.clear_progress(tx, permit, member_id, at)
    hashes = rules.code_hash(code), rules.pin_hash(code, pin)
    rows.replace(tx, permit, member_id, *hashes, at, now + rules.VALID_SECONDS)
    return Issued(member_id, member.name, rules.shown_code(code), pin)


def known(tx: Transaction, code_text: str) -> rows.Ticket | None:
    """The ticket of a code, whatever may have become of it; for the box itself."""
    return rows.ticket(tx, rules.code_hash(rules.normal_code(code_text)))


@dataclass(frozen=True, slots=True)
class Presented:
    """What showing a ticket gave: a visit's token and its session, or the code of a fault."""

    token: str = ""
    session: str = ""
    fault: str = ""

    def __repr__(self) -> str:
        return "Presented(…)"


def present(tx: Transaction, code_text: str, pin_text: str, at: str, now: int) -> Presented:
    """Show code and PIN.

    A wrong PIN is a value, not an exception: an exception would roll back the count of failures.
    An unknown code and a wrong PIN get the same answer, so that a guess of a code is not confirmed.
    """
    code, pin = rules.normal_code(code_text), rules.normal_pin(pin_text)
    digest = rules.code_hash(code)
    ticket = rows.ticket(tx, digest)
    if ticket is None:
        return Presented(fault="wrong_ticket")
    if ticket.stopped:
        return Presented(fault="ticket_stopped")
    if not hmac.compare_digest(ticket.pin_hash, rules.pin_hash(code, pin)):
        who = Actor(person="", role="patient", surface="portal")  # whoever they are, they are not yet this member
        facts = sessions.facts(tx, sessions.member(tx, ticket.member).session, ticket.member)
        stopped = rows.count_failure(tx, who, facts, digest, rules.MAX_FAILURES, at)
        return Presented(fault="ticket_stopped" if stopped else "wrong_ticket")
    member = sessions.member(tx, ticket.member)
    state = sessions.session(tx, member.session).state
    if state == "ended":
        return Presented(fault="session_over")
    if ticket.expires_at <= now:
        return Presented(fault="ticket_expired")
    return Presented(_visit(tx, member, digest, at, now), member.session)


def _visit(tx: Transaction, member: sessions.Member, digest: bytes, at: str, now: int) -> str:
    actor = Actor(person=member.person, role="patient", surface="portal", member=member.id)
    permit = decide(actor, "present", sessions.facts(tx, member.session, member.id))
    standing = member_after(member.standing, "present", sessions.session(tx, member.session).state)
    if standing != member.standing:
        sessions.set_standing(tx, permit, member.id, standing, at)
    rows.drop_expired(tx, now)
    token, csrf = new_token(), new_token()
    rows.add_visit(tx, permit, token_hash(token), digest, csrf, at, now + rules.VISIT_SECONDS)
    return token
