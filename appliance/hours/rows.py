"""Incidents and pulses in the store. Writing takes a permit and writes the audit entry from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from appliance.audit import rows as audit
from appliance.hours.rules import IncidentKind, Pulse
from appliance.ids import new_id
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Incident:
    """`name`: the record's name of the member it concerns, "" where it concerns the group; `by`: who noted it."""

    number: int
    kind: IncidentKind
    person: str
    name: str
    at: str
    by: str


def note_incident(tx: Transaction, permit: Permit, session: str, kind: IncidentKind, member: str, at: str) -> int:
    """Its number."""
    tx.execute(
        "INSERT INTO incidents (session, kind, member, at, by) VALUES (?, ?, ?, ?, ?)",
        (session, kind, member or None, at, permit.actor.person),
    )
    number = tx.lastrowid
    audit.append(tx, permit, at)
    return number


def incidents(tx: Transaction, session: str) -> list[Incident]:
    """In the order in which they were noted."""
    found = tx.all(
        "SELECT i.number, i.kind, i.at, coalesce(m.person, '') AS person, coalesce(p.name, '') AS name, b.name AS by"
        " FROM incidents i JOIN people b ON b.id = i.by LEFT JOIN members m ON m.id = i.member"
        " LEFT JOIN people p ON p.id = m.person WHERE i.session = ? ORDER BY i.number",
        (session,),
    )
    return [
        Incident(row["number"], cast(IncidentKind, row["kind"]), row["person"], row["name"], row["at"], row["by"])
        for row in found
    ]


def gave_feedback(tx: Transaction, member: str) -> bool:
    row = tx.one("SELECT gave_feedback FROM members WHERE id = ?", (member,))
    return row is not None and bool(row["gave_feedback"])


def keep_feedback(tx: Transaction, permit: Permit, session: str, member: str, given: Pulse, at: str) -> None:
    """The answers under a random id, and apart from them that this member has given some."""
    tx.execute("UPDATE members SET gave_feedback = 1 WHERE id = ?", (member,))
    tx.execute(
        "INSERT INTO feedback (id, session, heard, respected, feeling) VALUES (?, ?, ?, ?, ?)",
        (new_id(), session, given.heard, given.respected, given.feeling),
    )
    audit.append(tx, permit, at)


def feedback(tx: Transaction, session: str) -> list[Pulse]:
    """All answers, in no order that tells anything."""
    found = tx.all("SELECT heard, respected, feeling FROM feedback WHERE session = ? ORDER BY id", (session,))
    return [Pulse(row["heard"], row["respected"], row["feeling"]) for row in found]
