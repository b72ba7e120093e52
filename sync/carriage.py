"""The body of a courier's request: the box's last receipt, if it has one, then the envelope. Pure. See FORMAT.md, 5."""

from __future__ import annotations

import struct

from sync.envelope import MAX_ENVELOPE
from sync.faults import SyncFault
from sync.receipt import MAX_RECEIPT

_HEAD = struct.Struct(">H")
MAX_CARRIAGE = _HEAD.size + MAX_RECEIPT + MAX_ENVELOPE


def pack(receipt: bytes, envelope: bytes) -> bytes:
    """`receipt` may be empty: the first envelope has none before it."""
    return _HEAD.pack(len(receipt)) + receipt + envelope


def unpack(body: bytes) -> tuple[bytes, bytes]:
    """(receipt or b"", envelope), both still unparsed; raises `malformed_carriage`."""
    if len(body) < _HEAD.size:
        raise SyncFault("malformed_carriage")
    (length,) = _HEAD.unpack_from(body)
    if length > MAX_RECEIPT or _HEAD.size + length >= len(body):
        raise SyncFault("malformed_carriage")
    return body[_HEAD.size : _HEAD.size + length], body[_HEAD.size + length :]
