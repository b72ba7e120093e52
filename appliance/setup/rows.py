"""What set-up asks of the tables: whether anybody has ever signed in, and another name for one of the first two."""

from __future__ import annotations

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction


def untouched(tx: Transaction) -> bool:
    """Whether nobody has ever signed in here: the audit keeps that, and nothing takes an entry back."""
    return tx.one("SELECT 1 FROM audit WHERE action = 'sign_in' AND outcome = 'done' LIMIT 1") is None


def rename(tx: Transaction, permit: Permit, person: str, name: str, username: str, at: str) -> None:
    """Another name and name to sign in with, within the clinic's first hour."""
    tx.execute("UPDATE people SET name = ? WHERE id = ?", (name, person))
    tx.execute("UPDATE accounts SET username = ? WHERE person = ?", (username, person))
    audit.append(tx, permit, at, person=person)
