"""SSRCs of one transport that nobody announced: libsrtp keeps memory for each that it has opened, for good.

What is new is opened while there are few of them; then one at a time, after a pause.
"""

from __future__ import annotations


class Strangers:
    """At most `most` are remembered, the newest of them. `pause` and times are seconds."""

    __slots__ = ("_at", "_most", "_noted", "_pause")

    def __init__(self, most: int, pause: float) -> None:
        self._most, self._pause = most, pause
        self._noted: dict[int, None] = {}
        self._at = 0.0

    def may_open(self, ssrc: int, now: float) -> bool:
        return ssrc in self._noted or len(self._noted) < self._most or now - self._at >= self._pause

    def opened(self, ssrc: int, now: float) -> None:
        """A packet of it was authentic."""
        if ssrc in self._noted:
            return
        if len(self._noted) >= self._most:
            del self._noted[next(iter(self._noted))]
        self._noted[ssrc] = None
        self._at = now

    def announced(self, ssrc: int) -> None:
        """It is a stream's, and no stranger's."""
        self._noted.pop(ssrc, None)
