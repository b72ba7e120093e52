"""People, accounts, logins, and half logins: those whose second step is still missing.

Moments of logins are seconds of the steady clock (`clock.steady_seconds`). A half login is in a table of its own, so
that no question for a login can ever be answered with one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from appliance.audit import rows as audit
from appliance.identity.rules import HALF_SECONDS, IN_ROOM_SECONDS, KEPT_SECONDS, LONGEST, MAX_LOGINS, limits
from appliance.ids import new_id
from appliance.policy import Permit, StaffRole, Surface
from appliance.store.database import Row, Transaction

CLOCK_SLACK = 120  # seconds; a login seen further ahead than that is from under another clock, and ends

_SURFACES: tuple[Surface, ...] = ("portal", "console")

Ended = Literal["idle", "long"]


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff who may sign in. `password` is a PHC string."""

    person: str
    name: str
    username: str
    role: StaffRole
    password: str
    must_change: bool = False
    wrong_codes: int = 0  # after the right password, since the last sign-in
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """Someone signed in. `csrf` is the word that each of their forms carries; `shared`: not their own device."""

    person: str
    name: str
    role: StaffRole
    csrf: str
    shared: bool = False
    seen: int = 0
    proved: int = 0
    username: str = ""


@dataclass(frozen=True, slots=True)
class HalfLogin:
    """Someone whose password was right. `proven`: the second factor was shown too."""

    account: Account
    surface: Surface
    shared: bool
    proven: bool
    csrf: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is signed in, as their own page lists it."""

    id: str
    surface: Surface
    since: str
    address: str
    shared: bool
    here: bool


# -- people and accounts -----------------------------------------------------------------------------------------------


def add_person(tx: Transaction, permit: Permit, name: str, at: str) -> str:
    """A new person's id."""
    person = new_id()
    tx.execute("INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)", (person, name, at))
    audit.append(tx, permit, at, person=person)
    return person


def add_account(tx: Transaction, permit: Permit, account: Account, at: str) -> None:
    tx.execute(
        "INSERT INTO accounts (person, username, role, password, must_change) VALUES (?, ?, ?, ?, ?)",
        (account.person, account.username, account.role, account.password, int(account.must_change)),
    )
    audit.append(tx, permit, at, person=account.person)


_ACCOUNT = "SELECT a.*, p.name FROM accounts a JOIN people p ON p.id = a.person"


def account(tx: Transaction, username: str) -> Account | None:
    """The account in use with that name, upper and lower case alike."""
    row = tx.one(f"{_ACCOUNT} WHERE a.username = ? AND a.retired_at IS NULL", (username,))
    return _account(row) if row else None


def username_taken(tx: Transaction, username: str) -> bool:
    """Also by somebody who was retired: the audit must not show two people under one name."""
    return tx.one("SELECT 1 FROM accounts WHERE username = ?", (username,)) is not None


def account_of(tx: Transaction, person: str) -> Account | None:
    """That person's account, also a retired one."""
    row = tx.one(f"{_ACCOUNT} WHERE a.person = ?", (person,))
    return _account(row) if row else None


def accounts(tx: Transaction) -> list[Account]:
    """All accounts by name, retired ones last."""
    return [_account(row) for row in tx.all(f"{_ACCOUNT} ORDER BY a.retired_at IS NOT NULL, p.name, a.person")]


def set_password(tx: Transaction, permit: Permit, person: str, phc: str, at: str, *, must_change: bool) -> None:
    tx.execute("UPDATE accounts SET password = ?, must_change = ? WHERE person = ?", (phc, int(must_change), person))
    audit.append(tx, permit, at)


def retire(tx: Transaction, permit: Permit, person: str, at: str) -> None:
    tx.execute("UPDATE accounts SET retired_at = ? WHERE person = ? AND retired_at IS NULL", (at, person))
    audit.append(tx, permit, at)


def reinstate(tx: Transaction, _permit: Permit, person: str) -> None:
    """Within a reset of the person's sign-in, which has the audit entry."""
    tx.execute("UPDATE accounts SET retired_at = NULL WHERE person = ?", (person,))


def count_wrong_code(tx: Transaction, person: str) -> None:
    tx.execute("UPDATE accounts SET wrong_codes = wrong_codes + 1 WHERE person = ?", (person,))


def forget_wrong_codes(tx: Transaction, person: str) -> None:
    tx.execute("UPDATE accounts SET wrong_codes = 0 WHERE person = ?", (person,))


# -- half logins -------------------------------------------------------------------------------------------------------


def add_half(tx: Transaction, digest: bytes, person: str, surface: Surface, shared: bool, csrf: str, now: int) -> None:
    """No permit and no audit entry: nobody is signed in yet."""
    tx.execute("DELETE FROM half_logins WHERE expires_at <= ?", (now,))
    tx.execute(
        "INSERT INTO half_logins VALUES (?, ?, ?, ?, 0, ?, ?)",
        (digest, person, surface, int(shared), csrf, now + HALF_SECONDS),
    )
    tx.execute(
        "DELETE FROM half_logins WHERE person = ? AND rowid NOT IN"
        " (SELECT rowid FROM half_logins WHERE person = ? ORDER BY rowid DESC LIMIT ?)",
        (person, person, MAX_LOGINS),
    )


def half(tx: Transaction, digest: bytes, surface: Surface, now: int) -> HalfLogin | None:
    """Who is on their way in with that token. A retired person is not."""
    row = tx.one(
        "SELECT * FROM half_logins WHERE token_hash = ? AND surface = ? AND expires_at > ? AND expires_at <= ?",
        (digest, surface, now, now + HALF_SECONDS + CLOCK_SLACK),
    )
    found = account_of(tx, row["person"]) if row else None
    if row is None or found is None or found.retired:
        return None
    return HalfLogin(found, surface, bool(row["shared"]), bool(row["proven"]), row["csrf"])


def prove_half(tx: Transaction, digest: bytes) -> None:
    tx.execute("UPDATE half_logins SET proven = 1 WHERE token_hash = ?", (digest,))


def rotate_half(tx: Transaction, old: bytes, new: bytes, csrf: str) -> None:
    """The same way in, under a new token."""
    tx.execute("UPDATE half_logins SET token_hash = ?, csrf = ? WHERE token_hash = ?", (new, csrf, old))


def drop_half(tx: Transaction, digest: bytes) -> None:
    tx.execute("DELETE FROM half_logins WHERE token_hash = ?", (digest,))


# -- logins ------------------------------------------------------------------------------------------------------------


def add_login(tx: Transaction, permit: Permit, digest: bytes, csrf: str, at: str, now: int, *, shared: bool) -> None:
    """A full login of the permit's actor at their surface."""
    actor = permit.actor
    limit = limits(actor.surface, shared=shared)
    tx.execute(
        "INSERT INTO logins (token_hash, id, person, surface, address, shared, csrf, created_at,"
        " began, seen, proved, idle_ends, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(digest, new_id(), actor.person, actor.surface, actor.address, int(shared), csrf, at),
            *(now, now, now, now + limit.idle, now + limit.absolute),
        ),
    )
    tx.execute(
        "DELETE FROM logins WHERE person = ? AND rowid NOT IN"
        " (SELECT rowid FROM logins WHERE person = ? ORDER BY rowid DESC LIMIT ?)",
        (actor.person, actor.person, MAX_LOGINS),
    )
    audit.append(tx, permit, at)


_LOGIN = (
    "SELECT l.*, p.name, a.role, a.username FROM logins l"
    " JOIN people p ON p.id = l.person JOIN accounts a ON a.person = l.person"
)
_STANDS = "l.expires_at > ? AND l.idle_ends > ? AND l.seen <= ? AND a.retired_at IS NULL"


def _now(now: int) -> tuple[int, int, int]:
    return now, now, now + CLOCK_SLACK


def login(tx: Transaction, digest: bytes, surface: str, now: int) -> Login | None:
    """Who is fully signed in with that token at that surface now, or None. Retired people are not.

    `now` of the steady clock.
    """
    row = tx.one(
        f"{_LOGIN} WHERE l.token_hash = ? AND l.surface = ? AND {_STANDS}",
        (digest, surface, *_now(now)),
    )
    return _login(row) if row else None


def alive(tx: Transaction, digest: bytes, now: int) -> bool:
    """Whether that is a login or a half login that has not ended, at whatever surface."""
    whole = tx.one(f"{_LOGIN} WHERE l.token_hash = ? AND {_STANDS}", (digest, *_now(now)))
    return whole is not None or any(half(tx, digest, surface, now) for surface in _SURFACES)


def why_ended(tx: Transaction, digest: bytes, now: int) -> Ended | None:
    """How a login ended by itself not long ago; None for one that was signed out, retired or never was."""
    row = tx.one("SELECT idle_ends, expires_at FROM logins WHERE token_hash = ?", (digest,))
    if row is None:
        return None
    if row["expires_at"] <= now:
        return "long"
    return "idle" if row["idle_ends"] <= now else None


def touch(tx: Transaction, digest: bytes, now: int) -> None:
    """The person gave a sign of life."""
    row = tx.one("SELECT surface, shared FROM logins WHERE token_hash = ?", (digest,))
    if row is not None:
        idle = limits(row["surface"], shared=bool(row["shared"])).idle
        tx.execute("UPDATE logins SET seen = ?, idle_ends = ? WHERE token_hash = ?", (now, now + idle, digest))


def keep_in_room(tx: Transaction, digest: bytes, now: int) -> None:
    """Its page shows a running session: it does not end in the middle of that, within LONGEST."""
    touch(tx, digest, now)
    tx.execute(
        "UPDATE logins SET expires_at = max(expires_at, min(?, began + ?)) WHERE token_hash = ?",
        (now + IN_ROOM_SECONDS, LONGEST, digest),
    )


def prove(tx: Transaction, digest: bytes, now: int) -> None:
    """The password was given again just now."""
    tx.execute("UPDATE logins SET proved = ? WHERE token_hash = ?", (now, digest))


def places(tx: Transaction, person: str, here: bytes, now: int) -> list[Place]:
    """Where that person is signed in, the newest first."""
    rows = tx.all(
        f"{_LOGIN} WHERE l.person = ? AND {_STANDS} ORDER BY l.rowid DESC",
        (person, *_now(now)),
    )
    return [_place(row, here) for row in rows]


def end_login(tx: Transaction, permit: Permit, digest: bytes, at: str) -> None:
    tx.execute("DELETE FROM logins WHERE token_hash = ?", (digest,))
    audit.append(tx, permit, at)


def end_place(tx: Transaction, permit: Permit, place: str, at: str) -> bytes | None:
    """End one of the actor's own logins by what a page calls it; its token's hash."""
    found = (place, permit.actor.person)
    row = tx.one("SELECT token_hash FROM logins WHERE id = ? AND person = ?", found)
    if row is None:
        return None
    end_login(tx, permit, bytes(row["token_hash"]), at)
    return bytes(row["token_hash"])


def drop_logins(tx: Transaction, _permit: Permit, person: str, *, but: bytes = b"") -> None:
    """All logins of a person, half ones too, within an action that has the audit entry. `but`: one that stays."""
    tx.execute("DELETE FROM half_logins WHERE person = ? AND token_hash <> ?", (person, but))
    tx.execute("DELETE FROM logins WHERE person = ? AND token_hash <> ?", (person, but))


def note(tx: Transaction, permit: Permit, at: str) -> None:
    """The audit entry of an action whose rows are written by others."""
    audit.append(tx, permit, at)


def drop_expired(tx: Transaction, now: int) -> None:
    """Forget logins that ended by themselves a while ago."""
    tx.execute("DELETE FROM logins WHERE min(expires_at, idle_ends) <= ?", (now - KEPT_SECONDS,))


def _login(row: Row) -> Login:
    return Login(
        row["person"],
        row["name"],
        cast(StaffRole, row["role"]),
        row["csrf"],
        bool(row["shared"]),
        row["seen"],
        row["proved"],
        row["username"],
    )


def _account(row: Row) -> Account:
    return Account(
        row["person"],
        row["name"],
        row["username"],
        cast(StaffRole, row["role"]),
        row["password"],
        bool(row["must_change"]),
        row["wrong_codes"],
        row["retired_at"] is not None,
    )


def _place(row: Row, here: bytes) -> Place:
    surface = cast(Surface, row["surface"])
    own = bytes(row["token_hash"]) == here
    return Place(row["id"], surface, row["created_at"], row["address"], bool(row["shared"]), own)
