"""Enrol people, correct a name, archive, look somebody up. Each runs on the writer thread in one transaction.

Nobody is deleted: sessions, signatures and the audit name them. A corrected name is the record's from then on, also
where old sessions are listed; what the person signed with and what the group saw stay as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.faults import Fault
from appliance.identity import rows as identity
from appliance.people import rows
from appliance.people.rows import Appointment, Person
from appliance.people.rules import check_phrase, fold, matches, person_name
from appliance.policy import Action, Actor, Facts, Permit, decide
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Seen:
    """A person as their page shows them: coming sessions, earliest first, and past ones, newest first."""

    person: Person
    coming: list[Appointment]
    past: list[Appointment]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled; or "" and the people of that name, who must be looked at first."""

    person: str
    namesakes: list[Person]


def permit_to_see(tx: Transaction, actor: Actor, person: str) -> Permit:
    """For the entry in the audit; "" is the list. Faults: refused, not_found."""
    permit = decide(actor, "see_people", Facts(person=person))
    if person:
        rows.person(tx, person)
    return permit


def permit_to_enrol(actor: Actor) -> Permit:
    """For the empty form. Fault("refused")."""
    return decide(actor, "enrol", Facts())


def found(tx: Transaction, actor: Actor, query: str = "", *, archived: bool = False) -> list[Person]:
    """People by name whose name has every word of `query`. Fault("refused")."""
    decide(actor, "see_people", Facts())
    return [one for one in rows.people(tx, archived=archived) if matches(query, one.name)]


def one(tx: Transaction, actor: Actor, person: str) -> Seen:
    """Faults: refused, not_found."""
    permit_to_see(tx, actor, person)
    all_of = rows.appointments(tx, person)
    return Seen(
        rows.person(tx, person),
        [a for a in all_of if a.state != "ended"],
        [a for a in reversed(all_of) if a.state == "ended"],
    )


def enrol(tx: Transaction, actor: Actor, text: str, at: str, *, sure: bool = False, phrase: str = "") -> Enrolled:
    """Note down a person. Without `sure` not one whose name is there already. Faults: refused, bad_request."""
    permit, name, phrase = permit_to_enrol(actor), person_name(text), check_phrase(phrase)
    namesakes = [] if sure else _named(tx, name)
    if namesakes:
        return Enrolled("", namesakes)
    person = identity.add_person(tx, permit, name, at)
    if phrase:
        set_phrase(tx, actor, person, phrase, at)
    return Enrolled(person, [])


def set_phrase(tx: Transaction, actor: Actor, person: str, text: str, at: str) -> None:
    """What staff ask for in the waiting room; "" for nothing. Faults: refused, not_found, bad_request "long_phrase"."""
    permit, was = _permit(tx, actor, "set_phrase", person)
    phrase = check_phrase(text)
    if phrase != was.phrase:
        rows.set_phrase(tx, permit, person, phrase, at)


def correct(tx: Transaction, actor: Actor, person: str, text: str, at: str) -> None:
    """The name was written wrongly, or is another one now. Faults: refused, not_found, bad_request."""
    permit, was = _permit(tx, actor, "correct_name", person)
    name = person_name(text)
    if name != was.name:
        rows.set_name(tx, permit, person, name, at)


def archive(tx: Transaction, actor: Actor, person: str, at: str) -> None:
    """They do not come any more. Faults: refused, not_found, bad_request "expected" (in a session that is to come)."""
    permit, was = _permit(tx, actor, "archive", person)
    if any(a.state != "ended" for a in rows.appointments(tx, person)):
        raise Fault("bad_request", "expected")
    if not was.archived:
        rows.set_archived(tx, permit, person, at, archived=True)


def bring_back(tx: Transaction, actor: Actor, person: str, at: str) -> None:
    """They come again. Faults: refused, not_found."""
    permit, was = _permit(tx, actor, "archive", person)
    if was.archived:
        rows.set_archived(tx, permit, person, at, archived=False)


def _named(tx: Transaction, name: str) -> list[Person]:
    everybody = [*rows.people(tx), *rows.people(tx, archived=True)]
    return [other for other in everybody if fold(other.name) == fold(name)]


def _permit(tx: Transaction, actor: Actor, action: Action, person: str) -> tuple[Permit, Person]:
    permit = decide(actor, action, Facts(person=person))
    return permit, rows.person(tx, person)
