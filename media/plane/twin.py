"""The forwarding plane in Python: what runs where there is no compiler, and what the one in C is measured by.

Here is what the room sets and asks. `intake.py` has the way of a packet, `down.py` what each receiver gets of it,
`again.py` what it gets a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from media.bandwidth.twcc import read_feedback
from media.plane import again
from media.plane.down import Down
from media.plane.intake import Intake
from media.plane.interface import (
    NOTHING_NEW,
    Departed,
    DownFormat,
    Event,
    Extensions,
    Level,
    Out,
    Outcome,
    Received,
    Sent,
    StreamFormat,
)
from media.plane.stream import Stream, Transport


class Twin:
    """Implements `media.plane.interface.Plane`."""

    __slots__ = ("_downs", "_intake", "_streams", "_transports")

    def __init__(self) -> None:
        self._transports: dict[int, Transport] = {}
        self._streams: dict[int, Stream] = {}
        self._downs: dict[int, Down] = {}
        self._intake = Intake()

    # --- what the room sets ------------------------------------------------------------------------------------------

    def add_transport(self, transport: int) -> None:
        self._transports[transport] = Transport(transport)

    def remove_transport(self, transport: int) -> None:
        gone = self._transports.pop(transport, None)
        if gone is not None:
            for stream in list(gone.streams):
                self.remove_stream(stream)
            for down in list(gone.downs):
                self.remove_down(down)

    def set_extensions(self, transport: int, extensions: Extensions) -> None:
        self._transports[transport].extensions = extensions

    def add_stream(self, stream: int, transport: int, format: StreamFormat) -> None:
        source = self._transports[transport]
        ssrcs = [format.ssrc] if format.rtx is None else [format.ssrc, format.rtx[0]]
        if len({*ssrcs, *source.sources}) < len(ssrcs) + len(source.sources):
            raise ValueError("an SSRC is taken")
        added = Stream(stream, source, format)
        self._streams[stream] = source.streams[stream] = added
        source.sources.update(dict.fromkeys(ssrcs, added))

    def set_rtx(self, stream: int, rtx: tuple[int, int]) -> None:
        found = self._streams[stream]
        sources = found.transport.sources
        if rtx[0] in sources:
            raise ValueError("an SSRC is taken")
        if found.rtx is not None:
            del sources[found.rtx[0]]
        found.rtx = rtx
        sources[rtx[0]] = found

    def remove_stream(self, stream: int) -> None:
        gone = self._streams.pop(stream, None)
        if gone is not None:
            gone.end()
            del gone.transport.streams[stream], gone.transport.sources[gone.ssrc]
            if gone.rtx is not None:
                del gone.transport.sources[gone.rtx[0]]
            self._intake.forget(stream)

    def set_stream(self, stream: int, *, forwarded: bool, sealed: bool) -> None:
        found = self._streams[stream]
        found.forwarded = forwarded
        found.must_be_sealed(sealed)

    def set_clock(self, stream: int, ntp: int, timestamp: int) -> None:
        self._streams[stream].clock = (ntp, timestamp)

    def add_down(self, down: int, format: DownFormat) -> None:
        transport = self._transports[format.transport]
        self._downs[down] = transport.downs[down] = Down(down, transport, format)

    def remove_down(self, down: int) -> None:
        gone = self._downs.pop(down, None)
        if gone is not None:
            gone.hold()
            del gone.transport.downs[down]

    def aim(self, down: int, stream: int | None, *, at_once: bool = False) -> None:
        found = self._downs[down]
        if stream is None:
            found.hold()
        else:
            found.aim(self._streams[stream], at_once)

    def knows(self, transport: int, ssrc: int) -> bool:
        """Whether a stream of that transport, or its repairs, have this SSRC."""
        found = self._transports.get(transport)
        return found is not None and ssrc in found.sources

    # --- packets -----------------------------------------------------------------------------------------------------

    def receive(self, transport: int, packet: bytes, now: int) -> list[Out]:
        return self._intake.receive(self._transports[transport], packet, now)

    def repair(self, down: int, lost: Sequence[int], now: int) -> list[Out]:
        found = self._downs[down]
        return self._intake.count_sent(
            [out for number in lost if (out := again.repair(found, number, now)) is not None]
        )

    def probe(self, down: int, packets: int, now: int) -> list[Out]:
        found = self._downs[down]
        return self._intake.count_sent([out for _ in range(packets) if (out := again.probe(found, now)) is not None])

    # --- what the room asks ------------------------------------------------------------------------------------------

    def flowing(self, down: int) -> int | None:
        stream = self._downs[down].stream
        return None if stream is None else stream.number

    def received(self, stream: int) -> Received | None:
        of = self._streams[stream].reception
        return Received(of.packets, of.octets, of.first, of.highest, int(of.jitter)) if of.packets else None

    def sent(self, down: int, stream: int, timestamp: int) -> Sent | None:
        return self._downs[down].sent(self._streams[stream], timestamp)

    def missing(self, now: int) -> list[tuple[int, tuple[int, ...]]]:
        return self._intake.missing(now)

    def lacks(self) -> bool:
        return bool(self._intake.lacking)

    def levels(self) -> list[Level]:
        heard, self._intake.heard = self._intake.heard, {}
        return [stream.heard() for stream in heard.values()]

    def feedback(self, transport: int) -> list[bytes]:
        return self._transports[transport].arrivals.feedback()

    def departed(self, transport: int) -> Departed | None:
        departures = self._transports[transport].departures
        return None if departures is None else departures.departed()

    def answered(self, transport: int, fci: bytes) -> Outcome:
        departures = self._transports[transport].departures
        feedback = read_feedback(fci)
        return NOTHING_NEW if departures is None else departures.match(feedback)

    def take(self) -> list[Event]:
        events, self._intake.events = self._intake.events, []
        return events

    def counts(self) -> Mapping[str, int]:
        return dict(self._intake.counts)
