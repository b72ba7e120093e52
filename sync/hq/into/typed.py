"""Records of known classes as rows of typed tables. Pure. One list of columns for PostgreSQL and Parquet; MAPPING.md.

A class that is not here stays a record; it is typed by a later run with `--again`. Fields that are missing become null,
unknown ones are borne: a box may be newer or older than HQ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sync.hq.opening import Opened
from sync.hq.walking import Trouble

MAX_LISTED = 10_000  # attendees or intervals of one record; a body has 64 KiB at most

Kind = Literal["text", "whole", "truth", "moment"]
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` begin with `box` and `number`. `key`: those that name a row."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    key: tuple[str, ...]
    classes: tuple[str, ...]


def _table(name: str, key: str, classes: str, **columns: Kind) -> Table:
    first: tuple[tuple[str, Kind], ...] = (("box", "text"), ("number", "whole"))
    return Table(name, (*first, *columns.items()), ("box", "number", *key.split()), tuple(classes.split()))


TABLES: Sequence[Table] = (
    _table(
        "sessions",
        "",
        "session_ended",
        session="text",
        starts_at="moment",
        opened_at="moment",
        ended_at="moment",
        expected="whole",
        attended="whole",
        withheld="whole",
    ),
    _table(
        "attendances",
        "place",
        "session_ended",
        place="whole",
        session="text",
        person="text",
        facilitator="truth",
        removed="truth",
        agreement="whole",
        joined_at="moment",
        left_at="moment",
        seconds="whole",
        consent="text",
    ),
    _table(
        "consents",
        "",
        "consent_signed disclosure_granted disclosure_ended",
        record_class="text",
        consent="text",
        person="text",
        scopes="text",
        version="text",
        language="text",
        digest="text",
        how="text",
        at="moment",
        expires_at="moment",
        recipient="text",
        purpose="text",
        why="text",
    ),
    _table(
        "audit_checkpoints",
        "",
        "audit_checkpoint",
        size="whole",
        root="text",
        checkpoint="whole",
        at="moment",
        since="whole",
        note="text",
    ),
)
CLASSES = frozenset(name for table in TABLES for name in table.classes)


class Untyped(ValueError):
    """The body is not what its class says."""


def rows(record_class: str, box: str, number: int, body: bytes) -> Mapping[str, Sequence[Row]]:
    """Rows by table for one record; none for a class that is not known. Raises `Untyped`."""
    if record_class not in CLASSES:
        return {}
    fields = fields_of(body)
    if fields.get("withheld") is True:  # a consent ended while the record waited: nothing is left in it
        return {}
    try:
        match record_class:
            case "session_ended":
                return {
                    "sessions": [(box, number, *_session(fields))],
                    "attendances": list(_people(box, number, fields)),
                }
            case "audit_checkpoint":
                return {"audit_checkpoints": [(box, number, *_checkpoint(fields))]}
            case _:
                return {"consents": [(box, number, record_class, *_consent(fields))]}
    except (TypeError, AttributeError, ValueError, IndexError, OverflowError):
        raise Untyped from None


def of_records(opened: Iterable[Opened]) -> tuple[dict[str, list[Row]], list[Trouble]]:
    """Rows by table, and those records that are not what their class says."""
    found: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    untyped = []
    for one in opened:
        try:
            some = rows(one.record.record_class, one.box.hex(), one.record.number, one.record.body)
        except Untyped:
            untyped.append(Trouble(one.box, one.sequence, "untyped", number=one.record.number))
            continue
        for name, added in some.items():
            found[name].extend(added)
    return found, untyped


def moment(value: object) -> datetime | None:
    """An RFC 3339 time with its zone, None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text(value: object) -> str | None:
    """A string that any database keeps, None for anything else. Numbers become their digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or "\x00" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _session(fields: dict[str, Any]) -> Row:
    times = (moment(fields.get(name)) for name in ("starts_at", "opened_at", "ended_at"))
    numbers = (_whole(fields.get("expected")), len(_listed(fields, "attendees")), _whole(fields.get("withheld")))
    return (_needed(fields, "session"), *times, *numbers)


def _people(box: str, number: int, fields: dict[str, Any]) -> Iterator[Row]:
    """One row for each stretch that somebody was present; one without times for who never got in."""
    place = 0
    for one in _listed(fields, "attendees"):
        fixed = (_needed(one, "person"), _truth(one.get("facilitator")), _truth(one.get("removed")))
        for joined, left in _stretches(one):
            seconds = int((left - joined).total_seconds()) if joined and left else None
            more = (_whole(one.get("agreement")), joined, left, seconds, text(one.get("consent")))
            yield (box, number, place, _needed(fields, "session"), *fixed, *more)
            place += 1


def _stretches(attendee: dict[str, Any]) -> list[tuple[datetime | None, datetime | None]]:
    pairs = [(moment(pair[0]), moment(pair[1])) for pair in _listed(attendee, "present")]
    return pairs or [(None, None)]


def _consent(fields: dict[str, Any]) -> Row:
    """One row for each word of a person; `consent` is always the consent to disclosure."""
    scopes = ",".join(one for one in _listed(fields, "scopes") if isinstance(one, str))
    version = text(fields.get("agreement", fields.get("form")))
    when = next((fields[name] for name in ("at", "granted_at", "ended_at") if name in fields), None)
    who = (_needed(fields, "consent"), _needed(fields, "person"), text(scopes) or None, version)
    what = (text(fields.get(name)) for name in ("language", "digest", "how"))
    more = (text(fields.get(name)) for name in ("recipient", "purpose", "why"))
    return (*who, *what, moment(when), moment(fields.get("expires_at")), *more)


def _checkpoint(fields: dict[str, Any]) -> Row:
    note = _needed(fields, "note")
    lines = note.split("\n")
    number = int(lines[3].removeprefix("number "))
    at = moment(lines[4].removeprefix("at "))
    return _whole(int(lines[1])), lines[2], _whole(number), at, _whole(fields.get("since")), note


def fields_of(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; `Untyped` for anything else."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise Untyped
    return fields


def _listed(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_LISTED:
        raise Untyped
    return value


def _needed(fields: dict[str, Any], name: str) -> str:
    found = text(fields.get(name))
    if not found:
        raise Untyped
    return found


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
