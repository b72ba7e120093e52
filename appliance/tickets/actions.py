"""Issue a ticket, show one. Each runs on the writer thread in one transaction.

A ticket opens one place for one device: the first that shows code and PIN. Only a new ticket, from staff, frees it:
`reissue` for one who is not inside (they begin anew), `rejoin` for one who is (their place, name and signature stay).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from appliance.clock import parse
from appliance.faults import Fault
from appliance.groups import rows as groups
from appliance.ids import ALPHABET, new_token, token_hash
from appliance.policy import Actor, Facts, Permit, decide
from appliance.sessions import rows as sessions
from appliance.sessions.rules import member_after
from appliance.store.database import Transaction
from appliance.tickets import rows, rules


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket, the only time that its code and PIN are known. Not to be logged: it has no readable repr.

    `rejoin`: for one who lost device or line, to be told on the phone now.
    """

    member: str
    name: str
    code: str
    pin: str
    rejoin: bool = False

    def __repr__(self) -> str:
        return "Issued(…)"


def reissue(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str, now: int) -> Issued:
    """A new code and PIN for a member who is not inside; the old ones stop, and their pages with them."""
    permit = decide(actor, "reissue", sessions.facts(tx, session_id, member_id))
    session, member = sessions.session(tx, session_id), sessions.member(tx, member_id, session_id)
    member_after(member.standing, "reissue", session.state)
    _check_not_blocked(member)
    sessions.clear_progress(tx, permit, member_id, at)
    return _issue(tx, permit, member, at, rules.ticket_ends(_seconds(session.starts_at), now))


def rejoin(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str, now: int) -> Issued:
    """A way back for a member who lost device or line, through a locked door too: place, name and signature stay.

    What the old device holds ends: its pages, its visit, its offer of keys. The new one gets keys only from the browser
    of the person who leads, as everybody. Nobody has looked at its user yet, so the check of who it is is open again.
    """
    permit = decide(actor, "rejoin", sessions.facts(tx, session_id, member_id))
    member = sessions.member(tx, member_id, session_id)
    if member.facilitator:
        raise Fault("wrong_state", "rejoin for one who leads")
    member_after(member.standing, "rejoin", sessions.session(tx, session_id).state)
    _check_not_blocked(member)
    sessions.forget_check(tx, permit, member_id)
    groups.withdraw(tx, permit, member_id)
    return _issue(tx, permit, member, at, now + rules.REJOIN_SECONDS, rejoin=True)


def _check_not_blocked(member: sessions.Member) -> None:
    """Fault("blocked"): no invitation leads past a block; who may lift it does that first."""
    if member.blocked:
        raise Fault("blocked")


def _issue(
    tx: Transaction, permit: Permit, member: sessions.Member, at: str, ends: int, *, rejoin: bool = False
) -> Issued:
    code = "".join(secrets.choice(ALPHABET) for _ in range(rules.CODE_LENGTH))
    pin = "".join(secrets.choice("0123456789") for _ in range(rules.PIN_LENGTH))
    rows.replace(tx, permit, member.id, rules.code_hash(code), rules.pin_hash(code, pin), at, ends, rejoin=rejoin)
    return Issued(member.id, member.name, rules.shown_code(code), pin, rejoin)


def release(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str, now: int) -> None:
    """Any device may show the ticket again. For the demo, whose tickets stand on the screen: everybody may try it."""
    permit = decide(actor, "reissue", sessions.facts(tx, session_id, member_id))
    session = sessions.session(tx, session_id)
    rows.release(tx, permit, member_id, at, rules.ticket_ends(_seconds(session.starts_at), now))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a paper says of a ticket besides its PIN."""

    name: str
    code: str
    starts_at: str


def shown(
    tx: Transaction, actor: Actor, session_id: str, member_id: str, code_text: str, pin_text: str, now: int
) -> Shown:
    """A ticket that was issued a moment ago, for its paper: by those who may issue it, and only while it opens.

    Faults: refused, not_found, wrong_ticket.
    """
    decide(actor, "reissue", sessions.facts(tx, session_id, member_id))
    code, found = rules.normal_code(code_text), known(tx, code_text)
    right = found is not None and found.member == member_id and not found.stopped and found.expires_at > now
    if found is None or not right or not hmac.compare_digest(found.pin_hash, rules.pin_hash(code, pin_text)):
        raise Fault("wrong_ticket")
    member, session = sessions.member(tx, member_id), sessions.session(tx, session_id)
    if session.state == "ended":
        raise Fault("wrong_ticket")
    return Shown(member.name, rules.shown_code(code), session.starts_at)


def known(tx: Transaction, code_text: str) -> rows.Ticket | None:
    """The ticket of a code, whatever may have become of it; for the box itself."""
    return rows.ticket(tx, rules.code_hash(rules.normal_code(code_text)))


def is_its_device(tx: Transaction, code_text: str, device: str) -> bool:
    """Whether the ticket of that code is bound to the device that holds that token."""
    found, code = known(tx, code_text), rules.normal_code(code_text)
    return found is not None and hmac.compare_digest(found.device_hash, rules.device_hash(code, device))


@dataclass(frozen=True, slots=True)
class Presented:
    """What showing a ticket gave: a visit's token, its session and the device's token; or the code of a fault, with
    the session if staff are to see it. `unnoted`: what a refusal was about that the caller has to note; None if it is
    in the audit."""

    token: str = ""
    session: str = ""
    device: str = ""
    fault: str = ""
    unnoted: Facts | None = None

    def __repr__(self) -> str:
        return "Presented(…)"


def present(
    tx: Transaction,
    code_text: str,
    pin_text: str,
    at: str,
    now: int,
    *,
    device: str = "",
    shared: bool = False,
    address: str = "",
) -> Presented:
    """Show code and PIN on the device that holds the token `device`, "" for one that has none yet.

    A wrong PIN is a value, not an exception: an exception would roll back the count of failures.
    An unknown code and a wrong PIN get the same answer, so that a guess of a code is not confirmed. Whose device it is
    is told to nobody who has not the right PIN.
    """
    code, pin = rules.normal_code(code_text), rules.normal_pin(pin_text)
    digest = rules.code_hash(code)
    ticket = rows.ticket(tx, digest)
    if ticket is None:
        return Presented(fault="wrong_ticket", unnoted=Facts())
    member = sessions.member(tx, ticket.member)
    facts = sessions.facts(tx, member.session, member.id)
    if ticket.stopped:
        return Presented(fault="ticket_stopped", unnoted=facts)
    stranger = visitor_at(address)
    if not hmac.compare_digest(ticket.pin_hash, rules.pin_hash(code, pin)):
        stopped = rows.count_failure(tx, stranger, facts, digest, rules.MAX_FAILURES, at)
        return Presented(fault="ticket_stopped" if stopped else "wrong_ticket")
    session = sessions.session(tx, member.session)
    if session.state == "ended":
        return Presented(fault="session_over", unnoted=facts)
    if member.blocked:
        return Presented(fault="blocked", unnoted=facts)
    if ticket.expires_at <= now:
        return Presented(fault="ticket_expired", unnoted=facts)
    if ticket.device_hash and not hmac.compare_digest(ticket.device_hash, rules.device_hash(code, device)):
        rows.note_other_device(tx, digest, at)
        return Presented(fault="ticket_other_device", session=member.session, unnoted=facts)
    device = device or new_token()
    permit = _step_in(tx, member, session, at, address)
    if not ticket.device_hash:
        ends = rules.ticket_ends(_seconds(session.starts_at), now)
        rows.bind(tx, permit, digest, rules.device_hash(code, device), ends)
    return Presented(_visit(tx, permit, digest, at, now, shared=shared), member.session, device)


def visitor_at(address: str) -> Actor:
    """Whoever shows a ticket: they are not yet its member."""
    return Actor(person="", role="patient", surface="portal", address=address)


def _step_in(tx: Transaction, member: sessions.Member, session: sessions.Session, at: str, address: str) -> Permit:
    actor = Actor(person=member.person, role="patient", surface="portal", member=member.id, address=address)
    permit = decide(actor, "present", sessions.facts(tx, member.session, member.id))
    standing = member_after(member.standing, "present", session.state)
    if standing != member.standing:
        sessions.set_standing(tx, permit, member.id, standing, at)
    return permit


def _visit(tx: Transaction, permit: Permit, digest: bytes, at: str, now: int, *, shared: bool) -> str:
    rows.drop_expired(tx, now)
    token, csrf = new_token(), new_token()
    rows.add_visit(tx, permit, token_hash(token), digest, csrf, at, rules.visit_ends(now, shared=shared), shared=shared)
    return token


def leave_device(tx: Transaction, token: str) -> None:
    """This browser lets go of its visit, as a device that others use should."""
    rows.end_visit(tx, token_hash(token))


def _seconds(at: str) -> int:
    return int(parse(at).timestamp())
