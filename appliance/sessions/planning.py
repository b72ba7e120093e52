"""What a plan of a session may say: its title, when it is, who. Pure.

Times are typed as the clock on the wall shows them, and kept in UTC. The same wall time each week stays the same
through a change of the clocks; a time that the clocks jump over does not exist, one that comes twice means its first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from appliance.faults import Fault
from appliance.sessions.rules import MAX_MEMBERS

MAX_TITLE = 120  # characters, as of a care group
MAX_TIMES = 26  # sessions planned at once: half a year of weeks
PAST_SECONDS = 3600  # planned for an hour ago at the earliest: what is going on already may be written down
FAR_DAYS = 731  # two years ahead; beyond it somebody mistyped the year

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")

# Why a plan is refused: what each means stands in templates/_planning.html.
Unfit = Literal[
    "title", "when", "gap", "past", "far", "times", "leader", "leader_name", "person", "group", "crowd", "blocked"
]

Leader = tuple[str, str]  # a person, and the name that the group sees


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be. `starts`: RFC 3339 in UTC, one for each session; `group`: a care group's id, "" for a new one."""

    title: str
    starts: Sequence[str]
    group: str
    leaders: Sequence[Leader]
    people: Sequence[str]


def unfit(why: Unfit) -> Fault:
    """Fault("bad_request") whose detail says what has to be put right."""
    return Fault("bad_request", why)


def title(text: str) -> str:
    """The title as it is kept: one line. Unfit: title."""
    cleaned = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not 1 <= len(cleaned) <= MAX_TITLE:
        raise unfit("title")
    return cleaned


def starts(day: str, at: str, times: int, now: datetime, zone: tzinfo | None) -> list[str]:
    """When that many weekly sessions start. `zone`: of the clock on the wall; None is the machine's.

    `now` in UTC. Unfit: when, gap (in any week), past, far, times.
    """
    if not 1 <= times <= MAX_TIMES:
        raise unfit("times")
    first = _wall(day, at)
    found = [_utc(first + timedelta(weeks=week), zone) for week in range(times)]
    if found[0] < now - timedelta(seconds=PAST_SECONDS):
        raise unfit("past")
    if found[-1] > now + timedelta(days=FAR_DAYS):
        raise unfit("far")
    return [one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in found]


def wall(at: datetime, zone: tzinfo | None) -> tuple[str, str]:
    """Day and time as a form's fields hold them, of a moment in UTC."""
    local = at.astimezone(zone)
    return local.strftime("%Y-%m-%d"), local.strftime("%H:%M")


def crowd(plan: Plan) -> None:
    """Unfit: leader (nobody leads), crowd (more than a room holds), person (somebody twice)."""
    everybody = [person for person, _ in plan.leaders] + list(plan.people)
    if not plan.leaders:
        raise unfit("leader")
    if len(everybody) > MAX_MEMBERS:
        raise unfit("crowd")
    if len(set(everybody)) < len(everybody):
        raise unfit("person")


def _wall(day: str, at: str) -> datetime:
    if not (_DAY.fullmatch(day) and _TIME.fullmatch(at)):  # what a browser sends; Python would read more
        raise unfit("when")
    try:
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(at).replace(second=0, tzinfo=None))
    except ValueError:
        raise unfit("when") from None


def _utc(naive: datetime, zone: tzinfo | None) -> datetime:
    """The first moment at which the clock on the wall shows that. Unfit: gap, when (out of the calendar)."""
    try:
        found = (naive if zone is None else naive.replace(tzinfo=zone)).astimezone(UTC)
        shown = found.astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        raise unfit("when") from None
    if shown != naive:
        raise unfit("gap")
    return found
