"""What a session's record tells after its box is gone. Pure.

People stand in it under pseudonyms made with the lost box's own key, which is lost with it: they tell that two visits
were the same person's, and nothing else. No name can be found from them, here or at HQ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from sync.content import MAX_BODY

FIRST_YEAR, LAST_YEAR = 1970, 9998
SHORT = 6  # digits of a pseudonym that are shown: enough to tell people of one session apart


@dataclass(frozen=True, slots=True)
class Visit:
    """One who was there. `who`: the first digits of the pseudonym. Whole minutes, the last one begun counts."""

    who: str
    leads: bool
    minutes: int


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the lost box `box` (hex). `expected`: how many were; `withheld`: who were there untold. `whole` is
    False where the record is of a version that this one cannot read: then only that it is there can be told."""

    box: str
    starts_at: str = ""
    ended_at: str = ""
    expected: int = 0
    withheld: int = 0
    visits: tuple[Visit, ...] = ()
    whole: bool = False


class _Attendee(msgspec.Struct):
    person: str
    facilitator: bool = False
    present: tuple[tuple[str, str], ...] = ()


class _Ended(msgspec.Struct):
    starts_at: str
    ended_at: str
    expected: int = 0
    withheld: int = 0
    attendees: tuple[_Attendee, ...] = ()


def session(box: str, body: bytes) -> Session:
    """A `session_ended` record of any version, as far as it can be read."""
    try:
        found = msgspec.json.decode(body if len(body) <= MAX_BODY else b"", type=_Ended)
        visits = tuple(_visit(one) for one in found.attendees)
        _moment(found.starts_at)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError):
        return Session(box)
    return Session(box, found.starts_at, found.ended_at, found.expected, found.withheld, visits, whole=True)


def _visit(one: _Attendee) -> Visit:
    seconds = sum((_moment(left) - _moment(joined)).total_seconds() for joined, left in one.present)
    return Visit(one.person[:SHORT], one.facilitator, max(0, -int(-seconds // 60)))


def _moment(text: str) -> datetime:
    """RFC 3339 in UTC, whole seconds, of a year that every time zone can show; ValueError for anything else."""
    found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError("no year of a session")
    return found
