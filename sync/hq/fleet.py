"""How the boxes are: what each last said of itself, against what HQ knows. Which need a person comes first.

Reads small objects only (cards, seen, and listings of heads, alarms and packs), never an envelope: the cost grows with
the boxes, not with what they sent. Only a box that never told of itself has its envelopes listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sync import keys
from sync.hq import roll
from sync.hq.cards import Card
from sync.hq.objects import Objects, open_objects

LATE_DAYS = 7  # a box that was not heard for so long, or has kept something back for so long
CERTIFICATE_DAYS = 30  # a certificate that ends within these: it renews itself long before, unless something is wrong
MAX_TEXT = 40

State = Literal["alarm", "certificate", "damaged", "silent", "backlog", "packs", "new", "well", "revoked"]
ORDER: Sequence[State] = ("alarm", "certificate", "damaged", "silent", "backlog", "packs", "new", "well", "revoked")
# What a person is told; "" needs nobody.
WORDS: dict[State, str] = {
    "alarm": "forked log",
    "certificate": "certificate ends",
    "damaged": "card damaged",
    "silent": "not heard",
    "backlog": "keeps back",
    "packs": "packs wait",
    "new": "not heard yet",
    "well": "",
    "revoked": "shut out",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One box. `heard`, `oldest` and `certificate` (its end) are moments, or None where nobody said.

    `queued` waits on the box; `applied` of `packs` packs; `alarms` counts forks.
    """

    box: bytes
    name: str
    state: State
    heard: datetime | None = None
    queued: int | None = None
    oldest: datetime | None = None
    version: str = ""
    applied: int = 0
    packs: int = 0
    certificate: datetime | None = None
    alarms: int = 0


async def look(folder: Path, now: datetime, late: int = LATE_DAYS) -> list[Line]:
    """Every box, those that need a person first. Raises `hq_failed`, `hq_missing`."""
    objects = open_objects(folder)
    called = await roll.call(objects, folder)
    alarms, packs = await _counts(objects, "alarms"), await _highest(objects, "packs")
    heads = {one.path.rpartition("/")[2]: one.modified async for one in objects.entries("heads")}
    seen = await _seen(objects)
    silent = [card.facts.box for card in called.cards if not {card.facts.box.hex()} & (seen.keys() | heads.keys())]
    heads.update(await _newest(objects, silent))
    lines = [Line(box, "", "damaged") for box, _ in called.damaged]
    for card in called.cards:
        name = card.facts.box.hex()
        line = _line(card, seen.get(name, {}), heads.get(name), alarms.get(name, 0), packs.get(name, 0))
        lines.append(_judged(line, bool(card.revoked), now, timedelta(days=late)))
    return sorted(lines, key=lambda line: _order(line, now))


def _line(card: Card, seen: Mapping[str, Any], head: datetime | None, alarms: int, packs: int) -> Line:
    heard = [when for when in (_moment(seen.get("at")), head) if when is not None]
    queued, applied = _whole(seen.get("queued")), _whole(seen.get("applied"))
    return Line(
        box=card.facts.box,
        name=_printable(card.name),
        state="new",
        heard=max(heard, default=None),
        queued=queued,
        oldest=_moment(seen.get("oldest_at")) if queued else None,
        version=_text(seen.get("version")),
        applied=applied or 0,
        packs=packs,
        certificate=_moment(seen.get("certificate_ends")) or _moment(card.certificate_ends),
        alarms=alarms,
    )


def _judged(line: Line, revoked: bool, now: datetime, late: timedelta) -> Line:
    found: State = "well"
    if revoked:
        found = "revoked"
    elif line.alarms:
        found = "alarm"
    elif line.certificate is not None and line.certificate - now < timedelta(days=CERTIFICATE_DAYS):
        found = "certificate"
    elif line.heard is None:
        found = "new"
    elif now - line.heard > late:
        found = "silent"
    elif line.oldest is not None and now - line.oldest > late:
        found = "backlog"
    elif line.applied < line.packs:
        found = "packs"
    return Line(**{**{name: getattr(line, name) for name in line.__slots__}, "state": found})


def _order(line: Line, now: datetime) -> tuple[int, float, str, bytes]:
    """Within one state the one that has waited longest first."""
    since = {"silent": line.heard, "backlog": line.oldest, "certificate": line.certificate}.get(line.state)
    return ORDER.index(line.state), -(now - since).total_seconds() if since else 0.0, line.name, line.box


async def _seen(objects: Objects) -> Mapping[str, Mapping[str, Any]]:
    paths = [entry.path async for entry in objects.entries("seen")]
    raws = await roll.side_by_side(objects.get, paths)
    return {
        path.removeprefix("seen/").removesuffix(".json"): _fields(raw) for path, raw in zip(paths, raws, strict=True)
    }


async def _newest(objects: Objects, boxes: Sequence[bytes]) -> Mapping[str, datetime]:
    """When the newest envelope came from boxes that never said a word of themselves: those of 0.4.0."""

    async def last(box: bytes) -> datetime | None:
        return max([entry.modified async for entry in objects.entries(f"boxes/{box.hex()}")], default=None)

    found = await roll.side_by_side(last, boxes)
    return {box.hex(): when for box, when in zip(boxes, found, strict=True) if when is not None}


async def _counts(objects: Objects, kind: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    async for entry in objects.entries(kind):
        box = entry.path.split("/")[1]
        found[box] = found.get(box, 0) + 1
    return found


async def _highest(objects: Objects, kind: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    async for entry in objects.entries(kind):
        _, box, name = f"{entry.path}//".split("/")[:3]
        if keys.box_from_text(box) and name.isascii() and name.isdecimal():
            found[box] = int(name)
    return found


def _fields(raw: bytes | None) -> Mapping[str, Any]:
    """What a box says of itself is shown, never believed: anything else than it should be counts as not said."""
    try:
        found = json.loads(raw or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and value else None
        return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _text(value: object) -> str:
    """Short and printable: it comes from a box and goes to somebody's terminal."""
    text = value if isinstance(value, str) else ""
    return _printable(text[:MAX_TEXT])


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
