"""What billing may know of an attendance: day, start, minutes. And how it is written to a file. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.faults import Fault

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Attendance:
    """One person at one session. `starts_at`: when it was opened, RFC 3339 in UTC. No title, no group, no leader."""

    session: str
    person: str
    name: str
    starts_at: str
    minutes: int


def month(text: str) -> tuple[str, str]:
    """First moment of that month ("2026-11") and of the next one. Fault("bad_request")."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise Fault("bad_request", "month")
    year, number = int(found[1]), int(found[2])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return f"{year}-{number:02}-01T00:00:00Z", f"{following[0]}-{following[1]:02}-01T00:00:00Z"


def minutes(spans: Iterable[tuple[datetime, datetime]]) -> int:
    """Full minutes covered by those spans; what overlaps (two devices) counts once."""
    seconds, until = 0.0, None
    for begin, end in sorted(spans):
        start = begin if until is None else max(begin, until)
        if end > start:
            seconds += (end - start).total_seconds()
            until = end
    return int(seconds // 60)


def as_csv(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe (OWASP)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for line in (head, *lines):
        writer.writerow([_harmless(cell) for cell in line])
    return out.getvalue()


def _harmless(cell: str) -> str:
    formula = cell.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠")
    return "'" + cell if formula or cell[:1] in ("\t", "\r", "\n") else cell
