"""How much arrives, and how much may be sent by what delay says (draft-ietf-rmcat-gcc-02 section 5.5).

    signal   was rising      was holding     was falling
    over     falls           falls           falls
    normal   rises           rises           holds
    under    holds           holds           holds

Rising: 8 % a second, or half a packet a round trip near the rate at which the queue grew last, and never further than
half above what arrives. Falling: to 0.85 of what arrives.
"""

from __future__ import annotations

from collections import deque

from media.bandwidth import limits
from media.bandwidth.delay import Signal


class Arrived:
    """Bits per second that a receiver says came, by its own clock in milliseconds. One entry for each feedback."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: deque[tuple[float, float, int]] = deque(maxlen=limits.MAX_ARRIVED)

    def add(self, first: float, last: float, octets: int) -> None:
        """What one feedback says came between `first` and `last`."""
        if self._entries and last <= self._entries[-1][1]:
            first, last, before = self._entries.pop()
            octets += before
        self._entries.append((first, last, octets))

    def bps(self, window: float = limits.ARRIVED_WINDOW) -> float | None:
        """Over the last `window` milliseconds or a little more; None before that says anything.

        What one feedback says came since the last packet of the one before, unless that was long ago.
        """
        if not self._entries:
            return None
        newest, octets, began = self._entries[-1][1], 0, self._entries[-1][1]
        for first, last, size in reversed(self._entries):
            if began - last > limits.MIN_ARRIVED:
                break
            if newest - last >= window:
                began = last
                break
            began = first
            octets += size
        return octets * 8000 / (newest - began) if newest - began >= limits.MIN_ARRIVED else None


class RateControl:
    """`bps` is what delay alone would allow. `fell_at`: when it fell last, in seconds."""

    __slots__ = ("_at", "_deviation", "_full", "_holds", "bps", "fell_at")

    def __init__(self, now: float) -> None:
        self.bps = limits.START_BPS
        self.fell_at = float("-inf")
        self._at = now
        self._holds = False
        # Rate at which the queue grew lately, and how far such rates lie apart; 0 for not known.
        self._full = self._deviation = 0.0

    def feed(self, signal: Signal, arrived: float | None, rtt: float, now: float) -> None:
        """One feedback's signal. `arrived` is what comes at the receiver, in bits per second."""
        elapsed, self._at = min(now - self._at, 1.0), now
        if arrived is None:
            return
        if signal is Signal.OVER:
            if now - self.fell_at >= rtt + limits.RESPONSE:
                self._learn(arrived)
                self.fall(limits.FALL * arrived, now)
        elif signal is Signal.UNDER or self._holds:
            self._holds = signal is Signal.UNDER
        else:
            self._rise(arrived, rtt, elapsed)

    def fall(self, bps: float, now: float) -> None:
        self.settle(min(self.bps, bps), now)

    def settle(self, bps: float, now: float) -> None:
        """The queue began to grow: this is what the path carries, be it more or less than was thought."""
        self.bps = max(bps, limits.FLOOR_BPS)
        self.fell_at = now
        self._holds = True

    def lift(self, bps: float) -> None:
        """A measurement has shown that this much arrives."""
        self.bps = max(self.bps, min(bps, limits.CEILING_BPS))

    def _rise(self, arrived: float, rtt: float, elapsed: float) -> None:
        if self._full and arrived > self._full + limits.DEVIATIONS * self._deviation:
            self._full = 0.0
        if self._full and self.bps > self._full - limits.DEVIATIONS * self._deviation:
            risen = self.bps + limits.HALF_A_PACKET / (rtt + limits.RESPONSE) * elapsed
        else:
            risen = self.bps * (1 + limits.RISE * elapsed)
        self.lift(min(risen, limits.HEADROOM * arrived + limits.HEADROOM_BPS))

    def _learn(self, arrived: float) -> None:
        if not self._full:
            self._full, self._deviation = arrived, limits.FIRST_DEVIATION * arrived
        else:
            off = arrived - self._full
            self._full += 0.2 * off
            self._deviation += 0.2 * (abs(off) - self._deviation)
        self._deviation = min(max(self._deviation, 0.02 * arrived), 0.1 * arrived)
