"""Date and time as staff type them, and what the box is told. Pure: what time it is now is an argument."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_DATE = re.compile(r"\s*(\d{4})\s*[-./ ]\s*(\d{1,2})\s*[-./ ]\s*(\d{1,2})\s*")
_TIME = re.compile(r"\s*(\d{1,2})\s*[:.h ]\s*(\d{2})(?:\s*[:. ]\s*(\d{2}))?\s*([aApP])?\.?\s*[mM]?\.?\s*")
HALF = 30  # seconds: typed without seconds, a time is taken for the middle of its minute and so at most this far off


def date_text(now: datetime) -> str:
    return now.strftime("%Y-%m-%d")


def time_text(now: datetime) -> str:
    return now.strftime("%H:%M")


def offset_text(now: datetime) -> str:
    """How far the machine's zone is from UTC, as in "UTC+01:00"."""
    return "UTC" + now.strftime("%z")[:3] + ":" + now.strftime("%z")[3:5]


def read(date: str, time: str, now: datetime) -> datetime | None:
    """The moment that was typed, in the zone of `now`; None for what is no date or no time.

    In the present minute nothing was said against the present second. Codes of an authenticator are 30 seconds long and
    the neighbours of the present one count, so half a minute off is near enough.
    """
    day, hour = _DATE.fullmatch(date), _TIME.fullmatch(time)
    if day is None or hour is None:
        return None
    try:
        found = now.replace(
            year=int(day[1]),
            month=int(day[2]),
            day=int(day[3]),
            hour=_hours(int(hour[1]), hour[4]),
            minute=int(hour[2]),
            second=int(hour[3] or 0),
            microsecond=0,
        )
    except ValueError:
        return None
    if hour[3]:
        return found
    return now if found == now.replace(second=0, microsecond=0) else found + timedelta(seconds=HALF)


def _hours(hours: int, half: str | None) -> int:
    """0 to 23; raises ValueError for 13 pm."""
    if half is None:
        return hours
    if not 1 <= hours <= 12:
        raise ValueError("hours of a half day")
    return hours % 12 + (12 if half in "pP" else 0)
