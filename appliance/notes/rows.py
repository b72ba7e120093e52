"""Notes, their versions, and what was opened through the recovery key. No update and no delete of what was written.

Writing functions take a permit and write the audit entry from it. Words arrive here sealed and leave sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.notes.rules import Header
from appliance.policy import Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a note as it lies in the store. `number` is the note's; names are of the record."""

    number: int
    group: str
    header: Header
    versions: int
    epoch: int
    nonce: bytes
    sealed: bytes
    author_name: str
    subject_name: str


@dataclass(frozen=True, slots=True)
class Glass:
    """One use of the recovery key. `kind`: notes were opened, or a clinician got access again."""

    number: int
    id: str
    kind: Literal["opened", "recovered"]
    group: str
    group_name: str
    subject: str
    subject_name: str
    person: str
    person_name: str
    at: str
    until: int
    epoch: int
    nonce: bytes
    reason: bytes


def add_note(tx: Transaction, permit: Permit, group: str, header: Header, sealed: tuple[int, bytes, bytes]) -> int:
    """A new note with its first version; its number. `sealed`: epoch, nonce, words."""
    tx.execute(
        "INSERT INTO notes (id, care_group, session, subject, versions) VALUES (?, ?, ?, ?, 1)",
        (header.note, group, header.session or None, header.subject or None),
    )
    number = tx.lastrowid
    _add_version(tx, number, header, sealed)
    audit.append(tx, permit, header.at)
    return number


def add_version(tx: Transaction, permit: Permit, number: int, header: Header, sealed: tuple[int, bytes, bytes]) -> None:
    """The next version of a note."""
    _add_version(tx, number, header, sealed)
    tx.execute("UPDATE notes SET versions = ? WHERE number = ?", (header.version, number))
    audit.append(tx, permit, header.at)


def _add_version(tx: Transaction, number: int, header: Header, sealed: tuple[int, bytes, bytes]) -> None:
    tx.execute(
        "INSERT INTO note_versions (note, version, epoch, author, at, nonce, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, header.version, sealed[0], header.author, header.at, *sealed[1:]),
    )


def version(tx: Transaction, note: str, wanted: int = 0) -> Version:
    """That version of a note, the newest for 0. Fault("not_found")."""
    row = tx.one(
        _VERSIONS + " WHERE n.id = ? AND v.version = CASE ? WHEN 0 THEN n.versions ELSE ? END", (note, wanted, wanted)
    )
    if row is None:
        raise Fault("not_found", "note")
    return _version(row)


def versions(tx: Transaction, number: int, before: int, limit: int) -> list[tuple[int, str, str]]:
    """Number, time and author's name of a note's versions below `before`, newest first."""
    rows = tx.all(
        "SELECT v.version, v.at, p.name FROM note_versions v JOIN people p ON p.id = v.author"
        " WHERE v.note = ? AND v.version < ? ORDER BY v.version DESC LIMIT ?",
        (number, before, limit),
    )
    return [(row["version"], row["at"], row["name"]) for row in rows]


def newest(
    tx: Transaction, groups: Sequence[str], *, subject: str | None = None, before: int = 0, limit: int = 20
) -> list[Version]:
    """The newest notes of those care groups, below number `before` if it is not 0; all, or of one subject ("" for the
    group as a whole)."""
    marks = ", ".join("?" * len(groups))
    rows = tx.all(
        _VERSIONS + f" WHERE n.care_group IN ({marks}) AND v.version = n.versions"
        " AND (? = 0 OR n.number < ?) AND (? OR coalesce(n.subject, '') = ?) ORDER BY n.number DESC LIMIT ?",
        (*groups, before, before, int(subject is None), subject or "", limit),
    )
    return [_version(row) for row in rows]


def of_numbers(tx: Transaction, numbers: Sequence[int]) -> list[Version]:
    """The newest versions of those notes, newest note first."""
    marks = ", ".join("?" * len(numbers))
    rows = tx.all(
        _VERSIONS + f" WHERE n.number IN ({marks}) AND v.version = n.versions ORDER BY n.number DESC",
        tuple(numbers),
    )
    return [_version(row) for row in rows]


def for_index(tx: Transaction, group: str, epochs: Sequence[int], before: int, limit: int) -> list[Version]:
    """The newest versions of a care group's notes below number `before`, of `epochs`, newest note first."""
    marks = ", ".join("?" * len(epochs))
    rows = tx.all(
        _VERSIONS + f" WHERE n.care_group = ? AND n.number < ? AND v.version = n.versions AND v.epoch IN ({marks})"
        " ORDER BY n.number DESC LIMIT ?",
        (group, before, *epochs, limit),
    )
    return [_version(row) for row in rows]


def count(tx: Transaction, group: str) -> int:
    """How many notes that care group has."""
    row = tx.one("SELECT count(*) AS notes FROM notes WHERE care_group = ?", (group,))
    return int(row["notes"]) if row else 0


def counts(tx: Transaction, group: str) -> dict[str, tuple[int, str]]:
    """Of each subject ("" for the group) how many notes there are, and when the newest version was written."""
    rows = tx.all(
        "SELECT coalesce(n.subject, '') AS subject, count(*) AS notes, max(v.at) AS at FROM notes n"
        " JOIN note_versions v ON v.note = n.number AND v.version = n.versions WHERE n.care_group = ? GROUP BY 1",
        (group,),
    )
    return {row["subject"]: (row["notes"], row["at"]) for row in rows}


def mentioned(tx: Transaction, note: str, group: str, person: str) -> tuple[str, str, str]:
    """Session, person and thing of what a request named, "" for what does not exist: for an entry of the audit."""
    row = tx.one("SELECT coalesce(session, '') AS s, coalesce(subject, '') AS p FROM notes WHERE id = ?", (note,))
    if row is not None:
        return row["s"], row["p"], note
    there = tx.one("SELECT 1 FROM care_groups WHERE id = ?", (group,)) is not None
    return "", person if person_name(tx, person) else "", group if there else ""


def person_name(tx: Transaction, person: str) -> str:
    """A person's name in the record, "" for nobody."""
    row = tx.one("SELECT name FROM people WHERE id = ?", (person,))
    return row["name"] if row else ""


# -- through the recovery key ------------------------------------------------------------------------------------------


def add_glass(tx: Transaction, permit: Permit, glass: Glass, tell: Sequence[str]) -> None:
    """Note a use of the recovery key, and whom to tell of it."""
    tx.execute(
        "INSERT INTO glass_breaks (id, kind, care_group, subject, person, at, until, epoch, nonce, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            glass.id,
            glass.kind,
            glass.group,
            glass.subject or None,
            glass.person,
            glass.at,
            glass.until,
            glass.epoch,
            glass.nonce,
            glass.reason,
        ),
    )
    number = tx.lastrowid
    for person in tell:
        tx.execute("INSERT INTO glass_notices (glass, person) VALUES (?, ?)", (number, person))
    audit.append(tx, permit, glass.at)


def glass(tx: Transaction, glass_id: str) -> Glass:
    """That use of the recovery key. Fault("not_found")."""
    row = tx.one(_GLASS + " WHERE b.id = ?", (glass_id,))
    if row is None:
        raise Fault("not_found", "glass")
    return _glass(row)


def glass_of(tx: Transaction, person: str, now: int) -> list[Glass]:
    """What that clinical lead has opened and may still read, newest first."""
    rows = tx.all(
        _GLASS + " WHERE b.person = ? AND b.kind = 'opened' AND b.until > ? ORDER BY b.number DESC", (person, now)
    )
    return [_glass(row) for row in rows]


def add_glass_read(tx: Transaction, permit: Permit, glass: Glass, version: Version, at: str) -> None:
    """One note was read through it; a second look at the same version is one more entry of the audit, not of this.

    Who had put the notice away before sees it again, with what was read since.
    """
    fresh = tx.execute(
        "INSERT INTO glass_reads (glass, note, version, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (glass.number, version.number, version.header.version, at),
    )
    if fresh:
        tx.execute("UPDATE glass_notices SET seen_at = NULL WHERE glass = ?", (glass.number,))
    audit.append(tx, permit, at)


def glass_reads(tx: Transaction, number: int) -> list[tuple[str, int, str]]:
    """Note, version and time of what was read through it, in order."""
    rows = tx.all(
        "SELECT n.id, r.version, r.at FROM glass_reads r JOIN notes n ON n.number = r.note WHERE r.glass = ?"
        " ORDER BY r.rowid",
        (number,),
    )
    return [(row["id"], row["version"], row["at"]) for row in rows]


def notices(tx: Transaction, person: str, limit: int) -> list[Glass]:
    """What that clinician has been told of and has not put away, newest first."""
    rows = tx.all(
        _GLASS + " JOIN glass_notices t ON t.glass = b.number WHERE t.person = ? AND t.seen_at IS NULL"
        " ORDER BY b.number DESC LIMIT ?",
        (person, limit),
    )
    return [_glass(row) for row in rows]


def told(tx: Transaction, glass: Glass) -> tuple[str, ...]:
    """Whom a notice is for, whether they have put it away or not."""
    found = tx.all("SELECT person FROM glass_notices WHERE glass = ? ORDER BY person", (glass.number,))
    return tuple(row["person"] for row in found)


def put_away(tx: Transaction, permit: Permit, glass: Glass, at: str) -> None:
    """That clinician has seen it. Fault("not_found") if it was not for them."""
    changed = tx.execute(
        "UPDATE glass_notices SET seen_at = coalesce(seen_at, ?) WHERE glass = ? AND person = ?",
        (at, glass.number, permit.actor.person),
    )
    if not changed:
        raise Fault("not_found", "notice")
    audit.append(tx, permit, at)


_VERSIONS = (
    "SELECT n.number, n.id, n.care_group, n.session, n.subject, n.versions, v.version, v.epoch, v.author, v.at,"
    " v.nonce, v.sealed, a.name AS author_name, coalesce(s.name, '') AS subject_name"
    " FROM notes n JOIN note_versions v ON v.note = n.number JOIN people a ON a.id = v.author"
    " LEFT JOIN people s ON s.id = n.subject"
)
_GLASS = (
    "SELECT b.*, g.name AS group_name, p.name AS person_name, coalesce(s.name, '') AS subject_name"
    " FROM glass_breaks b JOIN care_groups g ON g.id = b.care_group JOIN people p ON p.id = b.person"
    " LEFT JOIN people s ON s.id = b.subject"
)


def _version(row: Row) -> Version:
    header = Header(row["id"], row["version"], row["author"], row["subject"] or "", row["session"] or "", row["at"])
    return Version(
        row["number"],
        row["care_group"],
        header,
        row["versions"],
        row["epoch"],
        bytes(row["nonce"]),
        bytes(row["sealed"]),
        row["author_name"],
        row["subject_name"],
    )


def _glass(row: Row) -> Glass:
    return Glass(
        number=row["number"],
        id=row["id"],
        kind=cast(Literal["opened", "recovered"], row["kind"]),
        group=row["care_group"],
        group_name=row["group_name"],
        subject=row["subject"] or "",
        subject_name=row["subject_name"],
        person=row["person"],
        person_name=row["person_name"],
        at=row["at"],
        until=row["until"],
        epoch=row["epoch"],
        nonce=bytes(row["nonce"]),
        reason=bytes(row["reason"]),
    )
