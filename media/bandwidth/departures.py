"""What was sent to one receiver, until its feedback says what became of it. Arrays by slot: no object for a packet.

media/native/departures.c is its twin: whatever changes here changes there.
"""

from __future__ import annotations

from array import array

from media.bandwidth import limits
from media.bandwidth.groups import Groups
from media.bandwidth.twcc import Feedback
from media.plane.interface import NOTHING_NEW, Departed, Outcome

_SLOTS = limits.SENT_KEPT
_DONE = -1


class Departures:
    """Of one transport, in the order they left."""

    __slots__ = ("_first", "_groups", "_last", "_last_sent", "_numbers", "_octets", "_reference", "_sizes", "_times")

    def __init__(self) -> None:
        self._octets = 0
        # Of those that nobody has looked at yet, in nanoseconds.
        self._first: int | None = None
        self._last = 0
        self._numbers = array("i", [_DONE]) * _SLOTS
        # Octets; less than zero once a feedback has called the packet missing.
        self._sizes = array("i", [0]) * _SLOTS
        self._times = array("d", [0.0]) * _SLOTS
        self._reference: int | None = None
        self._groups = Groups()
        # Of the last one that came: when it left.
        self._last_sent = 0.0

    def add(self, number: int, size: int, now: int) -> None:
        """A packet with this transport-wide number has left; octets and nanoseconds."""
        slot = number % _SLOTS
        self._numbers[slot] = number
        self._sizes[slot] = size
        self._times[slot] = now / 1e6
        self._octets += size
        self._last = now
        if self._first is None:
            self._first = now

    def departed(self) -> Departed | None:
        first, self._first = self._first, None
        return None if first is None else Departed(self._octets, first, self._last)

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
        return self._outcome(sent, came, octets, lost)

    def _outcome(self, sent: list[float], came: list[float], octets: int, lost: int) -> Outcome:
        if not sent:
            return NOTHING_NEW._replace(lost=lost)
        anew = sent[0] - self._last_sent > limits.LONG_PAUSE
        if anew:
            self._groups = Groups()
        self._last_sent = sent[-1]
        variations = self._groups.feed(sent, came)
        return Outcome(len(sent), octets, lost, sent[-1], min(came), max(came), anew, variations)

    def _unwrap(self, reference: int) -> int:
        """The reference time without its turn every 12.4 days (24 bits of 64 ms)."""
        before = reference if self._reference is None else self._reference
        self._reference = before + ((reference - before + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        return self._reference
