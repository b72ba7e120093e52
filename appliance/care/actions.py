"""Found a care group, name it, let clinicians in and out. Each runs on the writer thread in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.care import rows
from appliance.care.rules import group_name
from appliance.faults import Fault
from appliance.notes.access import actions as access
from appliance.policy import Actor, Facts, allows, decide
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Seen:
    """A care group as its page shows it. `people`: who was ever invited, as (person, name).

    `unopened`: there are notes in it that nobody opens who can sign in.
    """

    group: rows.CareGroup
    clinicians: list[rows.Clinician]
    others: list[rows.Clinician]
    people: list[tuple[str, str]]
    unopened: bool = False


def see_all(tx: Transaction, actor: Actor) -> list[Seen]:
    """The care groups that `actor` may see."""
    decide(actor, "see_care_groups", Facts(leaders=(actor.person,)))
    return [
        Seen(group, rows.clinicians(tx, group.id), [], rows.people(tx, group.id))
        for group in rows.groups(tx)
        if allows(actor, "see_care_groups", rows.facts(tx, group.id))
    ]


def see(tx: Transaction, actor: Actor, group_id: str) -> Seen:
    """One care group. Faults: not_found, refused."""
    decide(actor, "see_care_groups", rows.facts(tx, group_id))
    clinicians, others = rows.clinicians(tx, group_id), rows.others(tx, group_id)
    group, people = rows.group(tx, group_id), rows.people(tx, group_id)
    return Seen(group, clinicians, others, people, access.unopened(tx, group_id))


def found(tx: Transaction, actor: Actor, name: str, clinicians: list[str], at: str) -> str:
    """A new care group. Faults: bad_request (no name, or one who is no clinician), refused."""
    permit = decide(actor, "change_care_group", Facts())
    if not set(clinicians) <= {c.person for c in rows.others(tx, "")}:
        raise Fault("bad_request", "not a clinician")
    return rows.add_group(tx, permit, group_name(name), clinicians, at)


def rename(tx: Transaction, actor: Actor, group_id: str, name: str, at: str) -> None:
    permit = decide(actor, "change_care_group", rows.facts(tx, group_id))
    rows.rename(tx, permit, group_id, group_name(name), at)


def let_in(tx: Transaction, actor: Actor, group_id: str, person: str, at: str) -> None:
    """One more clinician. What was written before opens for them once a colleague gives them the keys."""
    permit = decide(actor, "change_care_group", rows.facts(tx, group_id, person=person))
    if person not in {c.person for c in rows.others(tx, group_id)}:
        raise Fault("bad_request", "not a clinician, or one of the group already")
    rows.let_in(tx, permit, group_id, person, at)


def let_out(tx: Transaction, actor: Actor, group_id: str, person: str, at: str) -> None:
    """One clinician less: their sealed keys go, and the next note begins a new epoch."""
    permit = decide(actor, "change_care_group", rows.facts(tx, group_id, person=person))
    if person not in rows.group(tx, group_id).clinicians:
        raise Fault("bad_request", "not of the group")
    rows.let_out(tx, permit, group_id, person, at)
    access.take_away(tx, permit, group_id, person)
