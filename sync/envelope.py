"""Bytes <-> envelope: the sealed segment as it travels, is stored, and is signed. Pure except for sealing's randomness.

The header is clear but bound to the seal through HPKE's `info` and covered by the box's signature. It tells no record
class: HQ's storage and the line see who, how many and how large, not what about. FORMAT.md section 2 says it in prose.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sync import content, suite
from sync.content import Record
from sync.faults import SyncFault

MAGIC = b"HSEG"
VERSION = 1
KIND_RECORDS = 1
BOX_ID_SIZE = 16
KEY_ID_SIZE = 16
MAX_SEQUENCE = 10**16 - 1  # 16 digits in a file or object name, and it fits a signed database column
MAX_ENVELOPE = 163_840  # bytes: MAX_CONTENT, Padmé's 12 %, seal, header and signature fit in 160 KiB

HEADER = struct.Struct(">4sBBH16sQ32s16sI")
MIN_ENVELOPE = HEADER.size + suite.SEAL_OVERHEAD + content.MIN_PADDED + suite.SIGNATURE_SIZE
NO_PREVIOUS = bytes(suite.HASH_SIZE)  # stands before envelope 1

_SIGN = b"hearth segment signature 1\0"
_INFO = b"hearth segment seal 1\0"
_KEY_ID = b"hearth key id 1\0"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Parsed: `box` 16 bytes, `sequence` from 1, `previous` the hash of the envelope before, `raw` all bytes."""

    box: bytes
    sequence: int
    previous: bytes
    key_id: bytes
    raw: bytes

    @property
    def hash(self) -> bytes:
        """What the next envelope names as `previous`, the tree has as entry, and a receipt names."""
        return suite.digest(self.raw)

    def __repr__(self) -> str:
        return f"Envelope(sequence={self.sequence}, {len(self.raw)} bytes)"


def key_id(public: bytes) -> bytes:
    """The 16-byte name of a public key in headers and receipts."""
    return suite.digest(_KEY_ID + public)[:KEY_ID_SIZE]


def seal(
    records: Sequence[Record],
    *,
    box: bytes,
    sequence: int,
    previous: bytes,
    record_key: bytes,
    signing_key: suite.SigningKey,
    padded: bytes = b"",
) -> bytes:
    """A whole envelope. Sealing is random: store the result before its first send and never make it anew.

    `padded`: what `content.pack` made of these very records before, since packing is what takes time.
    """
    padded = padded or content.pack(records)
    length = len(padded) + suite.SEAL_OVERHEAD
    header = HEADER.pack(MAGIC, VERSION, suite.SUITE, KIND_RECORDS, box, sequence, previous, key_id(record_key), length)
    body = header + suite.seal(record_key, _INFO + header, padded)
    return body + signing_key.sign(_SIGN, body)


def parse(raw: bytes) -> Envelope:
    """Layout and limits: `malformed_envelope`, `unsupported_version`, `too_large`. Proves nothing of the sender."""
    if len(raw) > MAX_ENVELOPE:
        raise SyncFault("too_large")
    if len(raw) < HEADER.size or raw[:4] != MAGIC:
        raise SyncFault("malformed_envelope")
    _, version, used_suite, kind, box, sequence, previous, recipient, length = HEADER.unpack_from(raw)
    if (version, used_suite, kind) != (VERSION, suite.SUITE, KIND_RECORDS):
        raise SyncFault("unsupported_version")
    if len(raw) < MIN_ENVELOPE or len(raw) != HEADER.size + length + suite.SIGNATURE_SIZE:
        raise SyncFault("malformed_envelope")
    if not 1 <= sequence <= MAX_SEQUENCE or (sequence == 1) != (previous == NO_PREVIOUS):
        raise SyncFault("malformed_envelope")
    return Envelope(box, sequence, previous, recipient, bytes(raw))


def verify(envelope: Envelope, verify_key: bytes) -> None:
    """Raise `bad_signature` unless the box with this key signed exactly these bytes."""
    signed = envelope.raw[: -suite.SIGNATURE_SIZE]
    suite.verify(verify_key, _SIGN, signed, envelope.raw[-suite.SIGNATURE_SIZE :])


def open_records(envelope: Envelope, record_key: suite.RecordKey) -> tuple[Record, ...]:
    """The records inside: `unknown_recipient`, `cannot_open`, `malformed_content`, `unsupported_version`."""
    if envelope.key_id != key_id(record_key.public):
        raise SyncFault("unknown_recipient")
    header, sealed = envelope.raw[: HEADER.size], envelope.raw[HEADER.size : -suite.SIGNATURE_SIZE]
    return content.unpack(record_key.open(_INFO + header, sealed))
