"""Limits and what was spent, kept in the spool: limits.json (the appliance's), spent.json (ours, over a restart)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from sync import limits
from sync.limits import Limits, Wall
from sync.spool import read_bounded, write_whole

LOOK_SECONDS = 5.0  # between two looks at limits.json
KEPT_SECONDS = 600.0  # of running that a power cut may forget
KEPT_SHARE = 50  # a fiftieth of the budget is what a power cut may forget
MAX_FILE = 4096


def local_wall() -> Wall:
    """The machine's local time: hours and days are people's."""
    at = datetime.now().astimezone()
    return Wall(at.strftime("%Y-%m-%d"), at.hour * 60 + at.minute)


class Purse:
    """Counts what goes over the line and says what must wait. Blocking file access, small and seldom."""

    def __init__(
        self, root: Path, now: Callable[[], float] = time.monotonic, wall: Callable[[], Wall] = local_wall
    ) -> None:
        self._root = root
        self._now = now
        self._wall = wall
        self._at = now()
        self._looked = float("-inf")
        self._limits = Limits()
        self._spent = limits.spent_from_json(self._read("spent.json"))
        self._kept, self._kept_at = self._spent, now()

    def turn(self) -> None:
        """Let time pass: look at the limits, begin a day, keep what was spent."""
        now = self._now()
        if now - self._looked >= LOOK_SECONDS:
            self._limits, self._looked = limits.limits_from_json(self._read("limits.json")), now
        self._spent = limits.run_on(self._spent, self._limits, self._wall(), max(0.0, now - self._at))
        self._at = now
        self._keep()

    def spend(self, count: int) -> None:
        """`count` bytes went over the line."""
        self._spent = limits.spend(self._spent, count)

    def held(self, size: int, *, urgent: bool) -> Literal["", "hours", "budget"]:
        return limits.held(self._limits, self._spent, self._wall(), size, urgent=urgent)

    @property
    def metered(self) -> bool:
        return self._limits.bytes_per_day > 0

    @property
    def bytes_today(self) -> int:
        return self._spent.bytes

    @property
    def left(self) -> int:
        """Bytes left today, -1 without a budget."""
        found = limits.budget_left(self._limits, self._spent)
        return -1 if found is None else found

    def waits_seconds(self, why: str) -> float:
        """Seconds until hours or a new day begin, by the clock as it is."""
        minute = self._wall().minute
        return 60.0 * (limits.minutes_until_hours(self._limits, minute) if why == "hours" else 1440 - minute)

    def _keep(self) -> None:
        """Without a budget only a new day is kept: the figure is then for people alone."""
        now, kept, have = self._now(), self._kept, self._spent
        new = have.day != kept.day
        much = self.metered and have.bytes - kept.bytes >= self._limits.bytes_per_day // KEPT_SHARE
        if new or much or (have.bytes != kept.bytes and now - self._kept_at >= KEPT_SECONDS) or self._closed_long(now):
            with suppress(OSError):
                write_whole(self._root / "spent.json", msgspec.json.encode(have), durable=self.metered)
            self._kept, self._kept_at = have, now

    def _closed_long(self, now: float) -> bool:
        return (self._limits.hours != "" or self.metered) and now - self._kept_at >= KEPT_SECONDS

    def _read(self, name: str) -> bytes | None:
        try:
            return read_bounded(self._root / name, MAX_FILE)
        except OSError:
            return None
