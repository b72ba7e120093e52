"""What is inside the seal: records, framed, compressed and padded. Pure. FORMAT.md section 3 is the same in prose.

Version 2 only allows more: records that compress well need more than version 1's 131,072 bytes to be worth a seal.
What fits into version 1 is written as version 1, so that an older HQ can open it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import zstandard

from sync.faults import SyncFault

VERSION, LARGE_VERSION = 1, 2
MAX_NUMBER = 2**63 - 1  # of a record: what every database keeps
MAX_CLASS = 64  # bytes of a record class: lower-case ASCII letters, digits and _
MAX_AT = 40  # bytes of a time: RFC 3339, ASCII
MAX_BODY = 65_536  # bytes of one record. Larger things are cut by the feature that makes them
MAX_CONTENT = 131_072  # bytes of one segment's framed records in version 1: these fit whether they compress or not
MAX_LARGE = 524_288  # the same in version 2. Bounds what a reader must hold in memory
MAX_PADDED = 159_744  # bytes inside the seal: the last Padmé step with which envelope and pack stay below 160 KiB
MIN_PADDED = 512  # smallest padded size: a lone short record tells nothing by its length
FRAME_OVERHEAD = 8 + 1 + 1 + 4  # bytes a record costs besides its class, time and body

_STORED, _COMPRESSED = 0, 1
_HEAD = struct.Struct(">BBI")  # content version, coding, length of the coded records
_CLASS_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")
_LIMITS = {VERSION: MAX_CONTENT, LARGE_VERSION: MAX_LARGE}
# Level 15 of 22, as it is for 128 KiB: 13 % less than 9 for a batch of session records, within 1 % of 19 at a third of
# its time. Left to itself zstd changes its way at 256 KiB: a record more could cost 2 KiB.
_ZSTD = zstandard.ZstdCompressionParameters.from_level(15, source_size=MAX_CONTENT, window_log=19)

HEAD_SIZE = _HEAD.size


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `number` counts the box's records from 1 in the order they were made; `body` is opaque here."""

    number: int
    record_class: str
    at: str
    body: bytes

    def __repr__(self) -> str:
        return f"Record(number={self.number}, {len(self.body)} bytes)"


def framed_size(record: Record) -> int:
    """Bytes that `record` takes in a segment before compression."""
    return FRAME_OVERHEAD + len(record.record_class) + len(record.at) + len(record.body)


def pack(records: Sequence[Record]) -> bytes:
    """Padded bytes to be sealed. `too_large` past a limit; `malformed_content` when there is nothing to pack."""
    packed = _packed(records)
    size = padme(len(packed))
    if size > MAX_PADDED:
        raise SyncFault("too_large")
    return packed + bytes(size - len(packed))


def packed_size(records: Sequence[Record]) -> int:
    """Bytes that `records` take together before padding. Compresses them; faults as `pack`."""
    return len(_packed(records))


def _packed(records: Sequence[Record]) -> bytes:
    framed = b"".join(_frame(record) for record in records)
    if not framed:
        raise SyncFault("malformed_content")
    if len(framed) > MAX_LARGE:
        raise SyncFault("too_large")
    coding, coded = _COMPRESSED, zstandard.ZstdCompressor(compression_params=_ZSTD).compress(framed)
    if len(coded) >= len(framed):
        coding, coded = _STORED, framed
    version = VERSION if len(framed) <= MAX_CONTENT else LARGE_VERSION
    return _HEAD.pack(version, coding, len(coded)) + coded


def unpack(padded: bytes) -> tuple[Record, ...]:
    """The records of opened bytes; raises `malformed_content` or `unsupported_version`, nothing else."""
    if len(padded) < _HEAD.size:
        raise SyncFault("malformed_content")
    version, coding, length = _HEAD.unpack_from(padded)
    limit = _LIMITS.get(version)
    if limit is None:
        raise SyncFault("unsupported_version")
    end = _HEAD.size + length
    if end > len(padded) or padme(end) != len(padded) or any(padded[end:]):
        raise SyncFault("malformed_content")
    return _unframe(_decode(coding, padded[_HEAD.size : end], limit))


def padme(length: int) -> int:
    """Padmé (Nikitin et al., PETS 2019): the size to pad `length` to; at most 12 % more, from MIN_PADDED up."""
    length = max(length, MIN_PADDED)
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (length + mask) & ~mask


def step_below(length: int) -> int:
    """The largest padded size that is at most `length`, or MIN_PADDED."""
    length = max(length, MIN_PADDED)
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    return length >> low_bits << low_bits


def _frame(record: Record) -> bytes:
    name, at = record.record_class.encode("ascii"), record.at.encode("ascii")
    if len(record.body) > MAX_BODY or len(name) > MAX_CLASS or len(at) > MAX_AT or record.number > MAX_NUMBER:
        raise SyncFault("too_large")
    if not name or not _CLASS_LETTERS.issuperset(name):
        raise SyncFault("malformed_content")
    head = struct.pack(">QB", record.number, len(name)) + name + struct.pack(">B", len(at)) + at
    return head + struct.pack(">I", len(record.body)) + record.body


def _decode(coding: int, coded: bytes, limit: int) -> bytes:
    """Bounded decompression: the frame must state its size, since zstd allocates what the frame says."""
    if coding == _STORED and len(coded) <= limit:
        return coded
    if coding != _COMPRESSED:
        raise SyncFault("malformed_content")
    try:
        if not 0 < zstandard.frame_content_size(coded) <= limit:
            raise SyncFault("malformed_content")
        return zstandard.ZstdDecompressor().decompress(coded, max_output_size=limit, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError):
        raise SyncFault("malformed_content") from None


def _unframe(framed: bytes) -> tuple[Record, ...]:
    records: list[Record] = []
    at, last = 0, 0
    while at < len(framed):
        record, at = _unframe_one(framed, at)
        if not last < record.number <= MAX_NUMBER:  # rising, so that a reader can tell a doubled record
            raise SyncFault("malformed_content")
        last = record.number
        records.append(record)
    if not records:
        raise SyncFault("malformed_content")
    return tuple(records)


def _unframe_one(framed: bytes, at: int) -> tuple[Record, int]:
    try:
        (number,) = struct.unpack_from(">Q", framed, at)
        name, at = _short(framed, at + 8, MAX_CLASS)
        time, at = _short(framed, at, MAX_AT)
        (length,) = struct.unpack_from(">I", framed, at)
    except struct.error:
        raise SyncFault("malformed_content") from None
    start, end = at + 4, at + 4 + length
    if length > MAX_BODY or end > len(framed) or not name or not _CLASS_LETTERS.issuperset(name) or not time.isascii():
        raise SyncFault("malformed_content")
    return Record(number, name.decode("ascii"), time.decode("ascii"), framed[start:end]), end


def _short(framed: bytes, at: int, limit: int) -> tuple[bytes, int]:
    """A byte string with a one-byte length before it, and where it ends."""
    (length,) = struct.unpack_from(">B", framed, at)
    end = at + 1 + length
    if length > limit or end > len(framed):
        raise SyncFault("malformed_content")
    return framed[at + 1 : end], end
