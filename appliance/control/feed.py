"""What changed, in order: the console's feed. It keeps names of things, not things: each reader looks them up with its
own rights, so that a feed never shows more than a look."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

KEPT = 512  # changes kept for a reader that was away; an older reader takes a new snapshot


class Feed:
    """`start` must be above every number of an earlier process (milliseconds since the epoch will do), so that a
    reader from before a restart gets a gap and not somebody else's changes."""

    def __init__(self, start: int) -> None:
        self.sequence = start
        self._kept: deque[tuple[int, str]] = deque(maxlen=KEPT)
        self._news = asyncio.Event()

    def publish(self, what: str) -> None:
        """`what` changed: "box", "health", "sync", "gap" or a session's id."""
        self.sequence += 1
        self._kept.append((self.sequence, what))
        self._news.set()
        self._news = asyncio.Event()

    def after(self, sequence: int) -> Sequence[tuple[int, str]] | None:
        """The changes after `sequence`, oldest first, none left out; None for a gap."""
        oldest = self._kept[0][0] - 1 if self._kept else self.sequence
        if not oldest <= sequence <= self.sequence:
            return None
        return [change for change in self._kept if change[0] > sequence]

    async def news(self, sequence: int, wait_seconds: float) -> None:
        """Return when there is something after `sequence`, or after `wait_seconds`."""
        if self.sequence > sequence:
            return
        try:
            await asyncio.wait_for(self._news.wait(), wait_seconds)
        except TimeoutError:
            return
