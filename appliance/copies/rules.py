"""Which copy is the newest, which ones may go, when the next is due, when people are told. Pure.

A copy's number decides the order: it is larger than that of every copy before, also after a restoration and whatever
the clock said. Times only tell how old the newest one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["none", "fine", "old"]

HOUR = 3600  # seconds
OLD_HOURS = 7 * 24  # without a rhythm of its own: what a clinic would have to write down again from memory
AGAIN_SECONDS = 15 * 60  # after a copy that failed: a stick is plugged in again within that, or the disk made free
CLOCK_SECONDS = 24 * HOUR  # a copy that lies further in the future means that the clock was wrong then, or is now

_NAME = re.compile(r"hearth-backup-([0-9a-f]{8})-([0-9]{6})-([0-9]{8})")
_LEFT = re.compile(r"hearth-backup-([0-9a-f]{8})-[0-9]{6}-[0-9]{8}\.part")
MOST = 999_999  # copies; at one an hour that is a century


@dataclass(frozen=True, slots=True)
class Name:
    """A copy's folder name: the box's id, its number, the day; small letters, so that FAT and people can take it."""

    box: str
    number: int
    day: str

    def __str__(self) -> str:
        return f"hearth-backup-{self.box[:8]}-{self.number:06}-{self.day}"


def name_for(box: str, number: int, at: str) -> Name:
    """The name of a new copy; `box` in hex, `at` as RFC 3339."""
    return Name(box[:8], min(number, MOST), at[:10].replace("-", ""))


def parse_name(text: str) -> Name | None:
    """The name of a finished copy, None for anything else."""
    match = _NAME.fullmatch(text)
    return Name(match[1], int(match[2]), match[3]) if match else None


def is_left_over(text: str, box: str) -> bool:
    """Whether a folder is what a copy of this box left behind that was cut short."""
    match = _LEFT.fullmatch(text)
    return match is not None and match[1] == box[:8]


def next_number(last: int, names: Iterable[str], box: str) -> int:
    """One more than any copy of this box, in its store or in the folder that gets the next one."""
    there = (found.number for found in map(parse_name, names) if found is not None and found.box == box[:8])
    return max(last, 0, *there) + 1


def superfluous(names: Iterable[str], box: str, keep: int) -> list[str]:
    """The copies of this box that may go, oldest first, so that `keep` stay; none where `keep` is 0.

    Called after a new one was checked, which has the largest number: it always stays. Where numbers have come to their
    end (or somebody made a folder that says so) nobody knows which is the newest, so all of that number stay.
    """
    found = [(one.number, text) for text in names if (one := parse_name(text)) is not None and one.box == box[:8]]
    ordered = sorted(found)
    return [text for number, text in ordered[:-keep] if number < MOST] if keep > 0 else []


def due(last: float | None, tried: float | None, now: float, every_hours: int) -> bool:
    """Whether an automatic copy is to be made. Seconds since the epoch: of the last good one, of the last try."""
    if every_hours <= 0 or (tried is not None and 0 <= now - tried < AGAIN_SECONDS):
        return False
    return last is None or not -CLOCK_SECONDS < now - last < every_hours * HOUR


def state(last: float | None, now: float, every_hours: int) -> State:
    """What people are told: twice the rhythm may pass, since a box may be switched off over night."""
    if last is None:
        return "none"
    limit = max(2 * every_hours, 24) if every_hours > 0 else OLD_HOURS
    return "fine" if -CLOCK_SECONDS < now - last < limit * HOUR else "old"
