"""One RTP stream towards us, and the transport it comes by: plain records, and who receives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.bandwidth.arrivals import Arrivals
from media.bandwidth.departures import Departures
from media.plane.interface import Extensions, Level, StreamFormat
from media.plane.kept import new_cache
from media.plane.lacking import Lacking
from media.plane.numbers import Reception
from media.plane.pictures import Numbers, read_numbers
from media.sealed import Judge

if TYPE_CHECKING:
    from media.plane.down import Down


class Transport:
    """`sources` finds a stream by its SSRC or by that of its repairs. `sequence` is the next transport-wide number."""

    __slots__ = ("arrivals", "departures", "downs", "extensions", "number", "sequence", "sources", "streams")

    def __init__(self, number: int) -> None:
        self.number = number
        self.extensions = Extensions()
        self.sources: dict[int, Stream] = {}
        self.streams: dict[int, Stream] = {}
        self.downs: dict[int, Down] = {}
        self.sequence = 0
        self.arrivals = Arrivals()
        # There since the first down with a transport-wide number.
        self.departures: Departures | None = None


class Stream:
    """`downs` are those that flow from it or aim at it, in the order they began to. `clock` is (ntp, timestamp)."""

    __slots__ = (
        "_numbers",
        "cache",
        "clock",
        "downs",
        "forwarded",
        "judge",
        "lacking",
        "level_packets",
        "loudness",
        "nack",
        "number",
        "payload_types",
        "picture",
        "reception",
        "rtx",
        "sealed",
        "ssrc",
        "transport",
        "voiced",
    )

    def __init__(self, number: int, transport: Transport, format: StreamFormat) -> None:
        self.number = number
        self.transport = transport
        self.ssrc = format.ssrc
        self.rtx = format.rtx
        self.payload_types = dict(format.payload_types)
        self.picture = format.kind == "video"
        self.nack = format.nack
        self.forwarded = True
        self.sealed = format.sealed
        self.judge = Judge(format.kind)
        self.reception = Reception(format.clock_rate)
        self.lacking = Lacking()
        self.cache = new_cache(format.kind)
        self.clock: tuple[int, int] | None = None
        self.downs: dict[int, Down] = {}
        self.level_packets = self.voiced = self.loudness = 0
        self._numbers: Numbers | None = None

    def must_be_sealed(self, sealed: bool) -> None:
        """From the next packet on. What was kept unsealed is forgotten, so that no NACK brings it back."""
        if sealed != self.sealed:
            self.sealed = sealed
            self.judge = Judge("video" if self.picture else "audio")
            self.cache.clear()

    def numbers_of(self, payload: bytes) -> Numbers | None:
        """Of a picture's payload: one object for packets in a row that have the same, so that `is` tells a change."""
        numbers = read_numbers(payload)
        if numbers != self._numbers:
            self._numbers = numbers
        return self._numbers

    def hear(self, level: int) -> None:
        """Count a level byte (RFC 6464 section 3): voice activity, and 0 to 127 below the loudest."""
        self.level_packets += 1
        self.voiced += level >> 7
        self.loudness += 127 - (level & 0x7F)

    def heard(self) -> Level:
        """What was counted since the last call."""
        level = Level(self.number, self.level_packets, self.voiced, self.loudness)
        self.level_packets = self.voiced = self.loudness = 0
        return level

    def end(self) -> None:
        """Nothing more of it is sent, not even what a receiver misses."""
        for down in list(self.downs.values()):
            down.hold()
        self.cache.clear()
        self.clock = None
