"""When to ask one layer's sender for a key frame: all receivers' wishes merge into one request, throttled, repeated."""

from __future__ import annotations

from media import limits


class KeyFrameAsker:
    """One layer. Times are monotonic seconds; `deadline` is when `due` is True next, None for never."""

    __slots__ = ("_asked_at", "_tries", "deadline")

    def __init__(self) -> None:
        self._asked_at = float("-inf")
        self._tries = 0
        self.deadline: float | None = None

    def want(self, now: float, *, urgent: bool = False) -> None:
        """Somebody needs a key frame: ask at once, or as soon as the throttle allows. Counts the tries anew.

        `urgent`: somebody sees nothing until it comes, because their line cannot carry what they had.
        """
        self._tries = 0
        throttle = limits.KEY_FRAME_URGENT if urgent else limits.KEY_FRAME_THROTTLE
        soonest = max(now, self._asked_at + throttle)
        if self.deadline is None or soonest < self.deadline:
            self.deadline = soonest

    def seen(self) -> None:
        """A key frame began, or nobody waits any more."""
        self.deadline = None

    def due(self, now: float) -> bool:
        """True if a request must be sent at `now`; the next try is then planned until `seen` or the bound."""
        if self.deadline is None or now < self.deadline:
            return False
        self._asked_at = now
        self._tries += 1
        self.deadline = now + limits.KEY_FRAME_REPEAT if self._tries < limits.MAX_KEY_FRAME_ASKS else None
        return True
