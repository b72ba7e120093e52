"""sync's OutboxStore in memory, for tests; held to the same suite as the rows (tests/contract/test_outbox_store.py)."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.outbox import rows
from sync.checkpoint import EMPTY, Checkpoint
from sync.content import Record
from sync.outbox import NOTHING_SEALED, Sealed, Waiting
from sync.receipt import Receipt


class MemoryOutbox:
    """Lists in place of tables."""

    def __init__(self) -> None:
        self._records: list[tuple[int, Record, int | None]] = []  # priority, record, segment
        self._segments: dict[int, tuple[bytes, bytes | None]] = {}
        self._settled = EMPTY

    def add(self, priority: int, record_class: str, body: bytes, at: str) -> int:
        number = len(self._records) + 1
        self._records.append((priority, Record(number, record_class, at, body), None))
        return number

    def waiting(self, limit: int) -> Sequence[Waiting]:
        rows = [Waiting(priority, record) for priority, record, segment in self._records if segment is None]
        return sorted(rows, key=lambda row: (row.priority, row.record.number))[:limit]

    def last_sealed(self) -> Sealed:
        last = max(self._segments, default=0)
        return Sealed(last, self._segments[last][0]) if last else NOTHING_SEALED

    def unsettled(self) -> Sequence[Sealed]:
        found = sorted(self._segments.items())
        return [Sealed(sequence, hash_) for sequence, (hash_, _) in found if sequence > self._settled.size]

    def settled(self) -> Checkpoint:
        return self._settled

    def keep(self, sealed: Sealed, raw: bytes, numbers: Sequence[int], at: str) -> None:
        self._segments[sealed.sequence] = (sealed.hash, raw)
        self._records = [
            (priority, record, sealed.sequence if record.number in numbers else segment)
            for priority, record, segment in self._records
        ]

    def settle(self, receipt: Receipt, at: str) -> None:
        self._settled = receipt.checkpoint
        settled = sorted(sequence for sequence in self._segments if sequence <= receipt.size)
        for sequence in settled[: max(0, len(settled) - rows.KEEP_SEGMENTS)]:
            self._segments[sequence] = (self._segments[sequence][0], None)

    def sealed_bytes(self, sequence: int) -> bytes | None:
        return self._segments[sequence][1]
