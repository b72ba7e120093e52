"""What restarting the box needs of the store: whether a session goes on, and the note that somebody did it."""

from __future__ import annotations

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction


def sessions_go_on(tx: Transaction) -> bool:
    """Whether there is a session that was opened and not ended."""
    return tx.one("SELECT 1 FROM sessions WHERE state IN ('open', 'locked') LIMIT 1") is not None


def note(tx: Transaction, permit: Permit, at: str) -> None:
    """That the machine was told to restart, to switch off, or to delete everything."""
    audit.append(tx, permit, at)
