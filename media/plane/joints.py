"""Where the timestamps of one stream go on when a receiver is switched to it from another (layers of one picture)."""

from __future__ import annotations

from media.plane.segments import Segment
from media.plane.stream import Stream

_HALF_NTP, _NTP = 1 << 63, (1 << 64) - 1
_HALF, _CYCLE = 0x80000000, 0xFFFFFFFF


def joint(before: Segment, stream: Stream, timestamp: int, guess: int, clock_rate: int) -> int:
    """The distance with which `timestamp`, the first of `stream`, leaves after the segment `before`.

    The sender's reports say what both clocks showed at one instant (RFC 3550 section 6.4.1). They may say anything:
    where they lead more than a second away from `guess`, which follows from when packets came, the guess is taken.
    """
    if before.stream is stream:
        return before.timestamp
    old, new = before.stream.clock, stream.clock
    if old is not None and new is not None:
        apart = (new[0] - old[0] + _HALF_NTP & _NTP) - _HALF_NTP
        distance = before.timestamp + old[1] - new[1] + (apart * clock_rate >> 32)
        if abs((timestamp + distance - guess + _HALF & _CYCLE) - _HALF) <= clock_rate:
            return distance
    return guess - timestamp
