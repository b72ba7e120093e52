"""Records of a lost box that HQ gave back, as they came. Kept once, however often they are given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.policy import Permit
from appliance.store.database import Row, Transaction
from sync.content import Record


@dataclass(frozen=True, slots=True)
class Returned:
    """One record. `box`: 32 hex digits of the one that is lost. `body`: the bytes that went up."""

    box: str
    number: int
    record_class: str
    at: str
    body: bytes

    def __repr__(self) -> str:
        return f"Returned({self.record_class}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Count:
    """How many of one class came back of one box, the first and the last by their time."""

    box: str
    record_class: str
    count: int
    first_at: str
    last_at: str


def keep(tx: Transaction, permit: Permit, box: bytes, records: Sequence[Record], pack: int) -> int:
    """Keep what is not here yet, in the transaction of its pack, which has the audit entry; how many that is."""
    if permit.action != "apply_pack":
        raise TypeError("records come back in a pack")
    before = _count(tx)
    for record in records:
        tx.execute(
            "INSERT OR IGNORE INTO returned_records (box, number, digest, record_class, at, body, pack)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (box, record.number, digest(record), record.record_class, record.at, record.body, pack),
        )
    return _count(tx) - before


def digest(record: Record) -> bytes:
    """What must be the same for two records to be one."""
    named = f"{record.record_class}\n{record.at}\n".encode()
    return hashlib.sha256(named + record.body).digest()


def counts(tx: Transaction) -> list[Count]:
    """What is here, by box and class."""
    rows = tx.all(
        "SELECT box, record_class, count(*) AS count, min(at) AS first_at, max(at) AS last_at FROM returned_records"
        " GROUP BY box, record_class ORDER BY box, record_class"
    )
    return [Count(row["box"].hex(), row["record_class"], row["count"], row["first_at"], row["last_at"]) for row in rows]


def any_here(tx: Transaction) -> bool:
    """Whether anything ever came back."""
    return tx.one("SELECT 1 FROM returned_records LIMIT 1") is not None


def newest(tx: Transaction, record_class: str, limit: int, before: int = 0) -> list[Returned]:
    """Records of one class, the newest made first; `before`: go on after so many."""
    rows = tx.all(
        "SELECT box, number, record_class, at, body FROM returned_records WHERE record_class = ?"
        " ORDER BY at DESC, box, number DESC LIMIT ? OFFSET ?",
        (record_class, limit, before),
    )
    return [_returned(row) for row in rows]


Place = tuple[bytes, int, bytes]  # behind which the next records stand: box, number, digest
START: Place = (b"", -1, b"")


def after(tx: Transaction, place: Place, limit: int) -> tuple[list[Returned], Place]:
    """All records in their order, some at a time: the next ones after `place`, and the place to go on from."""
    rows = tx.all(
        "SELECT box, number, digest, record_class, at, body FROM returned_records"
        " WHERE (box, number, digest) > (?, ?, ?) ORDER BY box, number, digest LIMIT ?",
        (*place, limit),
    )
    if not rows:
        return [], place
    return [_returned(row) for row in rows], (rows[-1]["box"], rows[-1]["number"], rows[-1]["digest"])


def _returned(row: Row) -> Returned:
    return Returned(row["box"].hex(), row["number"], row["record_class"], row["at"], row["body"])


def _count(tx: Transaction) -> int:
    row = tx.one("SELECT count(*) AS n FROM returned_records")
    return row["n"] if row else 0
