"""The audit's rows: append, read, verify. No update, no delete; triggers in the schema refuse both."""

from __future__ import annotations

from dataclasses import astuple

from appliance.audit.rules import GENESIS, Entry, entry_hash, first_break
from appliance.policy import Action, Actor, Facts, Permit
from appliance.store.database import Row, Transaction


def append(tx: Transaction, permit: Permit, at: str) -> None:
    """Note a permitted action in the transaction that does it."""
    _append(tx, permit.actor, permit.action, permit.facts, "done", at)


def append_refused(tx: Transaction, actor: Actor, action: Action, facts: Facts, code: str, at: str) -> None:
    """Note a refused action; `code` is the fault's."""
    _append(tx, actor, action, facts, code, at)


def _append(tx: Transaction, actor: Actor, action: str, facts: Facts, outcome: str, at: str) -> None:
    last = tx.one("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
    previous = bytes(last["hash"]) if last else GENESIS
    entry = Entry(
        sequence=last["sequence"] + 1 if last else 1,
        at=at,
        actor=actor.person or actor.member,
        role=actor.role,
        surface=actor.surface,
        action=action,
        session=facts.session,
        subject=facts.member,
        outcome=outcome,
    )
    tx.execute(
        "INSERT INTO audit (sequence, at, actor, role, surface, action, session, subject, outcome, previous, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*astuple(entry), previous, entry_hash(previous, entry)),
    )


def verify(tx: Transaction) -> int | None:
    """The sequence number of the first entry that is missing, changed or out of order, or None."""
    return first_break((_entry(row), bytes(row["previous"]), bytes(row["hash"])) for row in _all(tx))


def entries(tx: Transaction) -> list[Entry]:
    """All entries in order."""
    return [_entry(row) for row in _all(tx)]


def _all(tx: Transaction) -> list[Row]:
    return tx.all("SELECT * FROM audit ORDER BY sequence")


def _entry(row: Row) -> Entry:
    return Entry(
        sequence=row["sequence"],
        at=row["at"],
        actor=row["actor"],
        role=row["role"],
        surface=row["surface"],
        action=row["action"],
        session=row["session"],
        subject=row["subject"],
        outcome=row["outcome"],
    )
