"""What was sent to one receiver, until its feedback says what became of it. Arrays by slot: no object for a packet."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from media.bandwidth import limits
from media.bandwidth.twcc import Feedback

_SLOTS = limits.SENT_KEPT
_DONE = -1


class Outcome(NamedTuple):
    """What one feedback is news of. `sent` and `came` are milliseconds of the sender's and the receiver's clock, in
    step; `octets` came; `lost` is less than zero when packets came that had been called missing."""

    sent: list[float]
    came: list[float]
    octets: int
    lost: int


class Departures:
    """`octets` is of all that was ever sent, `last` (milliseconds) when that was."""

    __slots__ = ("_numbers", "_reference", "_sizes", "_times", "last", "octets")

    def __init__(self) -> None:
        self.octets = 0
        self.last = 0.0
        self._numbers = array("i", [_DONE]) * _SLOTS
        # Octets; less than zero once a feedback has called the packet missing.
        self._sizes = array("i", [0]) * _SLOTS
        self._times = array("d", [0.0]) * _SLOTS
        self._reference: int | None = None

    def add(self, packets: Sequence[tuple[int, int, int]]) -> None:
        """(transport-wide number, octets, nanoseconds)."""
        for number, size, time in packets:
            slot = number % _SLOTS
            self._numbers[slot] = number
            self._sizes[slot] = size
            self._times[slot] = time / 1e6
            self.octets += size
        if packets:
            self.last = packets[-1][2] / 1e6

    def match(self, feedback: Feedback) -> Outcome:
        """What is new in it. A packet counts as come once, and as lost until it came."""
        numbers, sizes, times = self._numbers, self._sizes, self._times
        sent: list[float] = []
        came: list[float] = []
        octets = lost = 0
        began = self._unwrap(feedback.reference) * 0.25
        number = feedback.base
        for tick in feedback.arrivals:
            slot = number % _SLOTS
            if numbers[slot] == number:
                size = sizes[slot]
                if tick is None:
                    if size > 0:
                        lost += 1
                        sizes[slot] = -size
                else:
                    if size < 0:
                        lost -= 1
                        size = -size
                    octets += size
                    sent.append(times[slot])
                    came.append(began + tick * 0.25)
                    numbers[slot] = _DONE
            number = number + 1 & 0xFFFF
        return Outcome(sent, came, octets, lost)

    def _unwrap(self, reference: int) -> int:
        """The reference time without its turn every 12.4 days (24 bits of 64 ms)."""
        before = reference if self._reference is None else self._reference
        self._reference = before + ((reference - before + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        return self._reference
