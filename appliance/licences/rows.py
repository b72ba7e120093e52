"""Licences in the store. Writing takes a permit and writes the audit entry from it."""

from __future__ import annotations

from datetime import date
from typing import cast

from appliance.audit import rows as audit
from appliance.clock import parse
from appliance.faults import Fault
from appliance.licences import rules
from appliance.licences.rules import Kind, Licence
from appliance.policy import Permit
from appliance.store.database import Row, Transaction


def of(tx: Transaction, person: str) -> list[Licence]:
    """What counts of that person, what ends first first."""
    found = tx.all(
        "SELECT * FROM licences WHERE person = ? AND ended_at = '' ORDER BY ends_on = '', ends_on, name, id", (person,)
    )
    return [_licence(row) for row in found]


def all_of(tx: Transaction) -> dict[str, list[Licence]]:
    """What counts, by person."""
    held: dict[str, list[Licence]] = {}
    for row in tx.all("SELECT * FROM licences WHERE ended_at = '' ORDER BY ends_on = '', ends_on, name, id"):
        held.setdefault(row["person"], []).append(_licence(row))
    return held


def note(tx: Transaction, permit: Permit, one: Licence, at: str) -> None:
    tx.execute(
        "INSERT INTO licences (id, person, kind, name, ends_on, noted_at) VALUES (?, ?, ?, ?, ?, ?)",
        (one.id, one.person, one.kind, one.name, one.ends_on, at),
    )
    audit.append(tx, permit, at, person=one.person)


def end(tx: Transaction, permit: Permit, person: str, licence: str, at: str) -> None:
    """It does not count any more. Fault("not_found")."""
    if not tx.execute(
        "UPDATE licences SET ended_at = ? WHERE id = ? AND person = ? AND ended_at = ''", (at, licence, person)
    ):
        raise Fault("not_found", "licence")
    audit.append(tx, permit, at, person=person)


def expired(tx: Transaction, person: str, at: str) -> bool:
    """Whether that person may not open a session at `at` (RFC 3339): a licence has run out."""
    return rules.bars(of(tx, person), today(at))


def today(at: str) -> date:
    """The day on the wall's calendar."""
    return parse(at).astimezone().date()


def _licence(row: Row) -> Licence:
    return Licence(row["id"], row["person"], cast(Kind, row["kind"]), row["name"], row["ends_on"])
