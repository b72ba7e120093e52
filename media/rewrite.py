"""Sequence number and timestamp mapping from an up track to one down track.

A receiver must see numbers without a gap where we chose not to send, and must never see one number used for two
packets: with AEAD SRTP that would be the same nonce for two plaintexts (RFC 7714 section 9). So the map is a list of
segments, each a fixed distance between incoming and outgoing numbers; a new segment begins after the highest number
ever sent, and a packet from before the current segment is not forwarded at all.

Sequence numbers are *extended* here (RFC 3550 appendix A.1): they count on past 65,535.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from media import limits

_HALF = 0x8000


def extend(highest: int, sequence: int) -> int:
    """The extended number closest to `highest` whose low 16 bits are `sequence`; ties go forward, as in libsrtp."""
    return highest + ((sequence - highest + _HALF - 1) & 0xFFFF) - _HALF + 1


@dataclass(slots=True)
class Segment:
    """Incoming numbers from `start` on leave as `start + distance` on. `end` is the last incoming one, once closed."""

    start: int
    distance: int
    end: int | None = None


class SequenceMap:
    """One down track's numbers. `first` is the 16-bit number the receiver sees first."""

    __slots__ = ("_current", "_highest_out", "_past")

    def __init__(self, first: int) -> None:
        # One cycle up, so that a late packet never has a negative number.
        self._highest_out = first + 0xFFFF
        self._current: Segment | None = None
        self._past: deque[Segment] = deque(maxlen=limits.MAX_SEGMENTS)

    def begin(self, sequence: int) -> None:
        """Open a segment at incoming extended number `sequence`, which leaves as the next number without a gap."""
        self.hold()
        self._current = Segment(sequence, self._highest_out + 1 - sequence)

    def hold(self) -> None:
        """Close the segment: nothing is forwarded until `begin`."""
        if self._current is not None:
            self._current.end = self._highest_out - self._current.distance
            if self._current.end >= self._current.start:
                self._past.append(self._current)
            self._current = None

    def forward(self, sequence: int) -> int | None:
        """The outgoing extended number, or None while held or for a packet from before this segment."""
        segment = self._current
        if segment is None or sequence < segment.start:
            return None
        out = sequence + segment.distance
        if out > self._highest_out:
            self._highest_out = out
        return out

    def back(self, out: int) -> tuple[int, int] | None:
        """(incoming, outgoing) extended numbers for a 16-bit number the receiver names, or None if we never sent it."""
        number = extend(self._highest_out, out)
        if number > self._highest_out:
            return None
        segments = [*self._past, self._current] if self._current is not None else list(self._past)
        for segment in segments:
            sequence = number - segment.distance
            if segment.start <= sequence and (segment.end is None or sequence <= segment.end):
                return sequence, number
        return None


class TimestampMap:
    """RTP timestamps keep the sender's pace through a hold, so that lip sync holds; only the origin is ours."""

    __slots__ = ("_distance",)

    def __init__(self, distance: int) -> None:
        self._distance = distance

    def forward(self, timestamp: int) -> int:
        return (timestamp + self._distance) & 0xFFFFFFFF
