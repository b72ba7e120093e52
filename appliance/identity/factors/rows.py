"""Authenticators and printed codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Authenticator:
    """What a person's phone knows too. `last_step`: the newest code used; `holder`: whom the secret was shown.

    It has no readable repr.
    """

    secret: str
    last_step: int
    since: str
    holder: bytes = b""  # the hash of a token

    def __repr__(self) -> str:
        return "Authenticator(…)"


@dataclass(frozen=True, slots=True)
class Factors:
    """Which second factors a person has. `codes`: printed ones that are left; `sheet`: there is one, if used up."""

    authenticator: bool = False
    codes: int = 0
    sheet: bool = False
    passkeys: int = 0

    def __bool__(self) -> bool:
        return self.authenticator or self.sheet or self.passkeys > 0


def factors(tx: Transaction, person: str) -> Factors:
    """What counts, not what is still being set up."""
    states = [row["state"] for row in tx.all("SELECT state FROM printed_codes WHERE person = ?", (person,))]
    keys = tx.one("SELECT count(*) FROM passkeys WHERE person = ?", (person,))
    sheet = any(state != "pending" for state in states)
    return Factors(authenticator(tx, person) is not None, states.count("good"), sheet, keys[0] if keys else 0)


def authenticator(tx: Transaction, person: str, *, pending: bool = False) -> Authenticator | None:
    row = tx.one("SELECT * FROM authenticators WHERE person = ? AND pending = ?", (person, int(pending)))
    return Authenticator(row["secret"], row["last_step"], row["since"], bytes(row["holder"])) if row else None


def keep_pending(tx: Transaction, permit: Permit, secret: str, at: str, holder: bytes) -> None:
    """A secret that counts once one of its codes was typed. No audit entry yet: nothing has changed for anybody."""
    new = (permit.actor.person, secret, at, holder)
    tx.execute("INSERT OR REPLACE INTO authenticators VALUES (?, 1, ?, 0, ?, ?)", new)


def confirm(tx: Transaction, permit: Permit, step: int, at: str) -> None:
    """The pending authenticator counts from now on; one that was there before is gone."""
    person = permit.actor.person
    tx.execute("DELETE FROM authenticators WHERE person = ? AND pending = 0", (person,))
    tx.execute("UPDATE authenticators SET pending = 0, last_step = ?, since = ? WHERE person = ?", (step, at, person))
    audit.append(tx, permit, at)


def remove_authenticator(tx: Transaction, permit: Permit, at: str) -> None:
    tx.execute("DELETE FROM authenticators WHERE person = ?", (permit.actor.person,))
    audit.append(tx, permit, at)


def use_step(tx: Transaction, person: str, step: int) -> None:
    """That code was used. The audit entry is the sign-in's."""
    tx.execute("UPDATE authenticators SET last_step = ? WHERE person = ? AND pending = 0", (step, person))


def replace_codes(tx: Transaction, permit: Permit, digests: Iterable[bytes], at: str, *, pending: bool) -> None:
    """A new sheet. The old one stops, or waits until the new one counts."""
    person = permit.actor.person
    tx.execute("DELETE FROM printed_codes WHERE person = ? AND (? = 0 OR state = 'pending')", (person, int(pending)))
    state = "pending" if pending else "good"
    for digest in digests:
        tx.execute("INSERT INTO printed_codes VALUES (?, ?, ?, ?)", (person, digest, state, at))
    audit.append(tx, permit, at)


def confirm_codes(tx: Transaction, permit: Permit, digest: bytes, at: str) -> bool:
    """The pending sheet counts, if that is one of its codes; it replaces the old one and loses no code by it."""
    person = permit.actor.person
    found = tx.one("SELECT state FROM printed_codes WHERE person = ? AND digest = ?", (person, digest))
    if found is None or found["state"] != "pending":
        return False
    tx.execute("DELETE FROM printed_codes WHERE person = ? AND state <> 'pending'", (person,))
    tx.execute("UPDATE printed_codes SET state = 'good' WHERE person = ?", (person,))
    audit.append(tx, permit, at)
    return True


def use_code(tx: Transaction, person: str, digest: bytes) -> bool:
    """Whether that code was still good; it is used now. The audit entry is the sign-in's."""
    this = (person, digest)
    return (
        tx.execute("UPDATE printed_codes SET state = 'used' WHERE person = ? AND digest = ? AND state = 'good'", this)
        > 0
    )


def forget(tx: Transaction, _permit: Permit, person: str) -> None:
    """All second factors of a person, within a reset of their sign-in, which has the audit entry."""
    tx.execute("DELETE FROM authenticators WHERE person = ?", (person,))
    tx.execute("DELETE FROM printed_codes WHERE person = ?", (person,))
    tx.execute("DELETE FROM passkeys WHERE person = ?", (person,))
