"""Bytes <-> pack: what HQ sends down to one box, sealed to it and signed by HQ. FORMAT.md says it in prose.

The same framing, compression and padding as an envelope (`content.py`), the other way round: one numbered chain per
box, whose end the box knows from the last pack that it applied. Kind 1 holds items, kind 2 records of a lost box.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sync import content, suite
from sync.content import Record
from sync.envelope import BOX_ID_SIZE, MAX_ENVELOPE, MAX_SEQUENCE, NO_PREVIOUS, key_id
from sync.faults import SyncFault

MAGIC = b"HPCK"
VERSION = 1
ITEMS, RETURNED = 1, 2
NO_BOX = bytes(BOX_ID_SIZE)
MAX_PACK = MAX_ENVELOPE

# magic, version, suite, kind, box, number, previous, inbox key id, pack key id, issued at, subject, length of the seal
HEADER = struct.Struct(">4sBBH16sQ32s16s16sQ16sI")
MIN_PACK = HEADER.size + suite.SEAL_OVERHEAD + content.MIN_PADDED + suite.SIGNATURE_SIZE

_SIGN = b"hearth pack signature 1\0"
_INFO = b"hearth pack seal 1\0"


@dataclass(frozen=True, slots=True)
class Pack:
    """Parsed. `number` from 1 without gaps per box, `previous` the hash of the pack before, `at` HQ's clock (Unix
    seconds, only shown), `subject` the lost box whose records these are (kind RETURNED), else NO_BOX."""

    kind: int
    box: bytes
    number: int
    previous: bytes
    inbox_key_id: bytes
    pack_key_id: bytes
    at: int
    subject: bytes
    raw: bytes

    @property
    def hash(self) -> bytes:
        return suite.digest(self.raw)

    def __repr__(self) -> str:
        return f"Pack(number={self.number}, {len(self.raw)} bytes)"


def seal(
    records: Sequence[Record],
    *,
    kind: int,
    box: bytes,
    number: int,
    previous: bytes,
    inbox_key: bytes,
    signing_key: suite.SigningKey,
    at: int,
    subject: bytes = NO_BOX,
) -> bytes:
    """A sealed and signed pack. In kind ITEMS a record's class is the item's kind, its number the place in the pack."""
    padded = content.pack(records)
    length = len(padded) + suite.SEAL_OVERHEAD
    to, signer = key_id(inbox_key), key_id(signing_key.public)
    header = HEADER.pack(MAGIC, VERSION, suite.SUITE, kind, box, number, previous, to, signer, at, subject, length)
    signed = header + suite.seal(inbox_key, _INFO + header, padded)
    return signed + signing_key.sign(_SIGN, signed)


def parse(raw: bytes) -> Pack:
    """Layout and limits only: `too_large`, `malformed_pack`, `unsupported_version`."""
    if len(raw) > MAX_PACK:
        raise SyncFault("too_large")
    if len(raw) < HEADER.size or raw[:4] != MAGIC:
        raise SyncFault("malformed_pack")
    _, version, used, kind, box, number, previous, to, signer, at, subject, length = HEADER.unpack_from(raw)
    if (version, used) != (VERSION, suite.SUITE) or kind not in (ITEMS, RETURNED):
        raise SyncFault("unsupported_version")
    if len(raw) < MIN_PACK or len(raw) != HEADER.size + length + suite.SIGNATURE_SIZE:
        raise SyncFault("malformed_pack")
    if not 1 <= number <= MAX_SEQUENCE or (number == 1) != (previous == NO_PREVIOUS):
        raise SyncFault("malformed_pack")
    if (kind == RETURNED) != (subject != NO_BOX):
        raise SyncFault("malformed_pack")
    return Pack(kind, box, number, previous, to, signer, at, subject, bytes(raw))


def verify(pack: Pack, pack_keys: Sequence[bytes], box: bytes) -> None:
    """Raise unless this HQ signed it for this box: `pack_other_key`, `bad_signature`, `pack_other_box`."""
    signer = next((key for key in pack_keys if key_id(key) == pack.pack_key_id), None)
    if signer is None:
        raise SyncFault("pack_other_key")
    suite.verify(signer, _SIGN, pack.raw[: -suite.SIGNATURE_SIZE], pack.raw[-suite.SIGNATURE_SIZE :])
    if pack.box != box:
        raise SyncFault("pack_other_box")


def open_records(pack: Pack, inbox_key: suite.RecordKey) -> tuple[Record, ...]:
    """What is inside: `unknown_recipient`, `cannot_open`, `malformed_content`, `unsupported_version`."""
    if pack.inbox_key_id != key_id(inbox_key.public):
        raise SyncFault("unknown_recipient")
    header, sealed = pack.raw[: HEADER.size], pack.raw[HEADER.size : -suite.SIGNATURE_SIZE]
    return content.unpack(inbox_key.open(_INFO + header, sealed))
