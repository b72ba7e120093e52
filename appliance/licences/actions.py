"""Note a licence or training, take one out of force, and see whose run out."""

from __future__ import annotations

from appliance.ids import new_id
from appliance.licences import rows, rules
from appliance.licences.rules import Licence
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Transaction


def see(tx: Transaction, actor: Actor, person: str) -> list[Licence]:
    """Of one person, for those who may see staff, and for oneself."""
    if actor.person != person:
        decide(actor, "see_staff", Facts(person=person))
    return rows.of(tx, person)


def note(tx: Transaction, actor: Actor, person: str, kind: str, name: str, ends_on: str, at: str) -> None:
    """One more that counts. Fault("bad_request") names the field."""
    permit = decide(actor, "record_licence", Facts(person=person))
    rows.note(tx, permit, rules.licence(new_id(), person, kind, name, ends_on), at)


def renew(tx: Transaction, actor: Actor, person: str, licence: str, ends_on: str, at: str) -> None:
    """The same with another last day; the older one stays and counts no more. Faults: not_found, bad_request."""
    permit = decide(actor, "record_licence", Facts(person=person, thing=licence))
    old = next((one for one in rows.of(tx, person) if one.id == licence), None)
    rows.end(tx, permit, person, licence, at)
    if old is not None:
        rows.note(tx, permit, rules.licence(new_id(), person, old.kind, old.name, ends_on), at)


def end(tx: Transaction, actor: Actor, person: str, licence: str, at: str) -> None:
    """It counts no more. Fault("not_found")."""
    rows.end(tx, decide(actor, "record_licence", Facts(person=person, thing=licence)), person, licence, at)
