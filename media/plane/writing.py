"""What a receiver reads before the payload: an RTP header of its own (RFC 3550 section 5.1), with the transport-wide
number where one was agreed, and a VP8 descriptor with other numbers in it.

A header carries no contributing source and no other extension, whatever the one that came had.
"""

from __future__ import annotations

from struct import Struct

from media.bandwidth.departures import Departures
from media.plane.interface import Out
from media.plane.kept import Kept
from media.plane.pictures import write_numbers
from media.plane.segments import Segment
from media.plane.stream import Transport

VERSION, PADDING, MARKER = 0x80, 0x20, 0x80
_EXTENSION = 0x10
pack_header = Struct("!BBHII").pack
# With an extension block of one one-byte element (RFC 8285 section 4.2): id and length, 16 bits, and padding.
_pack_extended = Struct("!BBHIIHHBHx").pack
_ONE_BYTE, _WORDS = 0xBEDE, 1
new_out = tuple.__new__


class Writer:
    """Of one down. `element` is the first byte of its extension element, 0 for none."""

    __slots__ = ("_departures", "_transport", "element")

    def __init__(self, transport: Transport, transport_sequence: int) -> None:
        self._transport = transport
        self.element = transport_sequence << 4 | 1 if transport_sequence else 0
        if transport_sequence and transport.departures is None:
            transport.departures = Departures()
        self._departures = transport.departures

    def packet(
        self, first: int, second: int, sequence: int, timestamp: int, ssrc: int, extra: bytes, rest: bytes, now: int
    ) -> Out:
        """`first` and `second` are the header's first bytes; `extra` stands between header and `rest`."""
        transport = self._transport
        departures = self._departures
        if not self.element or departures is None:
            head = pack_header(first, second, sequence, timestamp, ssrc)
            return new_out(Out, (transport.number, head + extra, rest))
        wide = transport.sequence
        transport.sequence = wide + 1 & 0xFFFF
        first |= _EXTENSION
        head = _pack_extended(first, second, sequence, timestamp, ssrc, _ONE_BYTE, _WORDS, self.element, wide) + extra
        departures.add(wide, len(head) + len(rest), now)
        return new_out(Out, (transport.number, head, rest))


def divide(packet: Kept, segment: Segment) -> tuple[bytes, bytes]:
    """The rewritten VP8 descriptor, if it has to be, and what follows: one object for all receivers."""
    numbers = packet.numbers
    if numbers is None or not (segment.picture or segment.layer0):
        return b"", packet.payload
    if packet.rest is None:
        packet.rest = packet.payload[numbers.length :]
    return write_numbers(packet.payload, numbers, segment.picture, segment.layer0), packet.rest
