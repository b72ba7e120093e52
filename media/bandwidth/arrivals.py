"""What one sender is told of its packets: transport-wide feedback about all that came, once each FEEDBACK_INTERVAL.

media/native/arrivals.c is its twin: whatever changes here changes there.
"""

from __future__ import annotations

from collections.abc import Iterable

from media.bandwidth import limits
from media.bandwidth.twcc import write_feedback
from media.rtcp import write_transport_feedback

_NANOSECONDS_PER_TICK = 250_000
_WINDOW = limits.MAX_FEEDBACK_PACKETS


class Arrivals:
    """Numbers are kept extended; a packet that comes after the feedback which called it missing is reported once more,
    with those that followed it. What is _WINDOW below the highest number is forgotten, told or not: so no feedback is
    ever about more than that, however far a sender's numbers leap.
    """

    __slots__ = ("_came", "_highest", "_next", "_number")

    def __init__(self) -> None:
        self._came: dict[int, int] = {}
        self._highest = 0
        self._next: int | None = None
        self._number = 0

    def add(self, number: int, now: int) -> None:
        """A 16-bit number, and nanoseconds. A repeat does not count."""
        highest = self._highest
        ahead = (number - highest + 0x8000 & 0xFFFF) - 0x8000
        if self._next is None or not -_WINDOW // 2 <= ahead <= _WINDOW // 2:
            # The first of all, or so far off that the sender has begun anew. One cycle up, as in reports.
            self._came.clear()
            self._highest = self._next = highest = number + 0x10000
            ahead = 0
        extended = highest + ahead
        if ahead > 0:
            self._highest = extended
            self._next = max(self._next, extended - _WINDOW + 1)
        if extended not in self._came and ahead > -limits.LATE_PACKETS:
            self._came[extended] = now // _NANOSECONDS_PER_TICK
            self._next = min(self._next, extended)
            if len(self._came) > 2 * _WINDOW:
                self._forget(_WINDOW)

    def _forget(self, kept: int) -> None:
        """What nobody asks for any more."""
        oldest = self._highest - kept
        self._came = {number: tick for number, tick in self._came.items() if number > oldest}

    def feedback(self) -> list[bytes]:
        """FCI of RTCP packets of at most 1,200 bytes about all that is new; empty if nothing is."""
        told: list[bytes] = []
        while self._next is not None and self._next <= self._highest:
            told.append(self._one(self._next))
        if len(self._came) > 2 * limits.LATE_PACKETS:
            self._forget(limits.LATE_PACKETS)
        return told

    def _one(self, first: int) -> bytes:
        arrivals: list[int | None] = []
        said = before = 0
        for extended in range(first, self._highest + 1):
            tick = self._came.get(extended)
            if tick is not None:
                if said == limits.MAX_FEEDBACK_ARRIVALS or (said and not -0x8000 <= tick - before < 0x8000):
                    break
                said, before = said + 1, tick
            arrivals.append(tick)
        self._next = first + len(arrivals)
        fci = write_feedback(first & 0xFFFF, self._number, arrivals)
        self._number = (self._number + 1) & 0xFF
        return fci


class ArrivalLog:
    """The same as whole RTCP packets, as a receiver sends them: for those who play one. `ssrc` is the receiver's."""

    __slots__ = ("_arrivals", "_ssrc")

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self._arrivals = Arrivals()

    def add(self, arrivals: Iterable[tuple[int, int]]) -> None:
        for number, now in arrivals:
            self._arrivals.add(number, now)

    def feedback(self, media: int) -> list[bytes]:
        return [write_transport_feedback(self._ssrc, media, fci) for fci in self._arrivals.feedback()]
