"""Numbers that wrap, extended (RFC 3550 appendix A.1), and the memory of which ones of a stream have come."""

from __future__ import annotations

from array import array

from media import limits

_HALF = 0x8000
_MASK = limits.SEEN_WINDOW - 1


def extend(highest: int, sequence: int) -> int:
    """The extended number closest to `highest` whose low 16 bits are `sequence`; ties go forward, as in libsrtp."""
    return highest + ((sequence - highest + _HALF - 1) & 0xFFFF) - _HALF + 1


class Reception:
    """What has come of one stream: the counts of `interface.Received`, and a window of the newest SEEN_WINDOW numbers.

    A number that came before, or is older than the window, is refused: two packets must never leave under one number.
    """

    __slots__ = ("_clock_rate", "_seen", "_transit", "first", "highest", "jitter", "octets", "packets")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._transit: float | None = None
        # Slot n % SEEN_WINDOW holds the newest number that fell into it. None is 0: they begin one cycle up.
        self._seen = array("q", bytes(8 * limits.SEEN_WINDOW))
        self.packets = self.octets = self.first = self.highest = 0
        self.jitter = 0.0

    def take(self, sequence: int, octets: int) -> int:
        """Count one packet and return its extended number; 0 if it was seen before or is too old, and not counted."""
        if not self.packets:
            # One cycle up, so that a packet that was overtaken by the first one has a number too.
            number = self.first = self.highest = sequence + 0x10000
        else:
            highest = self.highest
            number = highest + ((sequence - highest + _HALF - 1) & 0xFFFF) - _HALF + 1
            if number > highest:
                self.highest = number
            elif highest - number > _MASK or self._seen[number & _MASK] == number:
                return 0
        self._seen[number & _MASK] = number
        self.packets += 1
        self.octets += octets
        return number

    def arrive(self, timestamp: int, now: int) -> None:
        """Interarrival jitter of a packet that came by itself, not by a repair (RFC 3550 A.8)."""
        transit = now * self._clock_rate / 1e9 - timestamp
        if self._transit is not None:
            # The timestamp wraps, so the difference is taken modulo 2**32.
            difference = abs((transit - self._transit + 0x80000000) % 0x100000000 - 0x80000000)
            self.jitter += (difference - self.jitter) / 16
        self._transit = transit
