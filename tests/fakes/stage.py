"""A room in virtual time, with everything its members have to do before a packet can flow. No socket, no chance."""

from __future__ import annotations

import itertools
import random
import string

from media import rtcp
from media.formats import LayerFormat, UpFormat
from media.messages import Codec, Direction, DtlsParameters, Fingerprint, Kind, Permission, RtpCapabilities
from media.outputs import Output, Packet, SendRtcp, Tell
from media.room import Room
from media.rtp import write_header

ALL = Permission(("audio", "video"), True)
CAPABILITIES = RtpCapabilities((Codec("audio/opus", 48000), Codec("video/VP8", 90000)))


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

    def __init__(self) -> None:
        self.room = Room("room", SeededDice())
        self.sends: dict[str, str] = {}
        self.receives: dict[str, str] = {}
        self.ssrcs = itertools.count(1000)

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

    def send(self, member: str, kind: Kind) -> tuple[str, int]:
        ssrc = next(self.ssrcs)
        return self.room.send_track(member, self.sends[member], kind, UpFormat((LayerFormat(ssrc),), 100)), ssrc

    def watch(self, member: str, track: str, now: float = 0.0) -> int:
        answer = self.room.receive_track(member, track, self.receives[member], CAPABILITIES, now)
        self.room.resume_down_track(member, answer["downTrack"], now)
        ssrc: int = answer["rtpParameters"]["encodings"][0]["ssrc"]
        return ssrc

    def rtp(self, member: str, ssrc: int, sequence: int, payload: bytes, now: float = 0.0) -> list[Packet]:
        """Each packet is a frame of its own by its timestamp."""
        packet = write_header(False, False, 100, sequence, 3000 * sequence & 0xFFFFFFFF, ssrc) + payload
        return self.room.receive_rtp(self.sends[member], packet, now)

    def drain(self) -> list[Output]:
        outputs, self.room.outputs = self.room.outputs, []
        return outputs

    def told(self, member: str) -> list[str]:
        return [item.event for item in self.drain() if isinstance(item, Tell) and item.member == member]

    def asked(self) -> int:
        """Key-frame requests since the last drain."""
        found = [item for item in self.drain() if isinstance(item, SendRtcp)]
        return sum(
            isinstance(packet, rtcp.KeyFrameRequest) for item in found for packet in rtcp.read_compound(item.packet)
        )
