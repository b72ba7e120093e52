"""Finding out what a path carries when less is sent than it might: padding for a moment, and a look at what arrives.

    idle ──wanted, quiet, its time has come──▶ sending ──PROBE_TIME──▶ waiting ──feedback, or PROBE_WAIT──▶ idle
                                                  │                                                          ▲
                                                  └──────────────────a queue grows: broken off───────────────┘

What a probe finds is taken (`found`). One that came near its goal is followed by the next soon; after any other the
pause doubles up to MAX_PROBE_PAUSE: each full probe of a full line is a queue of some 100 ms in front of the sound.
"""

from __future__ import annotations

from enum import Enum

from media.bandwidth import limits


class _State(Enum):
    IDLE = "idle"
    SENDING = "sending"
    WAITING = "waiting"


class Probe:
    """`before` is what arrived before the probe, `goal` what it tries; bits per second. Times in seconds."""

    __slots__ = ("_began", "_growth", "_octets", "_pause", "_state", "before", "goal", "next_at")

    def __init__(self, now: float) -> None:
        self.next_at = now
        self.goal = self.before = 0.0
        self._growth = limits.FIRST_PROBE
        self._pause = limits.PROBE_PAUSE
        self._state = _State.IDLE
        self._began = 0.0
        self._octets = 0

    @property
    def running(self) -> bool:
        return self._state is not _State.IDLE

    @property
    def ended_at(self) -> float:
        """When its last packet leaves, or left."""
        return self._began + limits.PROBE_TIME

    def begin(self, bps: float, wanted: float, arrived: float, octets: int, now: float) -> None:
        """Try a step above `bps` that is no further than what is wanted. `octets`: all sent so far."""
        step = max(self._growth * bps, bps + limits.MIN_PROBE_BPS)
        self.goal = min(step, limits.PROBE_BEYOND * wanted, limits.CEILING_BPS)
        self.before = arrived
        self._began, self._octets, self._state = now, octets, _State.SENDING

    def packets(self, octets: int, unreported: float, now: float) -> int:
        """How many to send now so that everything together makes up the goal. `octets`: all sent so far."""
        if self._state is not _State.SENDING:
            return 0
        if now >= self.ended_at:
            self._state = _State.WAITING
            return 0
        due = max(self.goal - unreported, 0.0) / 8 * (now - self._began + limits.PROBE_STEP)
        lacking = due - (octets - self._octets)
        return min(max(int(lacking / limits.PROBE_OCTETS), 0), limits.MAX_PROBE_PACKETS)

    def over(self, now: float) -> bool:
        """Whether nobody needs to wait for its feedback any longer."""
        return self.running and now >= self.ended_at + limits.PROBE_WAIT

    def hurry(self, now: float) -> None:
        """The line has become another: what earlier probes found says nothing of it."""
        self.next_at = min(self.next_at, now)
        self._pause = limits.PROBE_PAUSE
        self._growth = limits.FIRST_PROBE

    def end(self, arrived: float, now: float) -> None:
        """`arrived` came in the time of the probe, at most."""
        self._state = _State.IDLE
        if arrived >= limits.PROBE_REACHED * self.goal:
            self._pause = limits.PROBE_PAUSE
            self._growth = min(self._growth * limits.PROBE_BOLDER, limits.FIRST_PROBE)
            self.next_at = now
        else:
            self.next_at = now + self._pause
            self._pause = min(2 * self._pause, limits.MAX_PROBE_PAUSE)
            self._growth = limits.LATER_PROBE
