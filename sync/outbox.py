"""What to seal next, what to send next, when to retry, what a receipt settles. Pure, except that sealing is random.

The box seals late: only SEAL_AHEAD segments are sealed before HQ has answered, so that an urgent record never stands
behind a long sealed queue. A sealed segment is never changed and its number never used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from sync import content, envelope, suite
from sync.checkpoint import EMPTY, Checkpoint, extend_all
from sync.content import Record
from sync.faults import SyncFault
from sync.filling import fill
from sync.keys import HqFacts
from sync.receipt import Receipt

SEAL_AHEAD = 4  # segments. 4 × 21 KiB take 11 s at 64 kbit/s: the longest that an urgent record waits on that line
WAITING_LIMIT = 512  # records looked at for one segment: as many small ones as fill it
RETRY_FIRST = 1.0  # seconds
RETRY_CAP = 60.0  # seconds. The longest that HQ's return goes unnoticed


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs: the box's 16-byte id and its key."""

    box: bytes
    signing_key: suite.SigningKey


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that is not sealed yet. Lower `priority` goes first."""

    priority: int
    record: Record


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of a segment and what `content.pack` made of them."""

    records: tuple[Record, ...]
    padded: bytes

    def __repr__(self) -> str:
        return f"Batch({len(self.records)} records, {len(self.padded)} bytes)"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed segment: its number and the hash of its bytes."""

    sequence: int
    hash: bytes


NOTHING_SEALED = Sealed(0, envelope.NO_PREVIOUS)


class OutboxStore(Protocol):
    """Where outbox and segments are kept: rows on the box, a dictionary in tests. `seal_next` and `settle` run in one
    transaction each.
    """

    def waiting(self, limit: int) -> Sequence[Waiting]:
        """At most `limit` unsealed records, by priority, then number. Fewer when they are more than fill a segment."""

    def last_sealed(self) -> Sealed:
        """The newest sealed segment, settled or not; NOTHING_SEALED before the first."""

    def unsettled(self) -> Sequence[Sealed]:
        """Sealed segments without a receipt, rising."""

    def settled(self) -> Checkpoint:
        """What the newest receipt said."""

    def keep(self, sealed: Sealed, raw: bytes, numbers: Sequence[int], at: str) -> None:
        """Store a segment's bytes and which records are in it."""

    def settle(self, receipt: Receipt, at: str) -> None:
        """Store the receipt; segments up to its size need no bytes any more."""


def gather(waiting: Sequence[Waiting]) -> Batch | None:
    """Choose the records of the next segment and pack them: a tenth of a second of a core, so not in the transaction
    that seals. None when nothing waits."""
    chosen = choose(waiting)
    return Batch(tuple(chosen), content.pack(chosen)) if chosen else None


def seal_next(
    store: OutboxStore, identity: Identity, hq: HqFacts, at: str, ahead: int = SEAL_AHEAD, ready: Batch | None = None
) -> Sealed | None:
    """Seal and keep the next segment. None when nothing waits or `ahead` segments are on the way.

    `ready` was gathered before this transaction. It counts if the very same records are first now, byte for byte; else
    the choice is made anew here: a record may have become urgent, or what a person no longer lets out is gone from one.
    """
    if len(store.unsettled()) >= ahead:
        return None
    batch = ready if ready is not None and _is_first(store, ready) else gather(store.waiting(WAITING_LIMIT))
    if batch is None:
        return None
    chosen = batch.records
    before = store.last_sealed()
    raw = envelope.seal(
        chosen,
        box=identity.box,
        sequence=before.sequence + 1,
        previous=before.hash,
        record_key=hq.record_key,
        signing_key=identity.signing_key,
        padded=batch.padded,
    )
    sealed = Sealed(before.sequence + 1, suite.digest(raw))
    store.keep(sealed, raw, [record.number for record in chosen], at)
    return sealed


def _is_first(store: OutboxStore, ready: Batch) -> bool:
    return [one.record for one in store.waiting(len(ready.records))] == list(ready.records)


def choose(waiting: Sequence[Waiting]) -> list[Record]:
    """The records of the next segment, rising by number: one priority only, as many as `fill` takes, at least one."""
    alike = [one.record for one in takewhile(lambda other: other.priority == waiting[0].priority, waiting)]
    if not alike:
        return []
    return sorted(alike[: fill(alike, more=len(alike) >= WAITING_LIMIT)], key=lambda record: record.number)


def settles(receipt: Receipt, settled: Checkpoint, unsettled: Sequence[Sealed]) -> bool:
    """Whether a verified receipt settles anything new: False for an old one.

    `set_back` when HQ holds more than was ever sealed here, `receipt_other_bytes` when it holds something else.
    """
    if receipt.size == settled.size and receipt.checkpoint != settled:
        raise SyncFault("receipt_other_bytes")
    if receipt.size <= settled.size:
        return False
    covered = [sealed for sealed in unsettled if sealed.sequence <= receipt.size]
    if not covered or covered[-1].sequence != receipt.size:
        raise SyncFault("set_back")
    reached = extend_all(settled, (sealed.hash for sealed in covered))
    if reached != receipt.checkpoint or covered[-1].hash != receipt.last:
        raise SyncFault("receipt_other_bytes")
    return True


def settle(store: OutboxStore, receipt: Receipt, at: str) -> bool:
    """Settle what a verified receipt covers; False when it was settled before."""
    if not settles(receipt, store.settled() or EMPTY, store.unsettled()):
        return False
    store.settle(receipt, at)
    return True


def next_to_send(spooled: Sequence[int], receipted: int) -> int | None:
    """The lowest number in the spool that no receipt covers, or None."""
    return min((sequence for sequence in spooled if sequence > receipted), default=None)


def retry_after(failures: int, jitter: float) -> float:
    """Seconds to wait after `failures` (from 1) in a row: doubles from RETRY_FIRST to RETRY_CAP, times 0.5 to 1.

    `jitter` is in [0, 1): boxes that lost HQ together must not come back together.
    """
    full = min(RETRY_CAP, RETRY_FIRST * 2.0 ** min(failures - 1, 16))
    return full * (0.5 + 0.5 * jitter)
