"""How often somebody may try, per minute, in this server's memory. Bounded: the longest silent is forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from sync.faults import SyncFault

WINDOW_SECONDS = 60.0
REMEMBERED = 4096  # names; more at once means that each of them tries seldom


class Tries:
    """`limit` tries per window and name. A window begins with a name's first try."""

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def look(self, name: str) -> None:
        """Raise `too_many_tries` if the name has used up its tries."""
        _, tries = self._window(name)
        if tries >= self._limit:
            raise SyncFault("too_many_tries")

    def count(self, name: str) -> None:
        """The same, and this was a try."""
        self.look(name)
        began, tries = self._window(name)
        self._seen[name] = (began, tries + 1)
        self._seen.move_to_end(name)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _window(self, name: str) -> tuple[float, int]:
        now = self._clock().timestamp()
        began, tries = self._seen.get(name, (now, 0))
        return (began, tries) if 0 <= now - began < WINDOW_SECONDS else (now, 0)
