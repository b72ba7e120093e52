"""Forwarding planes to test: which there are, packets to give in, a view of what comes out, and a small stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import count
from struct import pack
from typing import NamedTuple

import pytest

from media.messages import Kind
from media.native.build import library
from media.native.plane import NativePlane
from media.plane.interface import DownFormat, Event, Out, Plane, StreamFormat
from media.plane.pictures import read_numbers
from media.plane.twin import Twin
from media.rtp import extension_value, read_header
from tests.fakes.sealed_frames import picture, sealed


def native() -> Plane:
    """The plane in C, where it was built (.ci/setup, if there is a compiler)."""
    if not library().exists():
        # CI has a compiler: there a missing library is a fault of ours, and half of what this suite holds.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "the plane in C is not built: python -m media.native.build"
        )
    return NativePlane()


# Whatever implements `Plane` is held to tests/contract/plane: one line more here.
IMPLEMENTATIONS: dict[str, Callable[[], Plane]] = {"twin": Twin, "native": native}

CLOCKS: dict[Kind, int] = {"audio": 48_000, "video": 90_000}
# Payload types: of the sender, and as all receivers see them.
SENT_TYPE, SENT_RTX, SEEN_TYPE, SEEN_RTX = 120, 121, 96, 97
# Ids of header extensions towards us and from us.
LEVEL, WIDE = 4, 5
MS, SECOND = 1_000_000, 1_000_000_000
SEALED_SOUND = sealed("audio")


class Seen(NamedTuple):
    """One packet as a receiver reads it. `wide` is the transport-wide number, `picture` and `layer0` of VP8; or None.

    `payload` is without padding; in a repair the first two bytes are the original number.
    """

    transport: int
    padding: int
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    wide: int | None
    payload: bytes

    @property
    def picture(self) -> int | None:
        numbers = read_numbers(self.payload)
        return numbers.picture if numbers else None

    @property
    def layer0(self) -> int | None:
        numbers = read_numbers(self.payload)
        return numbers.layer0 if numbers else None


def seen(out: Out) -> Seen:
    packet = out.head + out.rest
    header = read_header(packet)
    padding = packet[-1] if header.padding else 0
    wide = extension_value(packet, header, WIDE)
    return Seen(
        out.transport,
        padding,
        header.marker,
        header.payload_type,
        header.sequence,
        header.timestamp,
        header.ssrc,
        None if wide is None else int.from_bytes(wide, "big"),
        packet[header.payload : len(packet) - padding],
    )


def rtp(
    sequence: int,
    timestamp: int = 0,
    *,
    ssrc: int,
    payload: bytes = b"",
    payload_type: int = SENT_TYPE,
    marker: bool = False,
    padding: int = 0,
    block: bytes = b"",
) -> bytes:
    """One packet in. `block` is a whole extension block, `padding` how many bytes of it follow the payload."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if block else 0)
    fixed = pack("!BBHII", first, marker << 7 | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return fixed + block + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def block(*elements: tuple[int, bytes], two_byte: bool = False) -> bytes:
    """A header extension block with these ids and values (RFC 8285)."""
    if two_byte:
        body = b"".join(bytes([id, len(value)]) + value for id, value in elements)
    else:
        body = b"".join(bytes([id << 4 | len(value) - 1]) + value for id, value in elements)
    body += bytes(-len(body) % 4)
    return (b"\x10\x00" if two_byte else b"\xbe\xde") + pack("!H", len(body) // 4) + body


def vp8(
    *, key: bool = False, begin: bool = True, id: int | None = None, layer0: int | None = None, wide: bool = True
) -> bytes:
    """A sealed payload. `wide`: 15 bits of picture id, else 7. Not `begin`: the frame goes on."""
    start = 0x10 if begin else 0x00
    flags = (0x80 if id is not None else 0) | (0x40 if layer0 is not None else 0)
    descriptor = bytes([start | 0x80, flags]) if flags else bytes([start])
    if id is not None:
        descriptor += pack("!H", 0x8000 | id) if wide else bytes([id])
    if layer0 is not None:
        descriptor += bytes([layer0])
    return descriptor + (picture(key=key) if begin else b"rest of a frame")


class Stage:
    """One plane, transport 1 that sends, and whatever is added. `now` moves only when a test moves it."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.now = 5 * SECOND
        self._numbers = count(2)
        plane.add_transport(1)

    def stream(
        self, kind: Kind = "audio", ssrc: int = 100, *, rtx: int | None = None, nack: bool = True, sealed: bool = True
    ) -> int:
        number = next(self._numbers)
        repairs = None if rtx is None else (rtx, SENT_RTX)
        format = StreamFormat(kind, ssrc, {SENT_TYPE: SEEN_TYPE}, CLOCKS[kind], repairs, nack, sealed)
        self.plane.add_stream(number, 1, format)
        return number

    def down(
        self,
        stream: int | None = None,
        kind: Kind = "audio",
        *,
        ssrc: int = 900,
        first: int = 1000,
        distance: int = 0,
        rtx: int | None = None,
        wide: bool = False,
        transport: int | None = None,
    ) -> int:
        """A receiver with a transport of its own, aimed at `stream`."""
        if transport is None:
            transport = next(self._numbers)
            self.plane.add_transport(transport)
        number = next(self._numbers)
        repairs = None if rtx is None else (rtx, SEEN_RTX)
        format = DownFormat(transport, ssrc, kind, first, distance, CLOCKS[kind], repairs, WIDE if wide else 0)
        self.plane.add_down(number, format)
        if stream is not None:
            self.plane.aim(number, stream)
        return number

    def give(self, packet: bytes) -> list[Seen]:
        return [seen(out) for out in self.plane.receive(1, packet, self.now)]

    def sound(self, sequence: int, timestamp: int = 0, ssrc: int = 100, payload: bytes = SEALED_SOUND) -> list[Seen]:
        return self.give(rtp(sequence, timestamp, ssrc=ssrc, payload=payload))

    def key_frame(
        self, sequence: int, timestamp: int = 0, ssrc: int = 100, id: int | None = None, layer0: int | None = None
    ) -> list[Seen]:
        return self.give(rtp(sequence, timestamp, ssrc=ssrc, payload=vp8(key=True, id=id, layer0=layer0)))

    def frame(
        self, sequence: int, timestamp: int = 0, ssrc: int = 100, id: int | None = None, layer0: int | None = None
    ) -> list[Seen]:
        return self.give(rtp(sequence, timestamp, ssrc=ssrc, payload=vp8(id=id, layer0=layer0)))

    def pad(self, sequence: int, timestamp: int = 0, ssrc: int = 100) -> list[Seen]:
        return self.give(rtp(sequence, timestamp, ssrc=ssrc, padding=200))

    def repair(self, down: int, *lost: int) -> list[Seen]:
        return [seen(out) for out in self.plane.repair(down, lost, self.now)]

    def events(self) -> list[Event]:
        return self.plane.take()

    def count(self, *names: str) -> list[int]:
        counts = self.plane.counts()
        return [counts[name] for name in names]


def numbers(packets: Iterable[Seen]) -> list[int]:
    return [packet.sequence for packet in packets]
