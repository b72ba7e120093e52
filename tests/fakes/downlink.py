"""One receiver behind a bad line, in virtual time: estimate, layers and probes on this side, a browser on the other."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from media import rtcp
from media.bandwidth import limits
from media.bandwidth.arrivals import ArrivalLog
from media.bandwidth.departures import Departures
from media.bandwidth.estimate import PathEstimate
from media.bandwidth.twcc import read_feedback
from media.room.layers import Allocation, Wish, sound_reserve
from tests.fakes.emulator import Emulator

STEP = 0.005
TICK = 0.04
_FRAME = 1 / 30
_VOICE_OCTETS = 92


@dataclass(slots=True)
class Downlink:
    """`pictures` senders of `layers` and `voices` voices towards one browser, which sends feedback over `back`.

    What travels is a transport-wide number, or for sound the time it was sent. `history` has (time, estimate, bits per
    second given to pictures) of each tick, `given` the layers, `sound_delays` those of all voices in seconds.
    """

    line: Emulator[int | float]
    pictures: int = 6
    voices: int = 3
    layers: tuple[int, ...] = limits.LAYER_BPS
    wanted: int = 2
    feedback_interval: float = 0.1
    now: float = 1000.0
    history: list[tuple[float, int, int]] = field(default_factory=list)
    given: list[dict[int, int | None]] = field(default_factory=list)
    sound_delays: list[float] = field(default_factory=list)
    sound_sent: int = 0
    answering: bool = True
    estimate: PathEstimate = field(init=False)
    allocation: Allocation = field(default_factory=Allocation)
    back: Emulator[bytes] = field(init=False)
    probes: int = 0
    _log: ArrivalLog = field(default_factory=lambda: ArrivalLog(1))
    _departures: Departures = field(default_factory=Departures)
    _number: int = 0
    _due: dict[int, float] = field(default_factory=dict)
    _voices_at: dict[int, float] = field(default_factory=dict)
    _tick_at: float = 0.0
    _feedback_at: float = 0.0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.estimate = PathEstimate(self.now)
        self.estimate.unreported = sound_reserve(self.voices)
        self.back = Emulator(self.line.seed + 1)
        self._chance = random.Random(self.line.seed)  # noqa: S311  seeded on purpose

    @property
    def wishes(self) -> list[Wish]:
        return [Wish(down, self.layers, self.wanted, down) for down in range(self.pictures)]

    @property
    def best(self) -> int:
        """What everything at its best would take."""
        return sound_reserve(self.voices) + self.pictures * (self.layers[self.wanted] if self.layers else 0)

    def run(self, seconds: float) -> Downlink:
        until = self.now + seconds
        while self.now < until:
            self.now += STEP
            self._receive()
            self._speak()
            self._show()
            if self.now >= self._tick_at or self.estimate.probing:
                self._tick()
        return self

    def _send(self, size: int) -> None:
        self._departures.add(self._number, size, int(self.now * 1e9))
        self.estimate.departed(self._departures.departed())
        self.line.send(self._number, size, self.now)
        self._number = self._number + 1 & 0xFFFF

    def _speak(self) -> None:
        for voice in range(self.voices):
            if self.now >= self._voices_at.get(voice, 0.0):
                self._voices_at[voice] = self.now + 0.02
                self.sound_sent += 1
                self.line.send(self.now, _VOICE_OCTETS, self.now)

    def _show(self) -> None:
        for down, layer in self.allocation.given.items():
            if layer is None or self.now < self._due.get(down, 0.0):
                continue
            self._due[down] = max(self._due.get(down, 0.0) + _FRAME, self.now)
            octets = int(self.layers[layer] / 8 * _FRAME * self._chance.uniform(0.7, 1.3))
            while octets > 0:
                self._send(min(octets, 1100) + 24)
                octets -= 1100

    def _tick(self) -> None:
        if self.now >= self._tick_at:
            self._tick_at = self.now + TICK
            budget = self.estimate.bps - sound_reserve(self.voices)
            given = self.allocation.decide(budget, self.wishes, self.now)
            self.given.append(dict(given))
            used = sum(self.layers[layer] for layer in given.values() if layer is not None)
            self.history.append((self.now, self.estimate.bps, used))
        for _ in range(self.estimate.probe(self.now, self.best)):
            self.probes += 1
            self._send(limits.PROBE_OCTETS)

    def _receive(self) -> None:
        for at, number in self.line.arrived(self.now):
            if isinstance(number, float):
                self.sound_delays.append(at - number)
            else:
                self._log.add([(number, int(at * 1e9) + 77_777_777_777)])
        if self.now >= self._feedback_at and self.answering:
            self._feedback_at = self.now + self.feedback_interval
            for datagram in self._log.feedback(7):
                self.back.send(datagram, len(datagram), self.now)
        for _, datagram in self.back.arrived(self.now):
            for packet in rtcp.read_compound(datagram):
                if isinstance(packet, rtcp.TransportFeedback):
                    self.estimate.feedback(self._departures.match(read_feedback(packet.fci)), self.now)
