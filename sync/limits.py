"""What a metered line may carry: bytes per day and hours of the day, by a clock that may be wrong. Pure.

A new day is one of the local clock, but the clock is not believed beyond reason: a budget begins anew at most
RESETS_SAVED times and once more for each RESET_SECONDS of running, however the clock jumps; and after 24 hours of
running it begins anew whatever the clock says. Hours that never come (a clock that stands) count as come after that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

DAY_SECONDS = 86_400.0
RESETS_SAVED = 3.0  # days that may begin with no running between them: a box that was off, a clock that was mended
RESET_SECONDS = 14_400.0  # of running, for each further one
URGENT_DAYS = 2  # budgets that one day may cost at most, urgent ones and what they stand on included
MAX_MEGABYTES = 1_000_000
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """spool/limits.json. `bytes_per_day` counts both ways with all headers; 0: no limit. `hours`: "22:00-06:00"
    local time, "": all. `urgent_always`: urgent records pass both, the budget up to URGENT_DAYS times of it: they pull
    what was sealed before them along, and what is refused is said again."""

    bytes_per_day: int = 0
    hours: str = ""
    urgent_always: bool = True


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """spool/spent.json: what went over the line on `day` (YYYY-MM-DD, local). `resets`: how many new days the clock may
    still begin; `ran`: seconds of running since the last began; `closed`: seconds of running since hours last were."""

    day: str = ""
    bytes: int = 0
    resets: float = RESETS_SAVED
    ran: float = 0.0
    closed: float = 0.0


@dataclass(frozen=True, slots=True)
class Wall:
    """What the local clock shows: `day` YYYY-MM-DD, `minute` of the day."""

    day: str
    minute: int


def usable_hours(text: str) -> bool:
    """ "" or HH:MM-HH:MM with two different times."""
    return text == "" or (_HOURS.fullmatch(text) is not None and text[:5] != text[6:])


def limits_from_json(raw: bytes | None) -> Limits:
    """No limits where there is no file or none that can be read: what was written by an appliance is good."""
    try:
        found = msgspec.json.decode(raw or b"{}", type=Limits)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Limits()
    good = usable_hours(found.hours) and 0 <= found.bytes_per_day <= MAX_MEGABYTES * 1_000_000
    return found if good else Limits()


def spent_from_json(raw: bytes | None) -> Spent:
    """An empty one when there is none or it cannot be read."""
    try:
        found = msgspec.json.decode(raw or b"{}", type=Spent)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Spent()
    sound = found.bytes >= 0 and 0 <= found.resets <= RESETS_SAVED and found.ran >= 0 and found.closed >= 0
    return found if sound else Spent()


def in_hours(limits: Limits, minute: int) -> bool:
    """Whether the clock is inside the hours; they may span midnight."""
    if not limits.hours:
        return True
    start, end = _minutes(limits.hours)
    return start <= minute < end if start < end else minute >= start or minute < end


def run_on(spent: Spent, limits: Limits, wall: Wall, seconds: float) -> Spent:
    """`seconds` of running later, with the wall clock as it is then: perhaps a new day."""
    resets = min(RESETS_SAVED, spent.resets + seconds / RESET_SECONDS)
    closed = 0.0 if in_hours(limits, wall.minute) else spent.closed + seconds
    if closed >= DAY_SECONDS + _length(limits):
        closed = 0.0
    then = msgspec.structs.replace(spent, resets=resets, ran=spent.ran + seconds, closed=closed)
    if not spent.day:
        return msgspec.structs.replace(then, day=wall.day)
    forward = wall.day > spent.day and resets >= 1.0
    if not forward and then.ran < DAY_SECONDS:
        return then
    left = resets - 1.0 if wall.day > spent.day else resets
    return msgspec.structs.replace(then, day=wall.day, bytes=0, ran=0.0, resets=max(0.0, left))


def spend(spent: Spent, count: int) -> Spent:
    """`count` more bytes on the line, either way."""
    return msgspec.structs.replace(spent, bytes=spent.bytes + max(0, count))


def budget_left(limits: Limits, spent: Spent) -> int | None:
    """Bytes that may still go today; None without a budget."""
    return None if not limits.bytes_per_day else max(0, limits.bytes_per_day - spent.bytes)


def held(limits: Limits, spent: Spent, wall: Wall, size: int, *, urgent: bool) -> Literal["", "hours", "budget"]:
    """Why something of `size` bytes must wait, "" when it may go now."""
    if urgent and limits.urgent_always:
        return "budget" if limits.bytes_per_day and spent.bytes + size > URGENT_DAYS * limits.bytes_per_day else ""
    if not in_hours(limits, wall.minute) and spent.closed < DAY_SECONDS:
        return "hours"
    left = budget_left(limits, spent)
    return "budget" if left is not None and size > left else ""


def minutes_until_hours(limits: Limits, minute: int) -> int:
    """Minutes until the hours begin, by the clock."""
    return (_minutes(limits.hours)[0] - minute) % 1440 if limits.hours else 0


def _minutes(hours: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(hours)
    if found is None:
        return 0, 1440
    a, b, c, d = (int(part) for part in found.groups())
    return a * 60 + b, c * 60 + d


def _length(limits: Limits) -> float:
    """Seconds that the hours last."""
    start, end = _minutes(limits.hours)
    return ((end - start) % 1440 or 1440) * 60.0
