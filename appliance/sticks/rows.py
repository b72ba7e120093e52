"""What a stick needs of the outbox's rows: what to write, what is known to be settled, and that it was carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.outbox import rows as outbox
from appliance.outbox.pinned import pinned
from appliance.policy import Permit
from appliance.store.database import Transaction
from sync.keys import HqFacts


@dataclass(frozen=True, slots=True)
class Due:
    """What goes on a stick: `unsettled` segments (numbers), the newest receipt, and what the hello says."""

    box: bytes
    hq: HqFacts | None
    settled: int
    unsettled: tuple[int, ...]
    receipt: bytes | None
    queued: int
    oldest_at: str


def due(tx: Transaction) -> Due:
    """One look. Makes the box's identity on first use: call in `write`."""
    standing = outbox.standing(tx)
    return Due(
        outbox.identity(tx).box,
        pinned(tx),
        standing.settled,
        standing.unsettled,
        outbox.last_receipt(tx),
        standing.queued,
        oldest_at(tx, standing.settled),
    )


def oldest_at(tx: Transaction, settled: int) -> str:
    """When the oldest record without a receipt was made; "" when there is none."""
    row = tx.one("SELECT at FROM outbox WHERE segment IS NULL OR segment > ? ORDER BY number LIMIT 1", (settled,))
    return "" if row is None else row["at"]


def hash_of(tx: Transaction, sequence: int) -> bytes | None:
    """What this box knows to have sealed under that number."""
    row = tx.one("SELECT hash FROM segments WHERE sequence = ?", (sequence,))
    return None if row is None else row["hash"]


def carried(tx: Transaction, permit: Permit, sequences: Sequence[int], at: str) -> None:
    """Note that somebody carried by stick, and which segments are on one now."""
    for sequence in sequences:
        tx.execute("UPDATE segments SET exported_at = ? WHERE sequence = ?", (at, sequence))
    audit.append(tx, permit, at)
