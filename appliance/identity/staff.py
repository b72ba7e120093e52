"""Who works here, for those who appoint and retire. Each runs in one transaction. What they do is in `actions.py`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.faults import Fault
from appliance.identity import rows
from appliance.identity.rows import Account, Place
from appliance.identity.rules import MAX_USERNAME, normal
from appliance.ids import ALPHABET
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Transaction

MAX_NAME = 80  # characters of a person's name
FIRST_PASSWORD = 12  # letters and digits: 58 bits; it is changed at the first sign-in


@dataclass(frozen=True, slots=True)
class Colleague:
    """One account and where it is signed in."""

    account: Account
    places: Sequence[Place]


def everybody(tx: Transaction, actor: Actor, now: int) -> list[Colleague]:
    """All accounts by name, retired ones last. `now`: steady seconds. Fault("refused")."""
    decide(actor, "see_staff", Facts())
    return [Colleague(one, rows.places(tx, one.person, b"", now)) for one in rows.accounts(tx)]


def one(tx: Transaction, actor: Actor, person: str, now: int) -> Colleague:
    """One account. Faults: refused, not_found."""
    decide(actor, "see_staff", Facts(person=person))
    found = rows.account_of(tx, person)
    if found is None:
        raise Fault("not_found", "no such account")
    return Colleague(found, rows.places(tx, person, b"", now))


def first_password() -> str:
    """A password to begin with, read aloud and typed without doubt."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(FIRST_PASSWORD)).lower()
    return "-".join(letters[at : at + 4] for at in range(0, FIRST_PASSWORD, 4))


def clean_name(text: str) -> str:
    """A person's name as it is kept: one line of letters. Fault("bad_request") if nothing is left or it is too long."""
    name = " ".join("".join(char if char.isprintable() else " " for char in normal(text)).split())
    if not 1 <= len(name) <= MAX_NAME:
        raise Fault("bad_request", "name")
    return name


def clean_username(text: str) -> str:
    """A user name: one word. Fault("bad_request")."""
    name = normal(text).strip()
    if not 2 <= len(name) <= MAX_USERNAME or not name.isprintable() or any(char.isspace() for char in name):
        raise Fault("bad_request", "username")
    return name
