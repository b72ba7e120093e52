"""The way of one packet into the plane. Rules, in order:

 1  Counted; the header has to be one (media/rtp.py), else MediaFault. Extensions that cannot be read are none.
 2  A transport-wide number is noted with the time.
 3  Longer than MAX_RTP: dropped as `format`.
 4  No stream of this transport has the SSRC: Event `unknown`, dropped.
 5  A payload type that was not agreed: dropped as `format`. A repair (RFC 4588) gets its own number back and the
    stream's first payload type, and loses its padding; below three bytes of payload it is padding.
 6  Padding alone is counted if it is new; if it is the newest, downs close their numbers up. It is not sent on.
 7  What the judge of a stream that has to be sealed refuses: NotSealed. Nothing but the judge knows of it.
 8  A number that came before or is older than SEEN_WINDOW: dropped as `stale`. Else it is counted, and gaps are noted.
 9  Sound that is no repair and has a level is listened to.
10  A picture's packet that starts a key frame: Event `key_frame`.
11  A stream that is not forwarded ends here.
12  Downs that flow from the stream or aim at it, in the order they began to (`down.py`).
13  If any of them sent it, it is kept.
"""

from __future__ import annotations

from media import limits
from media.faults import MediaFault, NotSealed
from media.plane.extensions import read_extensions
from media.plane.interface import Event, Extensions, Out
from media.plane.kept import Kept
from media.plane.stream import Stream, Transport
from media.rtp import PADDING, VERSION, RtpHeader, read_header
from media.vp8 import starts_key_frame

COUNTS = ("received", "sent", "not_sealed", "malformed", "unknown", "format", "stale", "padding", "events")
_MARKER = 0x80
# Bytes of a repair's payload: the original number, and at least one of the packet that it brings again.
_LEAST_REPAIR = 3
_NO_EXTENSIONS = Extensions()


class Intake:
    """What happens to packets of all transports. `heard` and `lacking`: streams with levels, with something missing."""

    __slots__ = ("counts", "events", "heard", "lacking")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self.events: list[Event] = []
        self.heard: dict[int, Stream] = {}
        self.lacking: dict[int, Stream] = {}

    def receive(self, source: Transport, packet: bytes, now: int) -> list[Out]:
        self.counts["received"] += 1
        try:
            header = read_header(packet)
        except MediaFault:
            self.counts["malformed"] += 1
            raise
        level = -1
        if header.extension and source.extensions != _NO_EXTENSIONS:
            level, wide = read_extensions(packet, header.extension, header.payload, source.extensions)
            if wide >= 0:
                source.arrivals.add(wide, now)
        if len(packet) > limits.MAX_RTP:
            return self._drop("format")
        stream = source.sources.get(header.ssrc)
        if stream is None:
            self._tell(Event("unknown", source.number, packet=packet, now=now))
            return self._drop("unknown")
        if header.ssrc == stream.ssrc:
            return self._media(stream, header, packet, level, now)
        return self._repaired(stream, header, packet, now)

    def _media(self, stream: Stream, header: RtpHeader, packet: bytes, level: int, now: int) -> list[Out]:
        padding, marker, sent_type, sequence, timestamp, _, _, start = header
        payload_type = stream.payload_types.get(sent_type)
        if payload_type is None:
            return self._drop("format")
        payload = packet[start:]
        octets = len(payload) - payload[-1] if padding else len(payload)
        first = VERSION | PADDING if padding else VERSION
        kept = Kept(first, payload_type | _MARKER if marker else payload_type, timestamp, payload, octets)
        if not octets:
            return self._padding(stream, sequence, kept, now)
        return self._take(stream, sequence, kept, level, now, direct=True)

    def _repaired(self, stream: Stream, header: RtpHeader, packet: bytes, now: int) -> list[Out]:
        if stream.rtx is None or header.payload_type != stream.rtx[1]:
            return self._drop("format")
        payload = packet[header.payload : len(packet) - packet[-1] if header.padding else len(packet)]
        if len(payload) < _LEAST_REPAIR:
            return self._drop("padding")
        sequence = payload[0] << 8 | payload[1]
        second = next(iter(stream.payload_types.values())) | (_MARKER if header.marker else 0)
        kept = Kept(VERSION, second, header.timestamp, payload[2:], len(payload) - 2)
        return self._take(stream, sequence, kept, -1, now, direct=False)

    def _take(self, stream: Stream, sequence: int, kept: Kept, level: int, now: int, *, direct: bool) -> list[Out]:
        """Rules 7 to 11. `level` is -1 without one."""
        octets, body = kept.octets, kept.payload
        if octets < len(body):
            body = body[:octets]
        if stream.sealed and not stream.judge.passes(body, kept.timestamp):
            self.counts["not_sealed"] += 1
            raise NotSealed("a payload that is not sealed")
        number = self._count(stream, sequence, kept, now, direct)
        if not number:
            return self._drop("stale")
        begins = False
        if stream.picture:
            begins = starts_key_frame(body)
            if begins:
                self._tell(Event("key_frame", stream.number))
            kept.numbers = stream.numbers_of(body)
        elif level >= 0:
            stream.hear(level)
            self.heard[stream.number] = stream
        return self._forward(stream, number, kept, begins, now) if stream.forwarded else []

    def _padding(self, stream: Stream, sequence: int, kept: Kept, now: int) -> list[Out]:
        """Nothing of it is sent on, so what follows the newest takes its number."""
        before = stream.reception.highest
        number = self._count(stream, sequence, kept, now, direct=True)
        if number > before:
            for down in stream.downs.values():
                if down.stream is stream:
                    down.segments.go_on(number + 1)
        return self._drop("padding")

    def _count(self, stream: Stream, sequence: int, kept: Kept, now: int, direct: bool) -> int:
        """Rule 8: the extended number of a packet that was not seen before, else 0."""
        reception = stream.reception
        before = reception.highest
        number = reception.take(sequence, kept.octets)
        if not number:
            return 0
        if direct:
            reception.arrive(kept.timestamp, now)
        if number - before != 1 and before:
            self._lack(stream, before, number, now)
        return number

    def _lack(self, stream: Stream, before: int, number: int, now: int) -> None:
        """A number that does not follow the highest one before: it was missing, or what is between them is."""
        if number < before:
            stream.lacking.came(number)
        elif stream.nack:
            stream.lacking.jump(before, number, now)
        if not stream.lacking:
            self.lacking.pop(stream.number, None)
        elif stream.number not in self.lacking:
            self.lacking[stream.number] = stream
            self._tell(Event("lacking", stream.number))

    def _forward(self, stream: Stream, number: int, kept: Kept, begins: bool, now: int) -> list[Out]:
        outs: list[Out] = []
        for down in stream.downs.values():
            if down.stream is not stream:
                if stream.picture and not begins:
                    continue
                down.switch(number, kept, now)
                self._tell(Event("switched", down.number, stream.number))
            out = down.forward(number, kept, now)
            if out is not None:
                outs.append(out)
        if outs:
            self.counts["sent"] += len(outs)
            stream.cache.put(number, kept)
        return outs

    def missing(self, now: int) -> list[tuple[int, tuple[int, ...]]]:
        asked = [(number, stream.lacking.ask(now)) for number, stream in self.lacking.items()]
        self.lacking = {number: stream for number, stream in self.lacking.items() if stream.lacking}
        return [(number, numbers) for number, numbers in asked if numbers]

    def forget(self, stream: int) -> None:
        """A stream has ended."""
        self.heard.pop(stream, None)
        self.lacking.pop(stream, None)

    def count_sent(self, outs: list[Out]) -> list[Out]:
        self.counts["sent"] += len(outs)
        return outs

    def _drop(self, why: str) -> list[Out]:
        self.counts[why] += 1
        return []

    def _tell(self, event: Event) -> None:
        if len(self.events) < limits.MAX_PLANE_EVENTS:
            self.events.append(event)
        else:
            self.counts["events"] += 1
