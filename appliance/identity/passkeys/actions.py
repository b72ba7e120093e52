"""One's own passkeys: add, use at sign-in, remove. Each in one transaction."""

from __future__ import annotations

from appliance.faults import Fault
from appliance.identity.factors.actions import check_one_left
from appliance.identity.passkeys import ceremony, rows, rules
from appliance.identity.passkeys.ceremony import Made
from appliance.identity.passkeys.rules import Site
from appliance.policy import Actor, Facts, Permit, decide
from appliance.store.database import Transaction


def _own(actor: Actor, passkey: str = "") -> Permit:
    facts = Facts(leaders=(actor.person,), person=actor.person, thing=passkey)
    return decide(actor, "set_second_factor", facts)


def add(tx: Transaction, actor: Actor, site: Site, made: Made, label: str, at: str) -> str:
    """A new passkey's id. Faults: wrong_state (too many, or somebody has it), bad_request (the label)."""
    permit, there = _own(actor), rows.count(tx, actor.person)
    if there >= rules.MOST or rows.known(tx, made.credential_id):
        raise Fault("wrong_state", "passkeys")
    name = rules.label(label, there)
    return rows.add(tx, permit, site.host, made.credential_id, made.public_key, made.sign_count, name, at)


def remove(tx: Transaction, actor: Actor, passkey: str, at: str, *, keep_one: bool) -> None:
    """It opens nothing any more. `keep_one`: a second factor is required.

    Faults: not_found (not the actor's), last_factor (none would be left).
    """
    if not rows.remove(tx, _own(actor, passkey), passkey, at):
        raise Fault("not_found", "passkey")
    check_one_left(tx, actor.person, keep_one=keep_one)


def use(tx: Transaction, person: str, answer: str, challenge: bytes, site: Site, at: str) -> bool:
    """Whether one of the person's passkeys signed that challenge at that site just now."""
    try:
        passkey = rows.by_credential(tx, person, ceremony.credential_of(answer))
        if passkey is None or passkey.host != site.host:
            return False
        count = ceremony.judge(answer, challenge, site, passkey)
    except Fault as fault:
        if fault.code != "wrong_passkey":
            raise
        return False
    rows.used(tx, passkey.id, count, at)
    return True
