"""Rows of accepted rollbacks. They are for the auditor and for HQ's people; nothing is decided by them."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which fault was overruled, why, and how many entries the audit had by the witness and has by the store."""

    code: str
    reason: str
    had: int
    has: int


def note(tx: Transaction, permit: Permit, accepted: Accepted, at: str) -> None:
    """Keep it, and the audit's entry with it."""
    tx.execute(
        "INSERT INTO rollbacks_accepted (at, code, reason, had, has) VALUES (?, ?, ?, ?, ?)",
        (at, accepted.code, accepted.reason, accepted.had, accepted.has),
    )
    audit.append(tx, permit, at)


def all_accepted(tx: Transaction) -> list[Accepted]:
    """All of them, oldest first."""
    rows = tx.all("SELECT code, reason, had, has FROM rollbacks_accepted ORDER BY sequence")
    return [Accepted(row["code"], row["reason"], row["had"], row["has"]) for row in rows]
