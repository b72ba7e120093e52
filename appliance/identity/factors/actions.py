"""One's own second factors: set up, confirm, take away; and their use at sign-in. Each in one transaction."""

from __future__ import annotations

import secrets

import pyotp

from appliance.faults import Fault
from appliance.identity.factors import rows, rules
from appliance.ids import ALPHABET
from appliance.policy import Actor, Facts, Permit, decide
from appliance.store.database import Transaction


def _own(actor: Actor) -> Permit:
    return decide(actor, "set_second_factor", Facts(leaders=(actor.person,), person=actor.person))


def begin_authenticator(tx: Transaction, actor: Actor, at: str, holder: bytes) -> str:
    """The secret (base32) that an authenticator is being set up with; the same one until it was confirmed.

    `holder`: the hash of the token that asks. Another one gets another secret: who has stolen a password must not know
    the one that its owner sets up later.
    """
    permit = _own(actor)
    there = rows.authenticator(tx, actor.person, pending=True)
    if there is not None and there.holder == holder:
        return there.secret
    secret = pyotp.random_base32(rules.SECRET_LENGTH)
    rows.keep_pending(tx, permit, secret, at, holder)
    return secret


def confirm_authenticator(tx: Transaction, actor: Actor, typed: str, at: str, wall: int, holder: bytes) -> None:
    """It counts from now on. `wall` in seconds since the epoch.

    Faults: wrong_code (also: another login has begun meanwhile), wrong_state (nothing was begun).
    """
    permit = _own(actor)
    pending = rows.authenticator(tx, actor.person, pending=True)
    if pending is None:
        raise Fault("wrong_state", "no authenticator is being set up")
    step = rules.matching_step(pending.secret, typed, wall, 0)
    if step is None or pending.holder != holder:
        raise Fault("wrong_code")
    rows.confirm(tx, permit, step, at)


def remove_authenticator(tx: Transaction, actor: Actor, at: str, *, keep_one: bool) -> None:
    """Take it away. `keep_one`: a second factor is required. Fault("last_factor") if none would be left then."""
    permit = _own(actor)
    rows.remove_authenticator(tx, permit, at)
    check_one_left(tx, actor.person, keep_one=keep_one)


def check_one_left(tx: Transaction, person: str, *, keep_one: bool) -> None:
    """After one was taken away: Fault("last_factor") if nothing is left to sign in with; the transaction rolls back."""
    left = rows.factors(tx, person)
    if keep_one and not (left.authenticator or left.codes or left.passkeys):
        raise Fault("last_factor")


def print_codes(tx: Transaction, actor: Actor, at: str, *, pending: bool = False) -> list[str]:
    """A new sheet, as printed: the only time that its codes are known. The old sheet stops.

    `pending`: it counts, and the old one stops, only when `confirm_codes` was given one of its codes.
    """
    codes = new_codes()
    keep_codes(tx, actor, codes, at, pending=pending)
    return codes


def new_codes() -> list[str]:
    """A sheet, as printed, that counts for nobody yet."""
    sheet = range(rules.SHEET)
    return [rules.shown_code("".join(secrets.choice(ALPHABET) for _ in range(rules.CODE_LENGTH))) for _ in sheet]


def keep_codes(tx: Transaction, actor: Actor, codes: list[str], at: str, *, pending: bool = False) -> None:
    """That sheet counts from now on, or once one of its codes was typed."""
    digests = [rules.code_digest(actor.person, code) for code in codes]
    rows.replace_codes(tx, _own(actor), digests, at, pending=pending)


def confirm_codes(tx: Transaction, actor: Actor, typed: str, at: str) -> None:
    """The pending sheet counts; the typed code stays good. Fault("wrong_code")."""
    if not rows.confirm_codes(tx, _own(actor), rules.code_digest(actor.person, typed), at):
        raise Fault("wrong_code")


def use_authenticator(tx: Transaction, person: str, typed: str, wall: int) -> bool:
    """Whether that is a code of the person's authenticator that was not used yet; it is used now."""
    there = rows.authenticator(tx, person)
    step = rules.matching_step(there.secret, typed, wall, there.last_step) if there else None
    if step is not None:
        rows.use_step(tx, person, step)
    return step is not None


def use_printed(tx: Transaction, person: str, typed: str) -> bool:
    """Whether that is a printed code of the person that was not used yet; it is used now."""
    return rows.use_code(tx, person, rules.code_digest(person, typed))
