"""Browsers in virtual time around a `Stage`: cameras and microphones that send, and one receiver behind a bad line."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import unpack_from

from media import rtcp
from media.bandwidth.arrivals import ArrivalLog
from media.bandwidth.limits import LAYER_BPS
from media.outputs import SendRtcp, Tell
from media.plane.interface import Out
from media.rtp import extension_value, read_header, write_header
from tests.fakes.emulator import Emulator
from tests.fakes.sealed_frames import picture, sealed
from tests.fakes.stage import ABLE, LEVEL_ID, NUMBER_ID, Stage

STEP = 0.005
_FRAME = 1 / 30
_MOST = 1100  # octets of payload in a packet


@dataclass(slots=True)
class Sender:
    """One member's microphone and camera of three layers, which stops a layer that nobody wants. `loudness` as in
    speakers.py, 0 for silence."""

    stage: Stage
    name: str
    chance: random.Random
    loudness: int = 0
    layers: int = 3
    wanted: int = 3
    track: str = ""
    voice: str = ""
    _ssrc: int = 0
    _voice_ssrc: int = 0
    _keys: set[int] = field(default_factory=set)
    _sequences: dict[int, int] = field(default_factory=dict)
    _frames: int = 0
    _frame_at: float = 0.0
    _voice_at: float = 0.0

    def __post_init__(self) -> None:
        self.track, self._ssrc = self.stage.send(self.name, "video", self.layers)
        self.voice, self._voice_ssrc = self.stage.send(self.name, "audio", level=True)
        self._frame_at = self.chance.random() * _FRAME

    def hear(self, packets: Iterable[object]) -> None:
        self._keys |= {packet.media for packet in packets if isinstance(packet, rtcp.KeyFrameRequest)}

    def run(self, now: float) -> list[Out]:
        sent: list[Out] = []
        while self._voice_at <= now:
            self._voice_at = max(self._voice_at + 0.02, now - 0.1)
            sent += self._speak(now)
        while self._frame_at <= now:
            self._frame_at = max(self._frame_at + _FRAME, now - 0.1)
            self._frames += 1
            for layer in range(min(self.layers, self.wanted)):
                sent += self._show(layer, now)
        return sent

    def _next(self, ssrc: int) -> int:
        self._sequences[ssrc] = self._sequences.get(ssrc, 0) + 1 & 0xFFFF
        return self._sequences[ssrc]

    def _speak(self, now: float) -> list[Out]:
        level = bytes([0x80 * (self.loudness > 0) | 127 - self.loudness])
        sequence = self._next(self._voice_ssrc)
        head = write_header(False, False, 100, sequence, 960 * sequence, self._voice_ssrc)
        extension = b"\xbe\xde\x00\x01" + bytes([LEVEL_ID << 4]) + level + b"\0\0"
        return self.stage.give(self.name, bytes([head[0] | 0x10]) + head[1:] + extension + sealed("audio", 70), now)

    def _show(self, layer: int, now: float) -> list[Out]:
        ssrc = self._ssrc + layer
        key = ssrc in self._keys or self._frames == 1
        self._keys.discard(ssrc)
        size = int(LAYER_BPS[layer] / 8 * _FRAME * self.chance.uniform(0.6, 1.2) * (4 if key else 1))
        payload = picture(max(size, 60), key=key)
        parts = [payload[start : start + _MOST] for start in range(0, len(payload), _MOST)]
        sent: list[Out] = []
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            head = write_header(False, last, 100, self._next(ssrc), self._frames * 3000, ssrc)
            sent += self.stage.give(self.name, head + (b"\0" if index else b"\x10") + part, now)
        return sent


@dataclass(slots=True)
class Stream:
    """What a receiver has of one down track: the numbers it saw and when, how often it asked for others."""

    came: dict[int, float] = field(default_factory=dict)
    highest: int = 0
    asked: dict[int, tuple[float, int]] = field(default_factory=dict)

    def add(self, number: int, now: float) -> None:
        extended = number if not self.came else self.highest + ((number - self.highest + 0x8000 & 0xFFFF) - 0x8000)
        for missing in range(self.highest + 1 if self.came else extended, min(extended, self.highest + 300)):
            self.asked.setdefault(missing, (now, 0))
        self.highest = max(self.highest, extended)
        self.came.setdefault(extended, now)
        self.asked.pop(extended, None)

    def lacking(self, now: float) -> list[int]:
        """What to ask for: again each 80 ms, eight times."""
        due = [number for number, (at, _) in self.asked.items() if at <= now]
        for number in due:
            tries = self.asked[number][1] + 1
            self.asked[number] = (now + 0.08 if tries < 8 else float("inf"), tries)
        return [number & 0xFFFF for number in due]

    def share(self, since: float = 0.0) -> float:
        """How much of what was numbered since then has come, the newest 100 numbers left out: they may still."""
        low = min((number for number, at in self.came.items() if at >= since), default=0)
        numbers = range(low, self.highest - 100)
        return sum(number in self.came for number in numbers) / len(numbers) if numbers else 1.0


@dataclass(slots=True)
class Receiver:
    """One member who receives everything over `line`, as a browser does: NACK, RTX, transport-wide feedback."""

    stage: Stage
    name: str
    line: Emulator[bytes]
    back: Emulator[bytes]
    streams: dict[int, Stream] = field(default_factory=dict)
    downs: dict[str, int] = field(default_factory=dict)
    # What left the relay, by SSRC and number: the whole packet.
    left: dict[tuple[int, int], bytes] = field(default_factory=dict)
    twice: int = 0
    _rtx: dict[int, int] = field(default_factory=dict)
    _log: ArrivalLog = field(default_factory=lambda: ArrivalLog(1))
    _feedback_at: float = 0.0

    def watch(self, track: str, now: float, tile: tuple[int, int] | None = None) -> None:
        answer = self.stage.receive(self.name, track, ABLE, now)
        self.stage.room.resume_down_track(self.name, answer["downTrack"], now)
        encoding = answer["rtpParameters"]["encodings"][0]
        self.downs[track] = encoding["ssrc"]
        self.streams[encoding["ssrc"]] = Stream()
        if "rtx" in encoding:
            self._rtx[encoding["rtx"]["ssrc"]] = encoding["ssrc"]
        if tile is not None:
            self.stage.room.show_down_track(self.name, answer["downTrack"], *tile, now)

    def stream(self, track: str) -> Stream:
        return self.streams[self.downs[track]]

    def leave(self, out: Out, now: float) -> None:
        """A packet leaves the relay for this receiver."""
        packet = out.head + out.rest
        header = read_header(packet)
        key = header.ssrc, header.sequence
        if self.left.setdefault(key, packet) != packet:
            self.twice += 1
        self.line.send(packet, len(packet), now)

    def run(self, now: float) -> list[Out]:
        """What has come, and what is said of it. Returns what the relay repeats."""
        for at, packet in self.line.arrived(now):
            self._take(packet, at)
        sent: list[Out] = []
        if now >= self._feedback_at:
            self._feedback_at = now + 0.05
            compounds = self._log.feedback(1)
            compounds += [
                rtcp.write_nack(1, ssrc, lost) for ssrc, s in self.streams.items() if (lost := s.lacking(now))
            ]
            for datagram in compounds:
                self.back.send(datagram, len(datagram), now)
        for _, datagram in self.back.arrived(now):
            sent += self.stage.rtcp(self.stage.receives[self.name], datagram, now)
        return sent

    def _take(self, packet: bytes, at: float) -> None:
        header = read_header(packet)
        number = extension_value(packet, header, NUMBER_ID)
        if number is not None:
            self._log.add([(unpack_from("!H", number)[0], int(at * 1e9))])
        if header.ssrc in self.streams:
            self.streams[header.ssrc].add(header.sequence, at)
        elif header.ssrc in self._rtx and not header.padding:
            (original,) = unpack_from("!H", packet, header.payload)
            self.streams[self._rtx[header.ssrc]].add(original, at)


class Call:
    """`senders` people in one room, and berta who only receives, over a line of her own."""

    def __init__(self, seed: int, senders: int, tile: tuple[int, int] = (640, 360)) -> None:
        self.stage, self.now = Stage(), 1.0
        chance = random.Random(seed)  # noqa: S311  seeded on purpose
        names = [f"s{index}" for index in range(senders)]
        for name in [*names, "berta"]:
            self.stage.enter(name)
        self.senders = {name: Sender(self.stage, name, chance) for name in names}
        self.line, back = Emulator[bytes](seed), Emulator[bytes](seed + 1)
        self.berta = Receiver(self.stage, "berta", self.line, back)
        for sender in self.senders.values():
            self.berta.watch(sender.voice, self.now)
            self.berta.watch(sender.track, self.now, tile)
        self.events: list[tuple[float, str]] = []

    def run(self, seconds: float) -> Call:
        until = self.now + seconds
        while self.now < until:
            self.now += STEP
            sent = [out for sender in self.senders.values() for out in sender.run(self.now)]
            sent += self.berta.run(self.now)
            deadline = self.stage.rooms.deadline
            if deadline is not None and self.now >= deadline:
                sent += self.stage.rooms.tick(self.now)
            for out in sent:
                self.berta.leave(out, self.now)
            self._outputs()
        return self

    def _outputs(self) -> None:
        for output in self.stage.drain():
            if isinstance(output, SendRtcp):
                owner = next((name for name, id in self.stage.sends.items() if id == output.transport), None)
                if owner in self.senders:
                    self.senders[owner].hear(rtcp.read_compound(output.packet))
            elif isinstance(output, Tell) and output.event == "layersWanted":
                self.senders[output.member].wanted = output.data["layers"]
            elif isinstance(output, Tell) and output.member == "berta":
                self.events.append((self.now, output.event))

    def layers(self) -> list[int | None]:
        """What flows to berta of each sender's picture."""
        found: list[int | None] = []
        for sender in self.senders.values():
            stream = self.stage.plane.flowing(self.stage.down("berta", sender.track).number)
            found.append(None if stream is None else self.stage.room.roster.streams[stream].index)
        return found

    def estimate(self) -> int:
        path = self.stage.transport(self.stage.receives["berta"]).path
        assert path is not None
        return path.bps
