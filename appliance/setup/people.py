"""The first two accounts while the clinic is being set up: who they are, their codes, another name or password.

Each runs in one transaction and asks the policy as the person it concerns, or as the administrator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity import rows
from appliance.identity.factors import actions as second
from appliance.identity.factors import rows as factors
from appliance.policy import Actor, Facts, decide
from appliance.setup import rows as founding
from appliance.store.database import Transaction

Role = Literal["administrator", "clinical_lead"]


@dataclass(frozen=True, slots=True)
class First:
    """One of the two. `ready`: has a second factor that counts."""

    person: str
    role: Role
    name: str
    username: str
    ready: bool


def first_two(tx: Transaction) -> tuple[First, First]:
    """Administrator and clinical lead. Fault("wrong_state") if there is not one of each: then staff were appointed."""
    return _one(tx, "administrator"), _one(tx, "clinical_lead")


def print_codes(tx: Transaction, role: Role) -> list[str]:
    """A sheet that counts once `confirm_codes` was given one of it. A sheet that counts already stays until then."""
    return second.print_codes(tx, _self(tx, role), now_text(), pending=True)


def confirm_codes(tx: Transaction, role: Role, typed: str) -> None:
    """Fault("wrong_code")."""
    second.confirm_codes(tx, _self(tx, role), typed, now_text())


def change(tx: Transaction, actor: Actor, role: Role, name: str, username: str, phc: str) -> None:
    """Another name, user name or password (`phc`, "" keeps it). Faults: username_taken, refused."""
    there, at = _one(tx, role), now_text()
    other = rows.account(tx, username)
    if other is not None and other.person != there.person:
        raise Fault("username_taken")
    if (name, username) != (there.name, there.username):
        permit = decide(actor, "appoint", Facts(person=there.person))
        founding.rename(tx, permit, there.person, name, username, at)
    if phc and there.person == actor.person:
        identity.change_password(tx, actor, phc, at)
    elif phc:
        permit = decide(actor, "reset_sign_in", Facts(person=there.person))
        rows.set_password(tx, permit, there.person, phc, at, must_change=True)


def _one(tx: Transaction, role: Role) -> First:
    found = [one for one in rows.accounts(tx) if one.role == role and not one.retired]
    if len(found) != 1:
        raise Fault("wrong_state", "this clinic has other staff")
    (account,) = found
    ready = bool(factors.factors(tx, account.person))
    return First(account.person, role, account.name, account.username, ready)


def _self(tx: Transaction, role: Role) -> Actor:
    return Actor(_one(tx, role).person, role, surface="console", address="console")
