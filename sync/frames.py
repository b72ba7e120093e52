"""Frames: what goes to and fro on one streamed request, many segments one way and a receipt for each the other. Pure.

A frame is its kind (1 byte), the length of its payload (4 bytes, big-endian) and the payload. FORMAT.md section 5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sync.envelope import MAX_ENVELOPE
from sync.faults import SyncFault

HEAD = struct.Struct(">BI")

# From the courier.
HELLO = 0x01  # JSON `Hello`; the first frame, once
HANDED = 0x02  # the newest receipt that the box has; before the first SEGMENT, at most once
SEGMENT = 0x03  # one envelope
BEAT = 0x04  # nothing: I am still here
# From HQ.
RECEIPT = 0x81  # a receipt for a SEGMENT, in the order in which they came
REFUSAL = 0x82  # JSON {"code", "next_wanted", "sequence"}; HQ says nothing after it but may go on reading
NEWS = 0x83  # JSON {"packs": number of the newest pack for this box}
PULSE = 0x84  # nothing: I am still here

FROM_HQ = 0x80  # a bit of every kind that HQ says
OPTIONAL = 0x40  # a kind with this bit, of a newer version, is passed over by who does not know it

MAX_SMALL = 4096  # bytes of a payload that is neither envelope nor receipt
_LIMITS = {
    HELLO: MAX_SMALL,
    HANDED: MAX_SMALL,
    SEGMENT: MAX_ENVELOPE,
    BEAT: 0,
    RECEIPT: MAX_SMALL,
    REFUSAL: MAX_SMALL,
    NEWS: MAX_SMALL,
    PULSE: 0,
}


@dataclass(frozen=True, slots=True)
class Frame:
    kind: int
    payload: bytes

    def __repr__(self) -> str:
        return f"Frame({self.kind:#04x}, {len(self.payload)} bytes)"


def pack(kind: int, payload: bytes = b"") -> bytes:
    """A frame as it travels. `too_large` beyond the kind's limit."""
    if len(payload) > _LIMITS[kind]:
        raise SyncFault("too_large")
    return HEAD.pack(kind, len(payload)) + payload


class Reader:
    """Cuts a stream of bytes into frames. Holds at most one unfinished frame: MAX_ENVELOPE and a chunk."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now, without OPTIONAL ones. `malformed_carriage` for another unknown kind,
        `too_large` for a length beyond its limit: the stream is of no use after either."""
        self._held += data
        found: list[Frame] = []
        at = 0
        while len(self._held) - at >= HEAD.size:
            kind, length = HEAD.unpack_from(self._held, at)
            if kind not in _LIMITS and not kind & OPTIONAL:
                raise SyncFault("malformed_carriage")
            if length > _LIMITS.get(kind, MAX_SMALL):
                raise SyncFault("too_large")
            end = at + HEAD.size + length
            if len(self._held) < end:
                break
            if kind in _LIMITS:
                found.append(Frame(kind, bytes(self._held[at + HEAD.size : end])))
            at = end
        del self._held[:at]
        return found
