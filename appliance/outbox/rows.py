"""The outbox in the store: `sync.outbox`'s OutboxStore, kept in the same transactions as the records themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from appliance.faults import Fault
from appliance.outbox import rules
from appliance.store.database import Transaction
from sync import content, suite
from sync.checkpoint import EMPTY, Checkpoint, from_peaks, pack_peaks
from sync.content import Record
from sync.envelope import BOX_ID_SIZE
from sync.outbox import NOTHING_SEALED, WAITING_LIMIT, Identity, Sealed, Waiting
from sync.receipt import Receipt, parse

LOOKED_AT = WAITING_LIMIT  # of what waits, the first so many may be in the next segment
KEEP_SEGMENTS, KEEP_BYTES = 64, 4 * 1024 * 1024  # settled ones keep their bytes so long: HQ may have lost them


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look at the outbox tells. `queued`: records without a receipt; `waiting`: those not even sealed.

    `urgent`: unsettled segments that hold urgent records; `urgent_waits`: one is not sealed yet. `exported_at`: when
    the first unsettled segment went on a stick, "" when it did not; `sealed_at`: when it was sealed.
    """

    queued: int = 0
    waiting: int = 0
    unsettled: tuple[int, ...] = ()
    last_sealed: int = 0
    settled: int = 0
    settled_at: str = ""
    urgent: tuple[int, ...] = ()
    urgent_waits: bool = False
    exported_at: str = ""
    sealed_at: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a receipt: bytes of the records' bodies, and when the first was made."""

    bytes: int = 0
    oldest_at: str = ""


NOTHING_WAITS = Backlog()


def add(tx: Transaction, record_class: str, body: bytes, at: str) -> int:
    """Put a record into the outbox, in the transaction of what it tells. Its number, rising by one.

    `body` goes out as it is, sealed: pseudonyms only, at most 64 KiB. Fault `refused`: the class may not leave the box;
    `too_large`. 0: HQ's policy holds this class back, nothing was put in.
    """
    priority = rules.priority_of(record_class)
    if tx.one("SELECT 1 FROM held_back WHERE record_class = ?", (record_class,)) is not None:
        return 0
    if len(body) > content.MAX_BODY:
        raise Fault("too_large", "record for the outbox")
    tx.execute(
        "INSERT INTO outbox (record_class, priority, at, body) VALUES (?, ?, ?, ?)", (record_class, priority, at, body)
    )
    return tx.lastrowid


def identity(tx: Transaction) -> Identity:
    """The box's name and key towards HQ; made now if there is none, so the transaction must be one that writes."""
    known = known_identity(tx)
    if known is not None:
        return known
    made = suite.new_seed()
    tx.execute(
        "INSERT INTO box_identity (id, box, signing_seed) VALUES (1, ?, ?)", (suite.new_seed()[:BOX_ID_SIZE], made)
    )
    return identity(tx)


def known_identity(tx: Transaction) -> Identity | None:
    """The same, or None where none was made yet."""
    row = tx.one("SELECT box, signing_seed FROM box_identity")
    return None if row is None else Identity(row["box"], suite.SigningKey(row["signing_seed"]))


def last_number(tx: Transaction) -> int:
    """The highest number that a record has, or that numbering skipped to."""
    row = tx.one("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
    return row["seq"] if row else 0


def newest_at(tx: Transaction) -> str:
    """When the newest record was made, by the box's clock of then; "" for none."""
    row = tx.one("SELECT at FROM outbox ORDER BY number DESC LIMIT 1")
    return row["at"] if row else ""


def standing(tx: Transaction) -> Standing:
    """One look at everything, without a body or a key."""
    settled = tx.one("SELECT size, settled_at FROM outbox_settled")
    size = settled["size"] if settled else 0
    waiting = tx.one("SELECT count(*) AS count FROM outbox WHERE segment IS NULL")
    on_the_way = tx.one("SELECT count(*) AS count FROM outbox WHERE segment > ?", (size,))
    sealed = tx.all(
        "SELECT sequence, priority, exported_at, sealed_at FROM segments WHERE sequence > ? ORDER BY sequence", (size,)
    )
    return Standing(
        queued=(waiting["count"] if waiting else 0) + (on_the_way["count"] if on_the_way else 0),
        waiting=waiting["count"] if waiting else 0,
        unsettled=tuple(row["sequence"] for row in sealed),
        last_sealed=OutboxRows(tx).last_sealed().sequence,
        settled=size,
        settled_at=settled["settled_at"] if settled else "",
        urgent=tuple(row["sequence"] for row in sealed if row["priority"] == rules.URGENT),
        urgent_waits=tx.one("SELECT 1 FROM outbox WHERE segment IS NULL AND priority = ? LIMIT 1", (rules.URGENT,))
        is not None,
        exported_at=sealed[0]["exported_at"] if sealed else "",
        sealed_at=sealed[0]["sealed_at"] if sealed else "",
    )


def backlog(tx: Transaction) -> Backlog:
    """Reads every waiting row: ask only when something has changed."""
    row = tx.one(
        "SELECT coalesce(sum(length(body)), 0) AS bytes, coalesce(min(at), '') AS oldest_at FROM outbox"
        " WHERE segment IS NULL OR segment > (SELECT coalesce(max(size), 0) FROM outbox_settled)"
    )
    return Backlog(row["bytes"], row["oldest_at"]) if row else Backlog()


def kept_from(tx: Transaction) -> int:
    """The lowest number from which on all bytes are here without a hole; one above the last when the last has none."""
    found = tx.all("SELECT sequence FROM segments WHERE sealed IS NOT NULL ORDER BY sequence DESC")
    lowest = OutboxRows(tx).last_sealed().sequence + 1
    for row in found:
        if row["sequence"] != lowest - 1:
            break
        lowest = row["sequence"]
    return lowest


def sealed_bytes(tx: Transaction, sequence: int) -> bytes | None:
    """The bytes of a segment; None for one that was never here, or settled long ago."""
    row = tx.one("SELECT sealed FROM segments WHERE sequence = ?", (sequence,))
    return None if row is None else row["sealed"]


def kept_bytes(tx: Transaction) -> list[bytes]:
    """Of the newest segment whose bytes are here; empty for none."""
    row = tx.one("SELECT sealed FROM segments WHERE sealed IS NOT NULL ORDER BY sequence DESC LIMIT 1")
    return [] if row is None else [row["sealed"]]


def last_receipt(tx: Transaction) -> bytes | None:
    """HQ's newest receipt, as it came."""
    row = tx.one("SELECT receipt FROM outbox_settled")
    return None if row is None else row["receipt"]


class OutboxRows:
    """OutboxStore over one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def waiting(self, limit: int) -> Sequence[Waiting]:
        rows = self._tx.all(
            "SELECT number, record_class, priority, at, body FROM outbox INDEXED BY outbox_waiting"
            " WHERE segment IS NULL ORDER BY priority, number LIMIT ?",
            (self._fitting(limit),),
        )
        return [
            Waiting(row["priority"], Record(row["number"], row["record_class"], row["at"], row["body"])) for row in rows
        ]

    def _fitting(self, limit: int) -> int:
        """How many of the first ones to hold in memory: up to the first that no segment can take with those before.
        Without the index that is named every waiting record would be sorted, each time."""
        sizes = self._tx.all(
            "SELECT length(body) AS size FROM outbox INDEXED BY outbox_waiting WHERE segment IS NULL"
            " ORDER BY priority, number LIMIT ?",
            (limit,),
        )
        held = accumulate(row["size"] for row in sizes)
        return next((count for count, size in enumerate(held, 1) if size > content.MAX_LARGE), limit)

    def last_sealed(self) -> Sealed:
        """HQ's head where the log went on after it and nothing was sealed since."""
        row = self._tx.one("SELECT sequence, hash FROM segments ORDER BY sequence DESC LIMIT 1")
        raw = last_receipt(self._tx)
        head = parse(raw) if raw is not None else None
        if head is not None and (row is None or head.size >= row["sequence"]):
            return Sealed(head.size, head.last)
        return NOTHING_SEALED if row is None else Sealed(row["sequence"], row["hash"])

    def unsettled(self) -> Sequence[Sealed]:
        rows = self._tx.all(
            "SELECT sequence, hash FROM segments WHERE sequence > (SELECT coalesce(max(size), 0) FROM outbox_settled)"
            " ORDER BY sequence"
        )
        return [Sealed(row["sequence"], row["hash"]) for row in rows]

    def settled(self) -> Checkpoint:
        row = self._tx.one("SELECT size, peaks FROM outbox_settled")
        return EMPTY if row is None else from_peaks(row["size"], row["peaks"])

    def keep(self, sealed: Sealed, raw: bytes, numbers: Sequence[int], at: str) -> None:
        priority = self._tx.one("SELECT priority FROM outbox WHERE number = ?", (numbers[0],))
        self._tx.execute(
            "INSERT INTO segments (sequence, hash, sealed, sealed_at, priority) VALUES (?, ?, ?, ?, ?)",
            (sealed.sequence, sealed.hash, raw, at, priority["priority"] if priority else rules.USUAL),
        )
        for number in numbers:
            self._tx.execute(
                "UPDATE outbox SET segment = ? WHERE number = ? AND segment IS NULL", (sealed.sequence, number)
            )

    def settle(self, receipt: Receipt, at: str) -> None:
        before = self.settled().size
        self._tx.execute(
            "INSERT INTO outbox_settled (id, size, peaks, receipt, settled_at) VALUES (1, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET size = excluded.size, peaks = excluded.peaks,"
            " receipt = excluded.receipt, settled_at = excluded.settled_at",
            (receipt.size, pack_peaks(receipt.checkpoint), receipt.raw, at),
        )
        self._tx.execute("UPDATE outbox SET body = NULL WHERE segment > ? AND segment <= ?", (before, receipt.size))
        self._let_go(receipt.size)

    def _let_go(self, size: int) -> None:
        """Settled bytes are kept for a while: KEEP_SEGMENTS or KEEP_BYTES, whichever ends first, the newest of them."""
        kept = self._tx.all(
            "SELECT sequence, length(sealed) AS size FROM segments WHERE sealed IS NOT NULL AND sequence <= ?"
            " ORDER BY sequence DESC",
            (size,),
        )
        held = 0
        for place, row in enumerate(kept):
            held += row["size"]
            if place >= KEEP_SEGMENTS or held > KEEP_BYTES:
                self._tx.execute(
                    "UPDATE segments SET sealed = NULL WHERE sealed IS NOT NULL AND sequence <= ?", (row["sequence"],)
                )
                return
