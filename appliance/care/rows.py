"""Care groups and who their clinicians are. Membership lets ask; what opens notes is a key (notes/access).

Writing functions take a permit and write the audit entry from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.ids import new_id
from appliance.policy import Facts, Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class CareGroup:
    """`clinicians`: persons whose account is in use, as the policy asks for them."""

    id: str
    name: str
    clinicians: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clinician:
    """One who may hold keys to notes: a facilitator or clinical lead whose account is in use."""

    person: str
    name: str
    role: str
    since: str = ""


def add_group(tx: Transaction, permit: Permit, name: str, clinicians: Sequence[str], at: str) -> str:
    """A new care group's id."""
    group_id = new_id()
    tx.execute("INSERT INTO care_groups (id, name, created_at) VALUES (?, ?, ?)", (group_id, name, at))
    for person in clinicians:
        _let_in(tx, group_id, person, at)
    audit.append(tx, permit, at)
    return group_id


def group(tx: Transaction, group_id: str) -> CareGroup:
    """That care group, or Fault("not_found")."""
    row = tx.one("SELECT id, name FROM care_groups WHERE id = ?", (group_id,))
    if row is None:
        raise Fault("not_found", "care group")
    return CareGroup(row["id"], row["name"], tuple(c.person for c in clinicians(tx, group_id)))


def groups(tx: Transaction, person: str = "") -> list[CareGroup]:
    """All care groups by name, or those that `person` is a clinician of."""
    rows = tx.all(
        "SELECT g.id, g.name FROM care_groups g WHERE ? = '' OR g.id IN"
        " (SELECT care_group FROM care_group_clinicians WHERE person = ?) ORDER BY g.name, g.created_at DESC, g.id",
        (person, person),
    )
    return [CareGroup(row["id"], row["name"], tuple(c.person for c in clinicians(tx, row["id"]))) for row in rows]


def named(tx: Transaction, name: str, leaders: Sequence[str]) -> str:
    """The newest care group of that name whose clinicians all `leaders` are already, or "": nobody gains by a name."""
    rows = tx.all("SELECT id FROM care_groups WHERE name = ? ORDER BY created_at DESC, id", (name,))
    for row in rows:
        if set(leaders) <= {c.person for c in clinicians(tx, row["id"])}:
            return str(row["id"])
    return ""


def clinicians(tx: Transaction, group_id: str) -> list[Clinician]:
    """Its clinicians by name."""
    rows = tx.all(
        "SELECT c.person, p.name, a.role, c.since FROM care_group_clinicians c JOIN people p ON p.id = c.person"
        " JOIN accounts a ON a.person = c.person WHERE c.care_group = ? AND a.retired_at IS NULL"
        " AND a.role IN ('facilitator', 'clinical_lead') ORDER BY p.name, c.person",
        (group_id,),
    )
    return [_clinician(row) for row in rows]


def others(tx: Transaction, group_id: str) -> list[Clinician]:
    """Clinicians of the clinic who are not of that care group."""
    rows = tx.all(
        "SELECT a.person, p.name, a.role, '' AS since FROM accounts a JOIN people p ON p.id = a.person"
        " WHERE a.retired_at IS NULL AND a.role IN ('facilitator', 'clinical_lead') AND a.person NOT IN"
        " (SELECT person FROM care_group_clinicians WHERE care_group = ?) ORDER BY p.name, a.person",
        (group_id,),
    )
    return [_clinician(row) for row in rows]


def people(tx: Transaction, group_id: str) -> list[tuple[str, str]]:
    """Person and name of all who were ever invited to a session of that care group, by name."""
    rows = tx.all(
        "SELECT DISTINCT m.person, p.name FROM sessions s JOIN members m ON m.session = s.id AND m.facilitator = 0"
        " JOIN people p ON p.id = m.person WHERE s.care_group = ? ORDER BY p.name, m.person",
        (group_id,),
    )
    return [(row["person"], row["name"]) for row in rows]


def going_on(tx: Transaction, group_id: str) -> list[str]:
    """The sessions of that care group that are open now."""
    rows = tx.all("SELECT id FROM sessions WHERE care_group = ? AND state IN ('open', 'locked')", (group_id,))
    return [row["id"] for row in rows]


def of_session(tx: Transaction, session_id: str) -> str:
    """The care group of that session, "" where it has none. Fault("not_found")."""
    row = tx.one("SELECT care_group FROM sessions WHERE id = ?", (session_id,))
    if row is None:
        raise Fault("not_found", "session")
    return row["care_group"] or ""


def facts(tx: Transaction, group_id: str, *, person: str = "", thing: str = "", session: str = "") -> Facts:
    """What the policy asks about a care group. `person`: whose record; `thing`: a note, else the group itself."""
    found = group(tx, group_id)
    return Facts(session=session, leaders=found.clinicians, person=person, thing=thing or group_id)


def rename(tx: Transaction, permit: Permit, group_id: str, name: str, at: str) -> None:
    tx.execute("UPDATE care_groups SET name = ? WHERE id = ?", (name, group_id))
    audit.append(tx, permit, at)


def let_in(tx: Transaction, permit: Permit, group_id: str, person: str, at: str) -> None:
    _let_in(tx, group_id, person, at)
    audit.append(tx, permit, at)


def let_out(tx: Transaction, permit: Permit, group_id: str, person: str, at: str) -> None:
    tx.execute("DELETE FROM care_group_clinicians WHERE care_group = ? AND person = ?", (group_id, person))
    audit.append(tx, permit, at)


def forget_clinician(tx: Transaction, permit: Permit, person: str, at: str) -> None:
    """Out of every care group, as at a retirement."""
    if tx.execute("DELETE FROM care_group_clinicians WHERE person = ?", (person,)):
        audit.append(tx, permit, at)


def _let_in(tx: Transaction, group_id: str, person: str, at: str) -> None:
    tx.execute(
        "INSERT INTO care_group_clinicians (care_group, person, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (group_id, person, at),
    )


def _clinician(row: Row) -> Clinician:
    return Clinician(row["person"], row["name"], row["role"], row["since"])
