"""Publish an agreement; sign it."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.consent import rows, rules
from appliance.disclosures import actions as disclosures
from appliance.faults import Fault
from appliance.policy import Actor, Facts, decide
from appliance.sessions import rows as sessions
from appliance.sessions.rules import member_after
from appliance.store.database import Transaction


def publish(tx: Transaction, actor: Actor, texts: Sequence[rows.Agreement], at: str) -> None:
    """A new version, in one or more languages."""
    permit = decide(actor, "publish", Facts())
    for text in texts:
        rows.publish(tx, permit, text, at)


def sign(
    tx: Transaction, actor: Actor, person: str, language: str, version: int, typed: str, agreed: bool, at: str
) -> None:
    """A person's yes to the text they were shown. If a newer version came meanwhile: Fault("forged"), show it again.

    wrong_state for one who was removed or denied, and after the session.
    """
    permit = decide(actor, "sign", Facts(member=actor.member))
    member = sessions.member(tx, actor.member)
    member_after(member.standing, "sign", sessions.session(tx, member.session).state)
    signature = rules.signature(typed, agreed)
    agreement = rows.current(tx, language)
    if agreement.version != version:
        raise Fault("forged", "another version counts now")
    rows.add_consent(tx, permit, person, agreement, signature, at)
    disclosures.agreement_signed(tx, person, at)
