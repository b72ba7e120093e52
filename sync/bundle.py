"""Bytes <-> bundle: one file on a stick with many envelopes, receipts or packs of one box. FORMAT.md section 8. Pure.

A stick may be pulled out in the middle of a write, and its file system may then show a file of the right length with
other bytes in it: the last 32 bytes are the digest of all before, so a half-written bundle is known as one. It proves
nothing else: what is inside carries its own signatures.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sync import suite
from sync.envelope import MAX_ENVELOPE
from sync.faults import SyncFault
from sync.pack import MAX_PACK
from sync.receipt import MAX_RECEIPT

MAGIC = b"HBDL"
VERSION = 1
UP, DOWN = 1, 2

# What a bundle holds. A reader passes over kinds that it does not know.
HELLO = 1  # JSON {"queued", "oldest_at", "applied", "version"} from the box, as on the line
RECEIPT = 2
ENVELOPE = 3
PACK = 4

MAX_BUNDLE = (
    4 * 1024 * 1024
)  # bytes. FAT ends at 4 GiB; what is lost when a stick is pulled out is at most one of these
MAX_PARTS = 4096  # in one bundle. Twice as many as the shortest envelopes that fit
MAX_SMALL = 4096  # bytes of a part that is none of those below
_LIMITS = {RECEIPT: MAX_RECEIPT, ENVELOPE: MAX_ENVELOPE, PACK: MAX_PACK}

HEADER = struct.Struct(">4sBBH16s")  # magic, version, direction, zero, box
PART = struct.Struct(">BI")  # kind, length
MIN_BUNDLE = HEADER.size + suite.HASH_SIZE


@dataclass(frozen=True, slots=True)
class Part:
    kind: int
    payload: bytes

    def __repr__(self) -> str:
        return f"Part({self.kind}, {len(self.payload)} bytes)"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Parsed. `direction` UP or DOWN, `box` the 16-byte id of the one that it is from or for."""

    direction: int
    box: bytes
    parts: tuple[Part, ...]

    def of(self, kind: int) -> tuple[bytes, ...]:
        """The payloads of one kind, in their order."""
        return tuple(part.payload for part in self.parts if part.kind == kind)


def pack(direction: int, box: bytes, parts: Sequence[Part]) -> bytes:
    """A bundle's bytes. `too_large` beyond a limit."""
    if len(parts) > MAX_PARTS or any(len(part.payload) > _LIMITS.get(part.kind, MAX_SMALL) for part in parts):
        raise SyncFault("too_large")
    body = HEADER.pack(MAGIC, VERSION, direction, 0, box)
    body += b"".join(PART.pack(part.kind, len(part.payload)) + part.payload for part in parts)
    if len(body) + suite.HASH_SIZE > MAX_BUNDLE or len(parts) > MAX_PARTS:
        raise SyncFault("too_large")
    return body + suite.digest(body)


def parse(raw: bytes) -> Bundle:
    """`too_large`, `bundle_damaged` (cut short or changed: written while the stick was pulled out),
    `unsupported_version`, `malformed_bundle`."""
    if len(raw) > MAX_BUNDLE:
        raise SyncFault("too_large")
    if len(raw) < MIN_BUNDLE or suite.digest(raw[: -suite.HASH_SIZE]) != raw[-suite.HASH_SIZE :]:
        raise SyncFault("bundle_damaged")
    magic, version, direction, zero, box = HEADER.unpack_from(raw)
    if magic != MAGIC:
        raise SyncFault("malformed_bundle")
    if version != VERSION or zero != 0 or direction not in (UP, DOWN):
        raise SyncFault("unsupported_version")
    return Bundle(direction, box, tuple(_parts(raw[HEADER.size : -suite.HASH_SIZE])))


def cut(head: Sequence[Part], parts: Iterable[Part]) -> Iterator[list[Part]]:
    """`parts` in groups that each fit into a bundle together with `head`, which every group begins with."""
    room = MAX_BUNDLE - MIN_BUNDLE - sum(PART.size + len(part.payload) for part in head)
    group: list[Part] = []
    taken = 0
    for part in parts:
        size = PART.size + len(part.payload)
        if group and (taken + size > room or len(head) + len(group) >= MAX_PARTS):
            yield [*head, *group]
            group, taken = [], 0
        group.append(part)
        taken += size
    if group:
        yield [*head, *group]


def _parts(raw: bytes) -> Iterator[Part]:
    at = count = 0
    while at < len(raw):
        count += 1
        if len(raw) - at < PART.size or count > MAX_PARTS:
            raise SyncFault("malformed_bundle")
        kind, length = PART.unpack_from(raw, at)
        at += PART.size
        if length > _LIMITS.get(kind, MAX_SMALL) or length > len(raw) - at:
            raise SyncFault("malformed_bundle")
        yield Part(kind, raw[at : at + length])
        at += length
