"""People, accounts and logins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from appliance.audit import rows as audit
from appliance.ids import new_id
from appliance.policy import Permit, StaffRole
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff who may sign in. `password` is a PHC string."""

    person: str
    name: str
    username: str
    role: StaffRole
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """Someone signed in. `csrf` is the word that each of their forms carries."""

    person: str
    name: str
    role: StaffRole
    csrf: str


def add_person(tx: Transaction, permit: Permit, name: str, at: str) -> str:
    """A new person's id."""
    person = new_id()
    tx.execute("INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)", (person, name, at))
    audit.append(tx, permit, at)
    return person


def add_account(tx: Transaction, permit: Permit, account: Account, at: str) -> None:
    tx.execute(
        "INSERT INTO accounts (person, username, role, password) VALUES (?, ?, ?, ?)",
        (account.person, account.username, account.role, account.password),
    )
    audit.append(tx, permit, at)


def account(tx: Transaction, username: str) -> Account | None:
    """The account in use with that name, upper and lower case alike."""
    row = tx.one(
        "SELECT a.person, p.name, a.username, a.role, a.password FROM accounts a JOIN people p ON p.id = a.person"
        " WHERE a.username = ? AND a.retired_at IS NULL",
        (username,),
    )
    if row is None:
        return None
    return Account(row["person"], row["name"], row["username"], cast(StaffRole, row["role"]), row["password"])


def add_login(tx: Transaction, permit: Permit, digest: bytes, csrf: str, at: str, expires_at: int) -> None:
    tx.execute(
        "INSERT INTO logins (token_hash, person, surface, csrf, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        (digest, permit.actor.person, permit.actor.surface, csrf, at, expires_at),
    )
    audit.append(tx, permit, at)


def login(tx: Transaction, digest: bytes, surface: str, now: int) -> Login | None:
    """Who holds that token at that surface now, or None. Retired people hold none."""
    row = tx.one(
        "SELECT l.person, p.name, a.role, l.csrf FROM logins l"
        " JOIN people p ON p.id = l.person JOIN accounts a ON a.person = l.person"
        " WHERE l.token_hash = ? AND l.surface = ? AND l.expires_at > ? AND a.retired_at IS NULL",
        (digest, surface, now),
    )
    return _login(row) if row else None


def end_login(tx: Transaction, permit: Permit, digest: bytes, at: str) -> None:
    tx.execute("DELETE FROM logins WHERE token_hash = ?", (digest,))
    audit.append(tx, permit, at)


def drop_expired(tx: Transaction, now: int) -> None:
    """Forget logins that ended by themselves."""
    tx.execute("DELETE FROM logins WHERE expires_at <= ?", (now,))


def _login(row: Row) -> Login:
    return Login(row["person"], row["name"], cast(StaffRole, row["role"]), row["csrf"])
