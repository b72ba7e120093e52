"""What one sender is told of its packets: transport-wide feedback about all that came, once each FEEDBACK_INTERVAL."""

from __future__ import annotations

from collections.abc import Sequence

from media.bandwidth import limits
from media.bandwidth.twcc import write_feedback
from media.rtcp import write_transport_feedback

_NANOSECONDS_PER_TICK = 250_000


class ArrivalLog:
    """`ssrc` is the relay's own on this path. Numbers are kept extended; a packet that comes after the feedback which
    called it missing is reported once more, with those that followed it.
    """

    __slots__ = ("_came", "_highest", "_next", "_number", "_ssrc")

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self._came: dict[int, int] = {}
        self._highest = 0
        self._next: int | None = None
        self._number = 0

    def add(self, arrivals: Sequence[tuple[int, int]]) -> None:
        """(16-bit number, nanoseconds) as Plane.arrivals gives them. A repeat does not count."""
        for number, now in arrivals:
            ahead = (number - self._highest + 0x8000 & 0xFFFF) - 0x8000
            if self._next is None or abs(ahead) > limits.MAX_FEEDBACK_PACKETS // 2:
                # The first of all, or so far off that the sender has begun anew. One cycle up, as in reports.
                self._came.clear()
                self._highest = self._next = number + 0x10000
                ahead = 0
            extended = self._highest + ahead
            if ahead > 0:
                self._highest = extended
            if extended not in self._came and ahead > -limits.LATE_PACKETS:
                self._came[extended] = now // _NANOSECONDS_PER_TICK
                self._next = min(self._next, extended)
        if len(self._came) > limits.MAX_FEEDBACK_PACKETS:
            self._forget()

    def _forget(self) -> None:
        oldest = self._highest - limits.LATE_PACKETS
        self._came = {number: tick for number, tick in self._came.items() if number > oldest}
        self._next = max(self._next or 0, oldest + 1)

    def feedback(self, media: int) -> list[bytes]:
        """RTCP packets of at most 1,200 bytes about all that is new; empty if nothing is. Due each FEEDBACK_INTERVAL.

        `media` has to be an SSRC that the sender uses: Chromium drops feedback about any other.
        """
        packets: list[bytes] = []
        while self._next is not None and self._next <= self._highest:
            packets.append(self._one(self._next, media))
        if len(self._came) > 2 * limits.LATE_PACKETS:
            self._forget()
        return packets

    def _one(self, first: int, media: int) -> bytes:
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
        return write_transport_feedback(self._ssrc, media, fci)
