"""Grant a consent to disclosure, end it, and what then goes to HQ. Each runs in one transaction on the writer thread.

Nothing about a person leaves without one (C32). A consent that ends takes the person out of all that is not sealed yet;
what is sealed already is on its way, and HQ is told that the consent has ended.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from appliance import clock
from appliance.consent import rows as agreements
from appliance.disclosures import rows, rules
from appliance.disclosures.rules import Consent, Form, Scope, Why
from appliance.faults import Fault
from appliance.ids import new_id
from appliance.outbox import rows as outbox
from appliance.people import rows as people
from appliance.policy import BOX, Actor, Facts, Permit, decide
from appliance.sessions import rows as sessions
from appliance.sessions.record import pseudonym
from appliance.store.database import Transaction

RECIPIENT = "headquarters"
SIGNED = "consent_signed"
PURPOSE = "care, its payment and its quality"  # as the form says it


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """HQ may have records about this person, of these kinds, until then."""

    record: str = "disclosure_granted"
    version: int = 1
    consent: str
    person: str
    scopes: tuple[Scope, ...]
    recipient: str = RECIPIENT
    purpose: str = PURPOSE
    form: int
    language: str
    digest: str
    how: str
    granted_at: str
    expires_at: str
    notice: str = rules.NOTICE


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The consent has ended: nothing new comes under it."""

    record: str = "disclosure_ended"
    version: int = 1
    consent: str
    person: str
    ended_at: str
    why: Why
    notice: str = rules.NOTICE


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """This person signed that version of the agreement."""

    record: str = SIGNED
    version: int = 1
    consent: str  # to disclosure, under which this goes
    person: str
    agreement: int
    language: str
    digest: str
    at: str
    notice: str = rules.NOTICE


def permit_to_see(tx: Transaction, actor: Actor, person: str) -> Permit:
    """Faults: refused, not_found."""
    own = actor.role == "patient"
    if own and sessions.member(tx, actor.member).person != person:
        raise Fault("refused", "consent of another person")
    permit = decide(actor, "grant_disclosure", Facts(member=actor.member if own else "", person=person))
    people.person(tx, person)
    return permit


def grant(
    tx: Transaction,
    actor: Actor,
    person: str,
    form: Form,
    *,
    scopes: tuple[Scope, ...],
    days: int,
    signature: str,
    how: Literal["portal", "paper"],
    at: str,
) -> str:
    """A person's written yes; its id. One that was in force is replaced. Faults: refused, not_found, bad_request."""
    permit = permit_to_see(tx, actor, person)
    ends = clock.text(clock.parse(at).timestamp() + timedelta(days=days).total_seconds())
    made = Consent(
        new_id(), person, scopes, form.version, form.language, form.digest, rules.signature(signature), how, at, ends
    )
    for older in rows.of_person(tx, person):
        if not older.ended_at:
            _end(tx, permit, older, "replaced", at)
    rows.grant(tx, permit, made, at)
    body = Granted(
        consent=made.id,
        person=_pseudonym(tx, person),
        scopes=scopes,
        form=form.version,
        language=form.language,
        digest=form.digest,
        how=how,
        granted_at=at,
        expires_at=ends,
    )
    outbox.add(tx, body.record, msgspec.json.encode(body), at)
    agreement_signed(tx, person, at)
    return made.id


def withdraw(tx: Transaction, actor: Actor, person: str, at: str) -> None:
    """From now on nothing about this person goes. Faults: refused, not_found, wrong_state (there is none)."""
    permit = permit_to_see(tx, actor, person)
    running = [one for one in rows.of_person(tx, person) if not one.ended_at]
    if not running:
        raise Fault("wrong_state", "no consent to end")
    for one in running:
        _end(tx, permit, one, "withdrawn", at)


def expire(tx: Transaction, at: str) -> bool:
    """End what has run out, and take out of waiting records what no consent covers any more. Before anything is sealed.
    Whether some consent ended.

    A clock that was set back, as after a flat battery, gives no consent more days: it is at least as late as when the
    newest record was made.
    """
    over = rows.run_out(tx, max(at, outbox.newest_at(tx)))
    for one in over:
        _end(tx, decide(BOX, "grant_disclosure", Facts(person=one.person)), one, "expired", at)
    rows.hold(tx, outbox.LOOKED_AT)
    return bool(over)


def agreement_signed(tx: Transaction, person: str, at: str) -> None:
    """Tell HQ which version of the agreement a person has signed, if they have and HQ may know."""
    consent, signed = rows.in_force(tx, person, SIGNED, at), agreements.newest_signature(tx, person)
    if consent is None or signed is None:
        return
    body = Signed(
        consent=consent.id,
        person=_pseudonym(tx, person),
        agreement=signed.version,
        language=signed.language,
        digest=signed.digest,
        at=signed.at,
    )
    rows.note(tx, outbox.add(tx, body.record, msgspec.json.encode(body), at), consent, SIGNED)


def _end(tx: Transaction, permit: Permit, consent: Consent, why: Why, at: str) -> None:
    rows.end(tx, permit, consent.id, why, at)
    rows.hold_of(tx, consent.id)
    body = Ended(consent=consent.id, person=_pseudonym(tx, consent.person), ended_at=at, why=why)
    outbox.add(tx, body.record, msgspec.json.encode(body), at)


def _pseudonym(tx: Transaction, person: str) -> str:
    return pseudonym(sessions.pseudonym_key(tx), "person", person)
