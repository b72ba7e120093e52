"""Enrol people, sign in, sign out. Each runs on the writer thread in one transaction."""

from __future__ import annotations

from appliance.faults import Fault
from appliance.identity import rows
from appliance.identity.rows import Account, Login
from appliance.identity.rules import LOGIN_SECONDS
from appliance.ids import new_token, token_hash
from appliance.policy import Actor, Facts, StaffRole, Surface, decide
from appliance.store.database import Transaction


def enrol(tx: Transaction, actor: Actor, name: str, at: str) -> str:
    """Note down a person; their id."""
    return rows.add_person(tx, decide(actor, "enrol", Facts()), name, at)


def appoint(tx: Transaction, actor: Actor, name: str, username: str, role: StaffRole, password: str, at: str) -> str:
    """Enrol a member of staff with an account. `password` is a PHC string, hashed before the transaction."""
    permit = decide(actor, "enrol", Facts())
    if rows.account(tx, username) is not None:
        raise Fault("wrong_state", "that account name is in use")
    person = rows.add_person(tx, permit, name, at)
    rows.add_account(tx, permit, Account(person, name, username, role, password), at)
    return person


def sign_in(tx: Transaction, account: Account, surface: Surface, at: str, now: int) -> tuple[str, Login]:
    """A fresh token and its login, for an account whose password was verified before the transaction."""
    current = rows.account(tx, account.username)
    if current is None or current.password != account.password:
        raise Fault("wrong_sign_in")
    actor = Actor(person=current.person, role=current.role, surface=surface)
    permit = decide(actor, "sign_in", Facts(leaders=(current.person,)))
    rows.drop_expired(tx, now)
    token, csrf = new_token(), new_token()
    rows.add_login(tx, permit, token_hash(token), csrf, at, now + LOGIN_SECONDS)
    return token, Login(current.person, current.name, current.role, csrf)


def sign_out(tx: Transaction, actor: Actor, token: str, at: str) -> None:
    rows.end_login(tx, decide(actor, "sign_out", Facts(leaders=(actor.person,))), token_hash(token), at)
