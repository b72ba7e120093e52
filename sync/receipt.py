"""HQ's signed answer, and what it proves: HQ has durably stored every envelope of this box up to `size`, byte for byte.

One receipt settles all before it, so a lost one does no harm. FORMAT.md section 4 is the same in prose. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sync import checkpoint, suite
from sync.checkpoint import Checkpoint
from sync.envelope import MAX_SEQUENCE, key_id
from sync.faults import SyncFault

MAGIC = b"HRCT"
VERSION = 1
HEADER = struct.Struct(">4sBBH16s32s16sQQ")
MAX_RECEIPT = HEADER.size + checkpoint.MAX_PEAKS * suite.HASH_SIZE + suite.SIGNATURE_SIZE

_SIGN = b"hearth receipt signature 1\0"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`last` is the hash of envelope number `checkpoint.size`; `at` is HQ's clock in Unix seconds, only shown."""

    box: bytes
    last: bytes
    key_id: bytes
    at: int
    checkpoint: Checkpoint
    raw: bytes

    @property
    def size(self) -> int:
        """How many envelopes of this box HQ holds; also the sequence number of the last one."""
        return self.checkpoint.size

    def __repr__(self) -> str:
        return f"Receipt(size={self.size})"


def issue(box: bytes, last: bytes, reached: Checkpoint, at: int, signing_key: suite.SigningKey) -> bytes:
    """Sign a receipt. Only after file and folder of every envelope up to `reached.size` are on disk."""
    count = len(reached.peaks)
    signer = key_id(signing_key.public)
    header = HEADER.pack(MAGIC, VERSION, suite.SUITE, count, box, last, signer, reached.size, at)
    body = header + checkpoint.pack_peaks(reached)
    return body + signing_key.sign(_SIGN, body)


def parse(raw: bytes) -> Receipt:
    """Layout and limits only: `malformed_receipt`, `unsupported_version`, `too_large`."""
    if len(raw) > MAX_RECEIPT:
        raise SyncFault("too_large")
    if len(raw) < HEADER.size or raw[:4] != MAGIC:
        raise SyncFault("malformed_receipt")
    _, version, used_suite, count, box, last, signer, size, at = HEADER.unpack_from(raw)
    if (version, used_suite) != (VERSION, suite.SUITE):
        raise SyncFault("unsupported_version")
    packed = raw[HEADER.size : -suite.SIGNATURE_SIZE]
    if not 1 <= size <= MAX_SEQUENCE or count != size.bit_count() or len(packed) != count * suite.HASH_SIZE:
        raise SyncFault("malformed_receipt")
    return Receipt(box, last, signer, at, checkpoint.from_peaks(size, packed), bytes(raw))


def verify(receipt: Receipt, receipt_keys: Sequence[bytes], box: bytes) -> None:
    """Raise unless this HQ signed it for this box: `receipt_other_key`, `receipt_other_box`, `bad_signature`."""
    signer = next((key for key in receipt_keys if key_id(key) == receipt.key_id), None)
    if signer is None:
        raise SyncFault("receipt_other_key")
    signed = receipt.raw[: -suite.SIGNATURE_SIZE]
    suite.verify(signer, _SIGN, signed, receipt.raw[-suite.SIGNATURE_SIZE :])
    if receipt.box != box:
        raise SyncFault("receipt_other_box")
