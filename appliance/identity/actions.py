"""Enrol people, appoint and retire staff, sign in step by step, sign out. Each runs on the writer thread in one
transaction.

What a password or a new password is worth was found out before the transaction: hashing is slow on purpose. Second
factors are in `factors/actions.py`; the order of the steps is `rules.stage_after`.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.faults import Fault
from appliance.identity import rows
from appliance.identity.doors import rows as doors
from appliance.identity.factors import rows as factors
from appliance.identity.rows import Account, HalfLogin
from appliance.identity.rules import Demand, Stage, stage_after
from appliance.ids import new_token, token_hash
from appliance.notes.access import actions as access
from appliance.policy import Action, Actor, Facts, Permit, StaffRole, Surface, decide
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Step:
    """Where somebody is on the way in: the token for the next step, or of the login (`stage` "full").

    It has no readable repr: the token is a secret.
    """

    token: str
    stage: Stage
    person: str
    name: str
    role: StaffRole

    def __repr__(self) -> str:
        return f"Step({self.stage})"


# -- people and accounts -----------------------------------------------------------------------------------------------


def enrol(tx: Transaction, actor: Actor, name: str, at: str) -> str:
    """Note down a person; their id."""
    return rows.add_person(tx, decide(actor, "enrol", Facts()), name, at)


def appoint(
    tx: Transaction,
    actor: Actor,
    name: str,
    username: str,
    role: StaffRole,
    password: str,
    at: str,
    *,
    must_change: bool = False,
) -> str:
    """Enrol a member of staff with an account; their id. `password` is a PHC string, hashed before the transaction.

    `must_change`: somebody else made the password up, so its owner chooses another at the first sign-in.
    Faults: refused, username_taken.
    """
    permit = decide(actor, "appoint", Facts())
    if rows.username_taken(tx, username):
        raise Fault("username_taken")
    person = rows.add_person(tx, permit, name, at)
    rows.add_account(
        tx,
        decide(actor, "appoint", Facts(person=person)),
        Account(person, name, username, role, password, must_change),
        at,
    )
    return person


def retire(tx: Transaction, actor: Actor, person: str, at: str) -> None:
    """Their credentials stop at once; what they wrote and did stays. Afterwards call `Clinic.end_logins_of`.

    Faults: refused, not_found, wrong_state (retired already), last_administrator (also: oneself).
    """
    permit, found = _other(tx, actor, "retire", person)
    if found.retired:
        raise Fault("wrong_state", "retired already")
    keep_the_last(tx, found)
    rows.retire(tx, permit, person, at)
    access.forget(tx, permit, person, at)
    rows.drop_logins(tx, permit, person)
    doors.forget_devices(tx, person)


def reset_sign_in(tx: Transaction, actor: Actor, person: str, password: str, at: str) -> None:
    """A password to begin with (a PHC string), second factors and known devices forgotten; re-instates who was retired.

    Afterwards call `Clinic.end_logins_of`. Faults: refused, not_found, wrong_state (one's own: that is My account).
    """
    permit, found = _other(tx, actor, "reset_sign_in", person)
    if found.retired:
        rows.reinstate(tx, permit, person)
    rows.set_password(tx, permit, person, password, at, must_change=True)
    factors.forget(tx, permit, person)
    rows.drop_logins(tx, permit, person)
    rows.forget_wrong_codes(tx, person)
    doors.forget_devices(tx, person)


def _other(tx: Transaction, actor: Actor, action: Action, person: str) -> tuple[Permit, Account]:
    permit = decide(actor, action, Facts(person=person))
    found = rows.account_of(tx, person)
    if found is None:
        raise Fault("not_found", "no such account")
    if person == actor.person:
        raise Fault("own_account")
    return permit, found


def keep_the_last(tx: Transaction, found: Account) -> None:
    """Without one who may appoint, nobody could ever be let in again."""
    who_appoint = ("administrator", "clinical_lead")
    left = [a for a in rows.accounts(tx) if not a.retired and a.person != found.person]
    administrators = [a for a in left if a.role == "administrator"]
    if found.role == "administrator" and not administrators:
        raise Fault("last_administrator")
    if found.role in who_appoint and not any(a.role in who_appoint for a in left):
        raise Fault("last_administrator")


def change_password(tx: Transaction, actor: Actor, password: str, at: str, *, keep: bytes = b"") -> None:
    """One's own, a PHC string. Every other login of the person ends; `keep`: the token's hash of the one that stays."""
    permit = decide(actor, "change_password", Facts(leaders=(actor.person,), person=actor.person))
    rows.set_password(tx, permit, actor.person, password, at, must_change=False)
    rows.drop_logins(tx, permit, actor.person, but=keep)
    doors.forget_devices(tx, actor.person)


# -- the way in --------------------------------------------------------------------------------------------------------


def begin(tx: Transaction, account: Account, actor: Actor, *, shared: bool, at: str, now: int, demand: Demand) -> Step:
    """After the right password, verified before the transaction: the next step, or the login where none is missing.

    Faults: wrong_sign_in (the password or the account has changed meanwhile), refused.
    """
    current = rows.account(tx, account.username)
    if current is None or current.password != account.password:
        raise Fault("wrong_sign_in")
    token = new_token()
    rows.add_half(tx, token_hash(token), current.person, actor.surface, shared, new_token(), now)
    return onward(tx, actor, token, at=at, now=now, demand=demand)


def prove(tx: Transaction, actor: Actor, token: str, *, at: str, now: int, demand: Demand) -> Step:
    """After the second factor was found right in this transaction. Fault("not_signed_in")."""
    rows.prove_half(tx, token_hash(token))
    rows.forget_wrong_codes(tx, actor.person)
    return onward(tx, actor, token, at=at, now=now, demand=demand)


def onward(tx: Transaction, actor: Actor, token: str, *, at: str, now: int, demand: Demand) -> Step:
    """Under a new token to the next step, or signed in. Faults: not_signed_in, refused."""
    half = rows.half(tx, token_hash(token), actor.surface, now)
    if half is None:
        raise Fault("not_signed_in")
    account, fresh = half.account, new_token()
    stage = stage_of(tx, half, demand)
    if stage == "full":
        permit = decide(actor, "sign_in", Facts(leaders=(account.person,), person=account.person))
        rows.drop_half(tx, token_hash(token))
        rows.drop_expired(tx, now)
        rows.add_login(tx, permit, token_hash(fresh), new_token(), at, now, shared=half.shared)
    else:
        rows.rotate_half(tx, token_hash(token), token_hash(fresh), new_token())
    return Step(fresh, stage, account.person, account.name, account.role)


def stage_of(tx: Transaction, half: HalfLogin, demand: Demand) -> Stage:
    """What is still missing for that half login."""
    has_factor = bool(factors.factors(tx, half.account.person))
    return stage_after(has_factor=has_factor, proven=half.proven, must_change=half.account.must_change, demand=demand)


def actor_of(half: HalfLogin, address: str) -> Actor:
    """Who is on the way in."""
    return Actor(half.account.person, half.account.role, half.surface, address=address)


# -- the way out -------------------------------------------------------------------------------------------------------


def sign_out(tx: Transaction, actor: Actor, token: str, at: str) -> None:
    rows.end_login(tx, decide(actor, "sign_out", Facts(leaders=(actor.person,))), token_hash(token), at)


def sign_out_place(tx: Transaction, actor: Actor, place: str, at: str) -> bytes:
    """End one of one's own logins by its id; its token's hash. Fault("not_found")."""
    ended = rows.end_place(tx, decide(actor, "sign_out", Facts(leaders=(actor.person,), thing=place)), place, at)
    if ended is None:
        raise Fault("not_found", "no such login")
    return ended


def end_all_logins(tx: Transaction, actor: Actor, person: str, at: str) -> None:
    """Sign a person out everywhere: oneself, or another. Known devices are forgotten too: one may be stolen.

    Afterwards call `Clinic.end_logins_of`. Faults: refused, not_found.
    """
    own = person == actor.person
    action: Action = "sign_out_everywhere" if own else "end_logins"
    permit = decide(actor, action, Facts(leaders=(person,), person=person))
    if rows.account_of(tx, person) is None:
        raise Fault("not_found", "no such account")
    rows.drop_logins(tx, permit, person)
    doors.forget_devices(tx, person)
    rows.note(tx, permit, at)


def surface_actor(account: Account | None, surface: Surface, address: str) -> Actor:
    """Who tries to sign in: the account's person, or nobody that is known."""
    if account is None:
        return Actor("", "box", surface, address=address)
    return Actor(account.person, account.role, surface, address=address)
