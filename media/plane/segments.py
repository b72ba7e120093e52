"""How the numbers of one or more streams become those of one down.

A receiver must see numbers without a gap where we chose not to send, and must never see one number used for two
packets: with AEAD SRTP that would be the same nonce for two plaintexts (RFC 7714 section 9). So the map is a list of
segments, each a fixed distance between incoming and outgoing numbers of one stream; a new segment begins after the
highest number ever sent, and a packet from before the current segment is not forwarded at all.

Timestamps, picture ids and TL0PICIDX have a distance in each segment too, so that a packet always leaves the same.
"""

from __future__ import annotations

from collections import deque

from media import limits
from media.plane.numbers import extend
from media.plane.stream import Stream


class Segment:
    """Incoming numbers of `stream` from `start` on leave as `start + sequence` on. `end` is the last one, once closed.

    `spurt` is the number of the packet that leaves with the marker set although it came without, -1 for none.
    """

    __slots__ = ("end", "layer0", "picture", "sequence", "spurt", "start", "stream", "timestamp")

    def __init__(self, stream: Stream, start: int, sequence: int, spurt: int) -> None:
        self.stream = stream
        self.start = start
        self.end = -1
        self.sequence = sequence
        self.spurt = spurt
        self.timestamp = self.picture = self.layer0 = 0


class Segments:
    """One down's numbers, extended. `first` is the 16-bit number that the receiver sees first."""

    __slots__ = ("_past", "current", "highest", "last")

    def __init__(self, first: int) -> None:
        # One cycle up, so that a late packet never has a negative number.
        self.highest = first + 0xFFFF
        self.current: Segment | None = None
        # The one before the next: the current one, or the one that was closed last.
        self.last: Segment | None = None
        self._past: deque[Segment] = deque(maxlen=limits.MAX_SEGMENTS)

    def begin(self, stream: Stream, start: int, *, spurt: bool) -> Segment:
        """Open a segment at incoming number `start`, which leaves as the next number without a gap."""
        self.close()
        segment = Segment(stream, start, self.highest + 1 - start, start if spurt else -1)
        self.current = self.last = segment
        return segment

    def go_on(self, start: int) -> None:
        """What is below `start` and has not come will not be sent: a segment like the current one begins there."""
        before = self.current
        if before is not None:
            segment = self.begin(before.stream, start, spurt=False)
            segment.timestamp, segment.picture, segment.layer0 = before.timestamp, before.picture, before.layer0

    def close(self) -> None:
        """Nothing is sent until `begin`."""
        segment = self.current
        if segment is not None:
            segment.end = self.highest - segment.sequence
            if segment.end >= segment.start:
                self._past.append(segment)
            self.current = None

    def back(self, out: int) -> tuple[Segment, int, int] | None:
        """(segment, incoming, outgoing number) of a 16-bit number the receiver names; None if we never sent it."""
        number = extend(self.highest, out)
        if number > self.highest:
            return None
        for segment in self._past:
            incoming = number - segment.sequence
            if segment.start <= incoming <= segment.end:
                return segment, incoming, number
        current = self.current
        if current is not None and current.start <= number - current.sequence:
            return current, number - current.sequence, number
        return None
