"""The outbox in the store: `sync.outbox`'s OutboxStore, kept in the same transactions as the records themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.faults import Fault
from appliance.outbox import rules
from appliance.store.database import Transaction
from sync import content, suite
from sync.checkpoint import EMPTY, Checkpoint, from_peaks, pack_peaks
from sync.content import Record
from sync.envelope import BOX_ID_SIZE
from sync.outbox import NOTHING_SEALED, Identity, Sealed, Waiting
from sync.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look at the outbox tells. `queued`: records without a receipt; `waiting`: those not even sealed."""

    queued: int
    waiting: int
    unsettled: tuple[int, ...]
    last_sealed: int
    settled: int
    settled_at: str


def add(tx: Transaction, record_class: str, body: bytes, at: str) -> int:
    """Put a record into the outbox, in the transaction of what it tells. Its number, rising by one.

    `body` goes out as it is, sealed: pseudonyms only, at most 64 KiB. Fault `refused`: the class may not leave the box;
    `too_large`.
    """
    priority = rules.priority_of(record_class)
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


def standing(tx: Transaction) -> Standing:
    """One look at everything, without a body or a key."""
    counts = tx.one(
        "SELECT count(*) AS queued, coalesce(sum(segment IS NULL), 0) AS waiting FROM outbox WHERE segment IS NULL"
        " OR segment IN (SELECT sequence FROM segments WHERE sealed IS NOT NULL)"
    )
    settled = tx.one("SELECT size, settled_at FROM outbox_settled")
    store = OutboxRows(tx)
    return Standing(
        queued=counts["queued"] if counts else 0,
        waiting=counts["waiting"] if counts else 0,
        unsettled=tuple(sealed.sequence for sealed in store.unsettled()),
        last_sealed=store.last_sealed().sequence,
        settled=settled["size"] if settled else 0,
        settled_at=settled["settled_at"] if settled else "",
    )


def sealed_bytes(tx: Transaction, sequence: int) -> bytes | None:
    """The bytes of an unsettled segment."""
    row = tx.one("SELECT sealed FROM segments WHERE sequence = ?", (sequence,))
    return None if row is None else row["sealed"]


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
            "SELECT number, record_class, priority, at, body FROM outbox WHERE segment IS NULL"
            " ORDER BY priority, number LIMIT ?",
            (limit,),
        )
        return [
            Waiting(row["priority"], Record(row["number"], row["record_class"], row["at"], row["body"])) for row in rows
        ]

    def last_sealed(self) -> Sealed:
        row = self._tx.one("SELECT sequence, hash FROM segments ORDER BY sequence DESC LIMIT 1")
        return NOTHING_SEALED if row is None else Sealed(row["sequence"], row["hash"])

    def unsettled(self) -> Sequence[Sealed]:
        rows = self._tx.all("SELECT sequence, hash FROM segments WHERE sealed IS NOT NULL ORDER BY sequence")
        return [Sealed(row["sequence"], row["hash"]) for row in rows]

    def settled(self) -> Checkpoint:
        row = self._tx.one("SELECT size, peaks FROM outbox_settled")
        return EMPTY if row is None else from_peaks(row["size"], row["peaks"])

    def keep(self, sealed: Sealed, raw: bytes, numbers: Sequence[int], at: str) -> None:
        self._tx.execute(
            "INSERT INTO segments (sequence, hash, sealed, sealed_at) VALUES (?, ?, ?, ?)",
            (sealed.sequence, sealed.hash, raw, at),
        )
        for number in numbers:
            self._tx.execute(
                "UPDATE outbox SET segment = ? WHERE number = ? AND segment IS NULL", (sealed.sequence, number)
            )

    def settle(self, receipt: Receipt, at: str) -> None:
        self._tx.execute(
            "INSERT INTO outbox_settled (id, size, peaks, receipt, settled_at) VALUES (1, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET size = excluded.size, peaks = excluded.peaks,"
            " receipt = excluded.receipt, settled_at = excluded.settled_at",
            (receipt.size, pack_peaks(receipt.checkpoint), receipt.raw, at),
        )
        self._tx.execute(
            "UPDATE outbox SET body = NULL WHERE segment IN"
            " (SELECT sequence FROM segments WHERE sealed IS NOT NULL AND sequence <= ?)",
            (receipt.size,),
        )
        self._tx.execute(
            "UPDATE segments SET sealed = NULL WHERE sealed IS NOT NULL AND sequence <= ?", (receipt.size,)
        )
