"""What headquarters says of the time, as the courier passes it on, and what its signed receipts prove.

The courier's word is bound to this start of the machine and moved by nobody who sets a clock: it counts from the
machine's start (CLOCK_BOOTTIME). Its file lies on a disk, so what stands there when this process begins may be of a
start before; only what changes from then on is listened to. It comes with each call, every quarter of an hour or less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.timekeeping.rules import HQ_FRESH
from sync.spool import CourierStatus, Spool


@dataclass(frozen=True, slots=True)
class Heard:
    """`ahead`: headquarters' time less the machine's run time, heard when that was `at`; 0: not heard. `signed`: when
    the newest receipt was signed that came since this start, Unix seconds, 0 for none."""

    ahead: float = 0.0
    at: float = 0.0
    signed: float = 0.0

    def now(self, elapsed: float) -> float | None:
        """What time it is at headquarters, if that was heard lately."""
        return self.ahead + elapsed if self.ahead and 0 <= elapsed - self.at <= HQ_FRESH else None


class Listening:
    """From the start of the process. Blocks for one small file where it has changed."""

    def __init__(self, spool: Path) -> None:
        self._spool = Spool(spool)
        self._file = spool / "courier.json"
        self._stamp, self._last = 0, CourierStatus()
        self._first = self._told()
        self._heard = Heard()
        self.signed: Callable[[], float] = lambda: 0.0  # told by who takes receipts

    def __call__(self) -> Heard:
        told = self._told()
        if told.hq_ahead and (told.hq_heard, told.hq_ahead) != (self._first.hq_heard, self._first.hq_ahead):
            self._heard = Heard(told.hq_ahead, told.hq_heard)
        return Heard(self._heard.ahead, self._heard.at, self.signed())

    def _told(self) -> CourierStatus:
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp == self._stamp:
                return self._last
            self._stamp, self._last = stamp, self._spool.status()
        except OSError:
            self._stamp, self._last = 0, CourierStatus()
        return self._last
