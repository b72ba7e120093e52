"""That the log went on after what HQ had, as HQ gets it. Pure. RECORDS.md tells of every class."""

from __future__ import annotations

import msgspec

RECORD_CLASS = "log_adopted"


class LogAdopted(msgspec.Struct, frozen=True, kw_only=True):
    """`life`: 1 for the first; its numbers are above life × 2⁴⁰. `size`: envelopes that HQ had; `sealed`: the last
    that this box knew of; `again`: records that had been sealed without a receipt and come again as they were.
    `code`: what had been found: set_back, receipt_other_bytes, or restored (gone on with before HQ was heard)."""

    record: str = RECORD_CLASS
    version: int = 1
    life: int
    size: int
    sealed: int
    again: int
    code: str


def encode(life: int, size: int, sealed: int, again: int, code: str) -> bytes:
    """JSON in UTF-8."""
    return msgspec.json.encode(LogAdopted(life=life, size=size, sealed=sealed, again=again, code=code))
