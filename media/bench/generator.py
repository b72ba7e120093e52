"""The load seen from Python: lines and sources in, counts out. The packets themselves are the business of C.

A *line* is a connected socket with a libsrtp session for each direction, however its keys were agreed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from media.bench import native
from media.bench.profiles import Sending, level
from media.sealed import key_id

# Of a receiver's pictures, one packet in this many is asked for again although it came: half a percent of loss.
LOSE = 200


@dataclass(frozen=True)
class Numbers:
    """Payload types and ids of header extensions that a relay has agreed to; 0 for an extension not agreed."""

    audio: int = 111
    video: int = 96
    rtx: int = 97
    level: int = 4
    sequence: int = 5


class Line(NamedTuple):
    """`sealing` and `opening` are sessions of pylibsrtp. `sequence`: id of the transport-wide number in what comes."""

    fd: int
    sealing: Any
    opening: Any
    sequence: int = 0
    lose: int = 0


class Sent(NamedTuple):
    packets: int
    octets: int
    timestamp: int


class Received(NamedTuple):
    """Datagrams and bytes of RTP, datagrams of RTCP, those that libsrtp refused, and RTP of padding, which `packets`
    leaves out: what a relay sends to measure a path is not work that was asked of it."""

    packets: int
    octets: int
    rtcp: int
    unreadable: int
    probes: int


class Load:
    """`start` once all lines and sources are there; from then on nobody else may read the sockets."""

    def __init__(self, folder: Path) -> None:
        self._library = native.load_library(folder)
        self._load = ctypes.c_void_p(self._library.load_new(ctypes.byref(native.srtp_calls())))
        self._buffer = ctypes.create_string_buffer(native.NOTE_BYTES)
        self._kept: list[Any] = []
        self._started = False
        self.lines: list[Line] = []
        self.sources: list[Sending] = []
        self._line_of: list[int] = []

    def add_line(self, line: Line) -> int:
        self.lines.append(line)
        seal, open = native.session_pointer(line.sealing), native.session_pointer(line.opening)
        number = int(self._library.load_line(self._load, line.fd, seal, open, line.sequence, line.lose))
        if number < 0:
            raise ValueError("too many lines")
        return number

    def add_source(self, item: Sending, line: int, numbers: Numbers) -> None:
        sound = item.stream.kind == "audio"
        spec = native.Source(
            ssrc=item.ssrc,
            line=line,
            rate=item.stream.rate,
            size=item.stream.size,
            per_frame=item.stream.per_frame,
            clock_rate=48_000 if sound else 90_000,
            payload_type=numbers.audio if sound else numbers.video,
            key_id=key_id(item.stream.kind, item.person, 1),
            level_id=numbers.level if sound else 0,
            level=level(item.person),
            sequence_id=numbers.sequence,
            picture=not sound,
            phase=int(item.phase * 1e9 / item.stream.rate),
        )
        if self._library.load_source(self._load, ctypes.byref(spec)) < 0:
            raise ValueError("too many sources")
        self.sources.append(item)
        self._line_of.append(line)

    def line_of(self, source: int) -> int:
        return self._line_of[source]

    def start(self) -> None:
        if self._library.load_start(self._load):
            raise OSError("no thread for the load")
        self._started = True

    def send(self, on: bool) -> None:
        """Begin, or stop and come back when the last packet has gone."""
        self._library.load_send(self._load, on)

    def close(self) -> None:
        if self._started:
            self._library.load_free(self._load)
            self._started = False

    def ask_key_frame(self, ssrc: int) -> None:
        self._library.load_key(self._load, ssrc)

    def send_rtcp(self, line: int, packet: bytes) -> None:
        self._library.load_rtcp(self._load, line, packet, len(packet))

    # --- what there is to read -------------------------------------------------------------------------------------

    def notes(self, line: int) -> Iterator[tuple[int, bytes]]:
        """(0, RTCP in clear), or (SSRC, number) of a packet to ask for again."""
        ssrc = ctypes.c_uint32()
        while length := self._library.load_note(self._load, line, ctypes.byref(ssrc), self._buffer):
            yield ssrc.value, self._buffer.raw[:length]

    def arrivals(self, line: int) -> list[tuple[int, int]]:
        """(transport-wide number, nanoseconds) since the last call."""
        found = (native.Arrival * native.ARRIVALS)()
        count = self._library.load_arrivals(self._load, line, found)
        return [(item.number, item.at) for item in found[:count]]

    def streams(self, line: int) -> list[native.Stream]:
        found = (native.Stream * native.STREAMS)()
        return found[: self._library.load_streams(self._load, line, found)]

    def received(self, line: int) -> Received:
        counts = (ctypes.c_uint64 * 5)()
        self._library.load_line_counts(self._load, line, counts)
        return Received(*counts)

    def sent(self, source: int) -> Sent:
        counts = (ctypes.c_uint64 * 3)()
        self._library.load_source_counts(self._load, source, counts)
        return Sent(*counts)

    def trouble(self) -> tuple[int, int]:
        """Packets that left more than 5 ms late, and packets that could not be sent."""
        counts = (ctypes.c_uint64 * 2)()
        self._library.load_counts(self._load, counts)
        return counts[0], counts[1]

    def ages(self) -> list[int]:
        """Nanoseconds from before a sampled packet's seal to the kernel's stamp, since the last call; sorted."""
        found = (ctypes.c_uint64 * native.AGES)()
        count = self._library.load_ages(self._load, found)
        return sorted(found[:count])
