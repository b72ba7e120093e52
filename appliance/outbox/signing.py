"""Signatures by the box's own key over what is no segment: the manifest of a copy, a head of the audit.

Labels are the callers': they end with a zero byte and stand for one format only.
"""

from __future__ import annotations

from appliance.outbox import rows
from appliance.store.database import Transaction
from sync import suite
from sync.faults import SyncFault
from sync.outbox import Identity

__all__ = ["Identity", "box", "holds"]


def box(tx: Transaction) -> Identity:
    """The box's id and signing key. Made on first use, so that transaction must be one that writes."""
    return rows.identity(tx)


def holds(public: bytes, label: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that key's over `label` and `message`."""
    try:
        suite.verify(public, label, message, signature)
    except SyncFault:
        return False
    return True
