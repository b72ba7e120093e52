"""A room in virtual time, with everything its members have to do before a packet can flow. No socket, no chance."""

from __future__ import annotations

import itertools
import random
import string
from typing import Any

from media import rtcp
from media.messages import (
    Codec,
    Direction,
    DtlsParameters,
    Feedback,
    Fingerprint,
    HeaderExtension,
    Kind,
    Permission,
    RtpCapabilities,
)
from media.outputs import Output, SendRtcp, Tell
from media.plane.interface import Extensions, Out, Received
from media.plane.twin import Twin
from media.room.formats import LayerFormat, UpFormat
from media.room.room import Room
from media.room.rooms import Rooms
from media.room.tracks import DownTrack, Transport, UpTrack
from media.rtp import write_header
from tests.fakes.waiting import there

ALL = Permission(("audio", "video"), True)
LEADS = Permission(("audio", "video"), True, leads=True)
# A receiver that repairs under the same SSRC, and one as browsers are: RTX and transport-wide numbers.
CAPABILITIES = RtpCapabilities((Codec("audio/opus", 48000), Codec("video/VP8", 90000)))
ABLE = RtpCapabilities(
    (
        Codec("audio/opus", 48000),
        Codec("video/VP8", 90000, rtcp_feedback=(Feedback("transport-cc"), Feedback("nack"))),
        Codec("video/rtx", 90000, parameters={"apt": 96}),
    ),
    (HeaderExtension("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", preferred_id=5),),
)
LEVEL_ID, NUMBER_ID = 4, 5


class SeededDice:
    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._count = itertools.count()

    def token(self, length: int) -> str:
        return f"{next(self._count):03}" + "".join(self._random.choices(string.ascii_letters, k=length - 3))

    def number(self, below: int) -> int:
        return self._random.randrange(below)


class Stage:
    """A room with helpers: `enter` gives a member two ready transports, `send` an up track, `watch` a down track."""

    def __init__(self, last_n: int = 9) -> None:
        self.plane = Twin()
        self.rooms = Rooms(SeededDice(), self.plane, last_n)
        self.rooms.permit("room", "nobody", Permission((), False))
        self.room: Room = self.rooms.room("room")
        self.sends: dict[str, str] = {}
        self.receives: dict[str, str] = {}
        self.ssrcs = itertools.count(1000)

    # --- who is there ----------------------------------------------------------------------------------------------

    def enter(self, member: str, permission: Permission = ALL) -> None:
        self.room.permit(member, permission)
        self.room.join(member)
        ways: list[tuple[Direction, dict[str, str]]] = [("send", self.sends), ("receive", self.receives)]
        for direction, ids in ways:
            if permission.send if direction == "send" else permission.receive:
                opened = self.room.create_transport(member, direction)
                self.room.connect_transport(member, opened.transport, DtlsParameters((Fingerprint("sha-256", "00"),)))
                self.room.transport_ready(opened.transport, 0.0)
                ids[member] = opened.transport

    def send(self, member: str, kind: Kind, layers: int = 1, *, level: bool = False) -> tuple[str, int]:
        """A track known by its SSRCs, which follow each other. The track, and the SSRC of its lowest layer."""
        ssrcs = [next(self.ssrcs) for _ in range(layers)]
        plane = Extensions(LEVEL_ID if level else 0, NUMBER_ID if layers > 1 else 0)
        format = UpFormat(tuple(LayerFormat(ssrc) for ssrc in ssrcs), 100, plane=plane)
        return self.room.send_track(member, self.sends[member], kind, format), ssrcs[0]

    def receive(
        self, member: str, track: str, capabilities: RtpCapabilities = CAPABILITIES, now: float = 0.0
    ) -> dict[str, Any]:
        return self.room.receive_track(member, track, self.receives[member], capabilities, now)

    def watch(self, member: str, track: str, now: float = 0.0, capabilities: RtpCapabilities = CAPABILITIES) -> int:
        """The SSRC of the down track."""
        answer = self.receive(member, track, capabilities, now)
        self.room.resume_down_track(member, answer["downTrack"], now)
        ssrc: int = answer["rtpParameters"]["encodings"][0]["ssrc"]
        return ssrc

    # --- what is there ---------------------------------------------------------------------------------------------

    def transport(self, id: str) -> Transport:
        return self.room.roster.transports[id]

    def up(self, track: str) -> UpTrack:
        return self.room.roster.tracks[track]

    def received(self, track: str, layer: int = 0) -> Received | None:
        """What the plane has counted of it."""
        return self.plane.received(self.up(track).layers[layer].number)

    def down(self, member: str, track: str) -> DownTrack:
        downs = self.room.members[member].downs.values()
        return there(next((down for down in downs if down.up.id == track), None))

    # --- packets ---------------------------------------------------------------------------------------------------

    def rtp(self, member: str, ssrc: int, sequence: int, payload: bytes, now: float = 0.0) -> list[Out]:
        """Each packet is a frame of its own by its timestamp."""
        packet = write_header(False, False, 100, sequence, 3000 * sequence & 0xFFFFFFFF, ssrc) + payload
        return self.give(member, packet, now)

    def give(self, member: str, packet: bytes, now: float = 0.0) -> list[Out]:
        """One packet on the member's sending transport; nothing if that is closed."""
        transport = self.room.roster.transports.get(self.sends[member])
        return self.rooms.receive_rtp(transport.number, packet, now) if transport is not None else []

    def rtcp(self, id: str, datagram: bytes, now: float = 0.0) -> list[Out]:
        return self.rooms.receive_rtcp(self.transport(id).number, datagram, now)

    def goes_to(self, out: Out) -> str:
        """The id of the transport."""
        return self.room.roster.paths[out.transport].id

    # --- what comes out --------------------------------------------------------------------------------------------

    def drain(self) -> list[Output]:
        return self.rooms.drain()

    def told(self, member: str) -> list[str]:
        return [item.event for item in self.drain() if isinstance(item, Tell) and item.member == member]

    def sent_rtcp(self, id: str) -> list[object]:
        """What was sent by RTCP on one transport since the last drain."""
        found = [item for item in self.drain() if isinstance(item, SendRtcp) and item.transport == id]
        return [packet for item in found for packet in rtcp.read_compound(item.packet)]

    def asked(self) -> int:
        """Key-frame requests since the last drain."""
        return len(self.asked_of())

    def asked_of(self) -> list[int]:
        """SSRCs of the key-frame requests since the last drain."""
        found = [item for item in self.drain() if isinstance(item, SendRtcp)]
        packets = [packet for item in found for packet in rtcp.read_compound(item.packet)]
        return [packet.media for packet in packets if isinstance(packet, rtcp.KeyFrameRequest)]
