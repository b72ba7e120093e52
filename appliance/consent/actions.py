"""Publish an agreement; sign it; begin a new round, in which everybody of a group signs again."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.care import rows as care
from appliance.consent import rows, rules, texts
from appliance.disclosures import actions as disclosures
from appliance.faults import Fault
from appliance.policy import Actor, Facts, decide
from appliance.sessions import rows as sessions
from appliance.sessions.rules import member_after
from appliance.store.database import Transaction


def publish(tx: Transaction, actor: Actor, agreements: Sequence[rows.Agreement], at: str) -> None:
    """A new version, in one or more languages."""
    permit = decide(actor, "publish", Facts())
    for agreement in agreements:
        rows.publish(tx, permit, agreement, at)


def shown(tx: Transaction, language: str) -> tuple[rows.Agreement, tuple[rows.Text, ...], str]:
    """What is on the page to sign: the agreement, what is acknowledged apart, and one word for all of it."""
    agreement = rows.current(tx, language)
    parts = tuple(rows.Text(one.name, one.language, one.title, one.body) for one in texts.parts(language))
    return agreement, parts, rules.shown([agreement.digest, *(one.digest for one in parts)])


def sign(tx: Transaction, actor: Actor, language: str, given: rules.Signing, at: str) -> None:
    """A person's yes to the texts they were shown, and to each part that is acknowledged apart.

    Who signed before the parts were there acknowledges only those. If another text counts meanwhile: Fault("forged"),
    show it again. bad_request without a tick or a name; wrong_state for one who was removed or denied, and after the
    session.
    """
    permit = decide(actor, "sign", Facts(member=actor.member))
    member = sessions.member(tx, actor.member)
    session = sessions.session(tx, member.session)
    member_after(member.standing, "sign", session.state)
    wanted = rows.asked(tx, member.person, session.care_group)
    if not wanted:  # sent twice
        return
    agreement, parts, word = shown(tx, language)
    if word != given.shown:
        raise Fault("forged", "another text counts now")
    if not given.limits or not given.risks:
        raise Fault("bad_request", "a part was not acknowledged")
    if wanted == "parts":
        number = _counting(tx, member.person, session.care_group, agreement.version)
        rows.note_parts(tx, permit, member.person, at)
    else:
        typed = rules.signature(given.typed, given.agreed)
        cycle, _ = rows.cycle(tx, session.care_group)
        group = session.care_group
        number = rows.add_consent(
            tx, permit, member.person, agreement, typed, at, care_group=group, cycle=cycle, member=member.id
        )
        disclosures.agreement_signed(tx, member.person, at)
    for part in parts:
        rows.add_part(tx, permit, number, part, at)


def new_cycle(tx: Transaction, actor: Actor, care_group: str, at: str) -> int:
    """Everybody of the group is asked to sign again before they come in the next time; who waits goes back to it.

    How many people that is. Faults: not_found, refused.
    """
    permit = decide(actor, "new_cycle", care.facts(tx, care_group))
    rows.begin_cycle(tx, permit, care_group, at)
    return len(care.people(tx, care_group))


def _counting(tx: Transaction, person: str, care_group: str, version: int) -> int:
    cycle, _ = rows.cycle(tx, care_group)
    given = rows.signatures(tx, person, care_group)
    return next(one.sequence for one in given if (one.version, one.cycle) == (version, cycle))
