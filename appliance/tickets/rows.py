"""Tickets and the visits that they opened."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Actor, Facts, Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as it is kept. `expires_at` in seconds since the epoch."""

    member: str
    pin_hash: bytes
    failures: int
    stopped: bool
    expires_at: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser that showed code and PIN."""

    member: str
    csrf: str


def ticket(tx: Transaction, code_hash: bytes) -> Ticket | None:
    row = tx.one("SELECT * FROM tickets WHERE code_hash = ?", (code_hash,))
    if row is None:
        return None
    return Ticket(row["member"], bytes(row["pin_hash"]), row["failures"], bool(row["stopped"]), row["expires_at"])


def replace(
    tx: Transaction, permit: Permit, member: str, code_hash: bytes, pin_hash: bytes, at: str, expires_at: int
) -> None:
    """A new ticket for a member; the old one and every visit it opened are gone."""
    tx.execute("DELETE FROM visits WHERE member = ?", (member,))
    tx.execute("DELETE FROM tickets WHERE member = ?", (member,))
    tx.execute(
        "INSERT INTO tickets (code_hash, member, pin_hash, issued_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        (code_hash, member, pin_hash, at, expires_at),
    )
    audit.append(tx, permit, at)


def count_failure(tx: Transaction, visitor: Actor, facts: Facts, code_hash: bytes, limit: int, at: str) -> bool:
    """One more wrong PIN; the one that reaches `limit` stops the ticket, and the answer is whether it did.

    No permit, since nothing is permitted; the audit gets the refusal.
    """
    tx.execute("UPDATE tickets SET failures = failures + 1 WHERE code_hash = ?", (code_hash,))
    tx.execute("UPDATE tickets SET stopped = 1 WHERE code_hash = ? AND failures >= ?", (code_hash, limit))
    found = ticket(tx, code_hash)
    stopped = found is not None and found.stopped
    audit.append_refused(tx, visitor, "present", facts, "ticket_stopped" if stopped else "wrong_ticket", at)
    return stopped


def stop(tx: Transaction, _permit: Permit, member: str) -> None:
    """The removed member's ticket opens nothing any more. Visits stay, so that the page can say why."""
    tx.execute("UPDATE tickets SET stopped = 1 WHERE member = ?", (member,))


def add_visit(
    tx: Transaction, permit: Permit, digest: bytes, code_hash: bytes, csrf: str, at: str, expires_at: int
) -> None:
    tx.execute("UPDATE tickets SET failures = 0 WHERE code_hash = ?", (code_hash,))
    tx.execute(
        "INSERT INTO visits (token_hash, member, csrf, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        (digest, permit.actor.member, csrf, at, expires_at),
    )
    audit.append(tx, permit, at)


def visit(tx: Transaction, digest: bytes, now: int) -> Visit | None:
    row = tx.one("SELECT member, csrf FROM visits WHERE token_hash = ? AND expires_at > ?", (digest, now))
    return Visit(row["member"], row["csrf"]) if row else None


def drop_expired(tx: Transaction, now: int) -> None:
    tx.execute("DELETE FROM visits WHERE expires_at <= ?", (now,))
