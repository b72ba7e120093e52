"""People who are cared for: those of the record who have no account. Their sessions, as dates.

Every function that writes takes a permit and writes the audit entry from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.people.rules import fold
from appliance.policy import Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Person:
    """`since`: when they were enrolled, RFC 3339 in UTC."""

    id: str
    name: str
    since: str
    archived: bool = False
    phrase: str = ""  # the check phrase that staff and they agreed on


@dataclass(frozen=True, slots=True)
class Appointment:
    """A session that a person is or was expected in. `opened` is false for one that never was."""

    session: str
    title: str
    starts_at: str
    state: str
    opened: bool


_PEOPLE = "SELECT p.* FROM people p LEFT JOIN accounts a ON a.person = p.id WHERE a.person IS NULL"


def people(tx: Transaction, *, archived: bool = False) -> list[Person]:
    """All who come, or all who were archived, by name as a reader sorts it."""
    found = tx.all(f"{_PEOPLE} AND (p.archived_at IS NOT NULL) = ?", (int(archived),))
    return sorted((_person(row) for row in found), key=lambda one: (fold(one.name), one.name, one.id))


def person(tx: Transaction, person_id: str) -> Person:
    """That person, or Fault("not_found"), also for one of the staff."""
    row = tx.one(f"{_PEOPLE} AND p.id = ?", (person_id,))
    if row is None:
        raise Fault("not_found", "person")
    return _person(row)


def appointments(tx: Transaction, person_id: str) -> list[Appointment]:
    """The person's sessions, earliest first."""
    found = tx.all(
        "SELECT s.id, s.title, s.starts_at, s.state, s.opened_at FROM members m JOIN sessions s ON s.id = m.session"
        " WHERE m.person = ? AND m.facilitator = 0 AND s.parent IS NULL ORDER BY s.starts_at, s.id",
        (person_id,),
    )
    return [
        Appointment(row["id"], row["title"], row["starts_at"], row["state"], row["opened_at"] is not None)
        for row in found
    ]


def set_name(tx: Transaction, permit: Permit, person_id: str, name: str, at: str) -> None:
    tx.execute("UPDATE people SET name = ? WHERE id = ?", (name, person_id))
    audit.append(tx, permit, at)


def set_phrase(tx: Transaction, permit: Permit, person_id: str, phrase: str, at: str) -> None:
    tx.execute("UPDATE people SET check_phrase = ? WHERE id = ?", (phrase, person_id))
    audit.append(tx, permit, at, person=person_id)


def set_archived(tx: Transaction, permit: Permit, person_id: str, at: str, *, archived: bool) -> None:
    tx.execute("UPDATE people SET archived_at = ? WHERE id = ?", (at if archived else None, person_id))
    audit.append(tx, permit, at)


def _person(row: Row) -> Person:
    return Person(row["id"], row["name"], row["created_at"], row["archived_at"] is not None, row["check_phrase"])
