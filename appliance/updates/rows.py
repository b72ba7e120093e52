"""What updates need of the store: what HQ told of a release, whether a session goes on, the note of who did what."""

from __future__ import annotations

import msgspec

from appliance.audit import rows as audit
from appliance.packs import rows as packs
from appliance.policy import Permit
from appliance.store.database import Transaction
from sync import items


def sessions_go_on(tx: Transaction) -> bool:
    """Whether there is a session that was opened and not ended."""
    return tx.one("SELECT 1 FROM sessions WHERE state IN ('open', 'locked') LIMIT 1") is not None


def told(tx: Transaction) -> items.Update | None:
    """The release that HQ told of last."""
    kept = packs.kept(tx, "update")
    return msgspec.json.decode(kept, type=items.Update) if kept else None


def note(tx: Transaction, permit: Permit, at: str) -> None:
    """That the machine was told to install a release, to go back, or to start what was installed."""
    audit.append(tx, permit, at)
