"""One stream to one receiver: from which stream it flows, and the header it writes.

    held ──aim──▶ waiting ──next packet; of a picture the first of a key frame──▶ flowing ──aim──▶ flowing and waiting
      ▲                                                                            │
      └───────────────────────────────aim(None)────────────────────────────────────┘

A receiver never gets a delta frame before its key frame: it could show nothing but rubbish.
"""

from __future__ import annotations

from media import limits
from media.plane.interface import DownFormat, Out, Sent
from media.plane.joints import joint
from media.plane.kept import Kept
from media.plane.pictures import Numbers
from media.plane.segments import Segment, Segments
from media.plane.stream import Stream, Transport
from media.plane.writing import MARKER, Writer, divide, new_out, pack_header

CYCLE = 0xFFFFFFFF
_HALF_CYCLE = 0x80000000


class Down:
    """`stream` is what it flows from, `aimed` what it waits for. The tokens allow repairs (`again.py`)."""

    __slots__ = (
        "_at",
        "_last",
        "_layer0",
        "_numbers",
        "_picture",
        "_to",
        "aimed",
        "format",
        "highest_timestamp",
        "number",
        "octets",
        "packets",
        "rtx_sequence",
        "segments",
        "ssrc",
        "stream",
        "tokens",
        "tokens_at",
        "transport",
        "writer",
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
        self.highest_timestamp = self._last = self._at = 0
        self._picture = self._layer0 = -1
        self._numbers: Numbers | None = None
        self.writer = Writer(transport, format.transport_sequence)
        self.rtx_sequence = 1
        self.tokens, self.tokens_at = limits.RESEND_BURST, 0

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
        if not 0 < packet.timestamp + segment.timestamp - self.highest_timestamp & CYCLE < _HALF_CYCLE:
            segment.timestamp = self.highest_timestamp + 1 - packet.timestamp
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
        timestamp = packet.timestamp + segment.timestamp & CYCLE
        if timestamp != self._last:
            if timestamp - self.highest_timestamp & CYCLE < _HALF_CYCLE or not self.packets:
                self.highest_timestamp = timestamp
            self._last = timestamp
        self._at = now
        numbers = packet.numbers
        if numbers is not self._numbers and numbers is not None:
            self._note(numbers, segment)
        self.packets += 1
        self.octets += packet.octets
        second = packet.second | MARKER if number == segment.spurt else packet.second
        if self.writer.element or (numbers is not None and (segment.picture or segment.layer0)):
            extra, rest = divide(packet, segment)
            return self.writer.packet(packet.first, second, out & 0xFFFF, timestamp, self.ssrc, extra, rest, now)
        head = pack_header(packet.first, second, out & 0xFFFF, timestamp, self.ssrc)
        return new_out(Out, (self._to, head, packet.payload))

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

    # --- reports -----------------------------------------------------------------------------------------------------

    def sent(self, stream: Stream, timestamp: int) -> Sent | None:
        segment = self.segments.current
        if segment is None or segment.stream is not stream:
            return None
        return Sent(timestamp + segment.timestamp & CYCLE, self.packets, self.octets)
