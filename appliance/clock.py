"""The time of day, read in listeners and handed down. It is recorded and shown; it never decides an order.

Until the store is open this is the machine's own clock. From then on the timekeeper (`timekeeping/`) says what time it
is, and time goes on evenly from there: a machine's clock that is set forwards or back under a running box changes
nothing here before the timekeeper has judged it. Kept per process, as the machine's clock is.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

_wall = time.time
_offset: float | None = None  # what `now` is ahead of CLOCK_BOOTTIME; None: follow the machine's clock
_steady: float | None = None  # what `steady_seconds` is ahead of it


def now_text() -> str:
    """Now as RFC 3339 in UTC with whole seconds, as in `2026-01-31T09:30:00Z`."""
    return text(now())


def now_seconds() -> int:
    """Now in whole seconds since the epoch."""
    return int(now())


def now() -> float:
    """Now in seconds since the epoch, as far as the box knows."""
    return _wall() if _offset is None else elapsed() + _offset


def moment() -> datetime:
    """Now, in UTC."""
    return datetime.fromtimestamp(now(), UTC)


def machine() -> float:
    """What the machine's own clock says, right or wrong."""
    return _wall()


def elapsed() -> float:
    """Seconds since the machine started, sleep included; nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def steady_seconds() -> int:
    """Whole seconds of a clock that nobody sets, for the ends of logins: whoever puts a wrong clock right ends nobody's
    login and prolongs none. Only differences mean something; over a restart it goes on where the store left it.
    """
    return int(_wall() if _steady is None else elapsed() + _steady)


def follow(seconds: float, steady: float | None = None) -> None:
    """It is `seconds` since the epoch at this moment, and from here on it goes evenly.

    `steady`: the steady clock's time at this moment; None leaves that clock alone.
    """
    global _offset, _steady
    _offset = seconds - elapsed()
    if steady is not None:
        _steady = steady - elapsed()


def let_go() -> None:
    """Follow the machine's own clock again."""
    global _offset, _steady
    _offset = _steady = None


def text(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(value: str) -> datetime:
    """The moment that `text` wrote. Raises ValueError."""
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
