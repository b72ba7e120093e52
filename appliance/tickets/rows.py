"""Tickets and the visits that they opened."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Actor, Facts, Permit
from appliance.store.database import Transaction
from appliance.tickets.rules import MAX_VISITS


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as it is kept. `expires_at` in seconds since the epoch; `device_hash` is b"" until it is shown."""

    member: str
    pin_hash: bytes
    failures: int
    stopped: bool
    expires_at: int
    device_hash: bytes
    rejoin: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser that showed code and PIN. `shared`: others use that device too."""

    member: str
    csrf: str
    shared: bool


def ticket(tx: Transaction, code_hash: bytes) -> Ticket | None:
    row = tx.one("SELECT * FROM tickets WHERE code_hash = ?", (code_hash,))
    if row is None:
        return None
    return Ticket(
        row["member"],
        bytes(row["pin_hash"]),
        row["failures"],
        bool(row["stopped"]),
        row["expires_at"],
        bytes(row["device_hash"] or b""),
        bool(row["rejoin"]),
    )


def replace(
    tx: Transaction,
    permit: Permit,
    member: str,
    code_hash: bytes,
    pin_hash: bytes,
    at: str,
    expires_at: int,
    *,
    rejoin: bool = False,
) -> None:
    """A new ticket for a member; the old one and every visit it opened are gone."""
    tx.execute("DELETE FROM visits WHERE member = ?", (member,))
    tx.execute("DELETE FROM tickets WHERE member = ?", (member,))
    tx.execute(
        "INSERT INTO tickets (code_hash, member, pin_hash, issued_at, expires_at, rejoin) VALUES (?, ?, ?, ?, ?, ?)",
        (code_hash, member, pin_hash, at, expires_at, int(rejoin)),
    )
    audit.append(tx, permit, at)


def release(tx: Transaction, permit: Permit, member: str, at: str, expires_at: int) -> None:
    """The ticket is any device's again, as on the day of its issue. The visits stay until another device shows it."""
    tx.execute(
        "UPDATE tickets SET device_hash = NULL, stopped = 0, failures = 0, expires_at = ?, other_device_at = NULL"
        " WHERE member = ?",
        (expires_at, member),
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


def note_other_device(tx: Transaction, code_hash: bytes, at: str) -> None:
    """A second device has code and PIN: staff see it beside the name. The caller notes the refusal."""
    tx.execute("UPDATE tickets SET other_device_at = ? WHERE code_hash = ?", (at, code_hash))


def stop(tx: Transaction, _permit: Permit, member: str) -> None:
    """The removed member's ticket opens nothing any more. Visits stay, so that the page can say why."""
    tx.execute("UPDATE tickets SET stopped = 1 WHERE member = ?", (member,))


def last_until(tx: Transaction, permit: Permit, expires_at: int) -> None:
    """The permit's session is at another time: tickets that are out open it then too. The caller writes the entry."""
    tx.execute(
        "UPDATE tickets SET expires_at = max(expires_at, ?) WHERE rejoin = 0"
        " AND member IN (SELECT id FROM members WHERE session = ?)",
        (expires_at, permit.facts.session),
    )


def forget(tx: Transaction, _permit: Permit, member: str) -> None:
    """The place is nobody's any more: its ticket and visits go with it. The caller writes the entry."""
    tx.execute("DELETE FROM visits WHERE member = ?", (member,))
    tx.execute("DELETE FROM tickets WHERE member = ?", (member,))


def bind(tx: Transaction, permit: Permit, code_hash: bytes, device_hash: bytes, expires_at: int) -> None:
    """The ticket is that device's from now on, and nobody else's visit goes on."""
    tx.execute("DELETE FROM visits WHERE member = ?", (permit.actor.member,))
    tx.execute(
        "UPDATE tickets SET device_hash = ?, expires_at = ? WHERE code_hash = ?", (device_hash, expires_at, code_hash)
    )


def add_visit(
    tx: Transaction,
    permit: Permit,
    digest: bytes,
    code_hash: bytes,
    csrf: str,
    at: str,
    expires_at: int,
    *,
    shared: bool = False,
) -> None:
    tx.execute("UPDATE tickets SET failures = 0 WHERE code_hash = ?", (code_hash,))
    tx.execute(
        "INSERT INTO visits (token_hash, member, csrf, created_at, expires_at, shared) VALUES (?, ?, ?, ?, ?, ?)",
        (digest, permit.actor.member, csrf, at, expires_at, int(shared)),
    )
    tx.execute(
        "DELETE FROM visits WHERE member = ? AND rowid NOT IN"
        " (SELECT rowid FROM visits WHERE member = ? ORDER BY rowid DESC LIMIT ?)",
        (permit.actor.member, permit.actor.member, MAX_VISITS),
    )
    audit.append(tx, permit, at)


def visit(tx: Transaction, digest: bytes, now: int) -> Visit | None:
    row = tx.one("SELECT member, csrf, shared FROM visits WHERE token_hash = ? AND expires_at > ?", (digest, now))
    return Visit(row["member"], row["csrf"], bool(row["shared"])) if row else None


def end_visit(tx: Transaction, digest: bytes) -> None:
    """That browser is nobody's any more. No permit and no entry: who holds the token may always let go of it."""
    tx.execute("DELETE FROM visits WHERE token_hash = ?", (digest,))


def close(tx: Transaction, permit: Permit, until: int, shared_until: int) -> None:
    """The permit's session is over: its visits live on only to show the last page, until then at the latest."""
    tx.execute(
        "UPDATE visits SET expires_at = min(expires_at, CASE shared WHEN 1 THEN ? ELSE ? END)"
        " WHERE member IN (SELECT id FROM members WHERE session = ?)",
        (shared_until, until, permit.facts.session),
    )


def drop_expired(tx: Transaction, now: int) -> None:
    tx.execute("DELETE FROM visits WHERE expires_at <= ?", (now,))
