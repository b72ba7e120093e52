"""One stream to one receiver: from which stream it flows, and the header it writes.

    held ──aim──▶ waiting ──next packet; of a picture the first of a key frame──▶ flowing ──aim──▶ flowing and waiting
      ▲                                                                            │
      └───────────────────────────────aim(None)────────────────────────────────────┘

A receiver never gets a delta frame before its key frame: it could show nothing but rubbish.
"""

from __future__ import annotations

from struct import Struct

from media import limits
from media.plane.interface import DownFormat, Out, Sent
from media.plane.joints import joint
from media.plane.kept import Kept
from media.plane.pictures import Numbers, write_numbers
from media.plane.segments import Segment, Segments
from media.plane.stream import Stream, Transport

_pack = Struct("!BBHII").pack
# With an extension block of one one-byte element (RFC 8285 section 4.2): id and length, 16 bits, and padding.
_pack_extended = Struct("!BBHIIHHBHx").pack
_ONE_BYTE, _WORDS = 0xBEDE, 1
_EXTENSION, _PADDING, _MARKER, _VERSION = 0x10, 0x20, 0x80, 0x80
_CYCLE, _HALF_CYCLE = 0xFFFFFFFF, 0x80000000
_new = tuple.__new__
# RFC 3550 section 5.1: the last byte says how many there are.
PADDING = bytes(254) + b"\xff"


class Down:
    """`stream` is what it flows from, `aimed` what it waits for. `highest` of timestamps, `last` with its time."""

    __slots__ = (
        "_at",
        "_extension",
        "_highest",
        "_last",
        "_layer0",
        "_numbers",
        "_picture",
        "_rtx_sequence",
        "_to",
        "_tokens",
        "_tokens_at",
        "aimed",
        "format",
        "number",
        "octets",
        "packets",
        "segments",
        "ssrc",
        "stream",
        "transport",
    )

    def __init__(self, number: int, transport: Transport, format: DownFormat) -> None:
        self.number = number
        self.transport = transport
        self._to = transport.number
        self.format = format
        self.ssrc = format.ssrc
        self.stream: Stream | None = None
        self.aimed: Stream | None = None
        self.segments = Segments(format.first_sequence)
        self.packets = self.octets = 0
        # Of what has left: highest and last timestamp, when, and highest picture id and TL0PICIDX (-1: none yet).
        self._highest = self._last = self._at = 0
        self._picture = self._layer0 = -1
        self._numbers: Numbers | None = None
        self._extension = format.transport_sequence << 4 | 1 if format.transport_sequence else 0
        self._rtx_sequence = 1
        self._tokens, self._tokens_at = limits.RESEND_BURST, 0

    # --- where it flows from -----------------------------------------------------------------------------------------

    def aim(self, stream: Stream, at_once: bool) -> None:
        if stream is self.stream:
            self._forget_wish()
            return
        if at_once:
            self._stop()
        if stream is not self.aimed:
            self._forget_wish()
            self.aimed = stream
            stream.downs[self.number] = self

    def hold(self) -> None:
        self._stop()
        self._forget_wish()

    def _stop(self) -> None:
        if self.stream is not None:
            self.segments.close()
            del self.stream.downs[self.number]
            self.stream = None

    def _forget_wish(self) -> None:
        if self.aimed is not None:
            del self.aimed.downs[self.number]
            self.aimed = None

    def switch(self, start: int, packet: Kept, now: int) -> None:
        """Flow from what it aims at, from this packet on."""
        stream, self.aimed = self.aimed, None
        assert stream is not None  # noqa: S101  the caller has looked
        self._stop()
        self.stream = stream
        before = self.segments.last
        segment = self.segments.begin(stream, start, spurt=self.format.kind == "audio")
        self._numbers = None
        if before is None:
            segment.timestamp = self.format.timestamp_distance
            return
        guess = self._last + (now - self._at) * self.format.clock_rate // 1_000_000_000
        segment.timestamp = joint(before, stream, packet.timestamp, guess, self.format.clock_rate)
        if not 0 < packet.timestamp + segment.timestamp - self._highest & _CYCLE < _HALF_CYCLE:
            segment.timestamp = self._highest + 1 - packet.timestamp
        numbers = packet.numbers
        if numbers is not None and numbers.picture >= 0 <= self._picture:
            segment.picture = self._picture + 1 - numbers.picture & 0x7FFF
        if numbers is not None and numbers.layer0 >= 0 <= self._layer0:
            segment.layer0 = self._layer0 + 1 - numbers.layer0 & 0xFF

    # --- packets -----------------------------------------------------------------------------------------------------

    def forward(self, number: int, packet: Kept, now: int) -> Out | None:
        """A packet of the stream that it flows from, or None if it is from before the segment."""
        segments = self.segments
        segment = segments.current
        if segment is None or number < segment.start:
            return None
        out = number + segment.sequence
        if out > segments.highest:
            segments.highest = out
        timestamp = packet.timestamp + segment.timestamp & _CYCLE
        if timestamp != self._last:
            if timestamp - self._highest & _CYCLE < _HALF_CYCLE or not self.packets:
                self._highest = timestamp
            self._last = timestamp
        self._at = now
        numbers = packet.numbers
        if numbers is not self._numbers and numbers is not None:
            self._note(numbers, segment)
        self.packets += 1
        self.octets += packet.octets
        second = packet.second | _MARKER if number == segment.spurt else packet.second
        if self._extension or (numbers is not None and (segment.picture or segment.layer0)):
            extra, rest = _rest(packet, segment)
            return self._write(packet.first, second, out & 0xFFFF, timestamp, self.ssrc, extra, rest, now)
        head = _pack(packet.first, second, out & 0xFFFF, timestamp, self.ssrc)
        return _new(Out, (self._to, head, packet.payload))

    def _note(self, numbers: Numbers, segment: Segment) -> None:
        """The highest picture id and TL0PICIDX that have left."""
        self._numbers = numbers
        _, picture, mask, layer0 = numbers
        if picture >= 0:
            picture = picture + segment.picture & mask
            if 0 < picture - self._picture & mask <= mask >> 1 or self._picture < 0:
                self._picture = picture
        if layer0 >= 0:
            layer0 = layer0 + segment.layer0 & 0xFF
            if 0 < layer0 - self._layer0 & 0xFF <= 0x7F or self._layer0 < 0:
                self._layer0 = layer0

    def repair(self, lost: int, now: int) -> Out | None:
        """A packet that was sent already, by the 16-bit number that the receiver saw; None if there is none to send."""
        found = self.segments.back(lost)
        if found is None or (self._extension and self.format.rtx is None):
            return None
        segment, number, out = found
        packet = segment.stream.cache.get(number)
        if packet is None or not self._may_repeat(now):
            return None
        self.packets += 1
        self.octets += packet.octets
        timestamp = packet.timestamp + segment.timestamp & _CYCLE
        second = packet.second | _MARKER if number == segment.spurt else packet.second
        extra, rest = _rest(packet, segment)
        if self.format.rtx is None:
            return self._write(packet.first, second, out & 0xFFFF, timestamp, self.ssrc, extra, rest, now)
        ssrc, payload_type = self.format.rtx
        extra = (out & 0xFFFF).to_bytes(2, "big") + extra
        second = second & _MARKER | payload_type
        return self._write(packet.first, second, self._next_rtx(), timestamp, ssrc, extra, rest, now)

    def probe(self, now: int) -> Out | None:
        if self.format.rtx is None:
            return None
        ssrc, payload_type = self.format.rtx
        first = _VERSION | _PADDING
        return self._write(first, payload_type, self._next_rtx(), self._highest, ssrc, b"", PADDING, now)

    def _next_rtx(self) -> int:
        sequence = self._rtx_sequence
        self._rtx_sequence = sequence + 1 & 0xFFFF
        return sequence

    def _may_repeat(self, now: int) -> bool:
        """A token bucket: RESENDS_PER_SECOND, RESEND_BURST at once."""
        gained = (now - self._tokens_at) * limits.RESENDS_PER_SECOND / 1e9
        self._tokens = min(limits.RESEND_BURST, self._tokens + gained)
        self._tokens_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _write(
        self, first: int, second: int, sequence: int, timestamp: int, ssrc: int, extra: bytes, rest: bytes, now: int
    ) -> Out:
        transport = self.transport
        if not self._extension:
            head = _pack(first, second, sequence, timestamp, ssrc)
            return _new(Out, (self._to, head + extra if extra else head, rest))
        wide = transport.sequence
        transport.sequence = wide + 1 & 0xFFFF
        head = _pack_extended(
            first | _EXTENSION, second, sequence, timestamp, ssrc, _ONE_BYTE, _WORDS, self._extension, wide
        )
        head += extra
        transport.departures.append((wide, len(head) + len(rest), now))
        return _new(Out, (self._to, head, rest))

    # --- reports -----------------------------------------------------------------------------------------------------

    def sent(self, stream: Stream, timestamp: int) -> Sent | None:
        segment = self.segments.current
        if segment is None or segment.stream is not stream:
            return None
        return Sent(timestamp + segment.timestamp & _CYCLE, self.packets, self.octets)


def _rest(packet: Kept, segment: Segment) -> tuple[bytes, bytes]:
    """The rewritten VP8 descriptor, if it has to be, and what follows: one object for all receivers."""
    numbers = packet.numbers
    if numbers is None or not (segment.picture or segment.layer0):
        return b"", packet.payload
    if packet.rest is None:
        packet.rest = packet.payload[numbers.length :]
    return write_numbers(packet.payload, numbers, segment.picture, segment.layer0), packet.rest
