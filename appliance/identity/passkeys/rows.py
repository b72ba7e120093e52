"""Passkeys as the store keeps them: public halves only."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.ids import new_id
from appliance.policy import Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Passkey:
    """One of a person's. `sign_count` stays 0 for those that do not count (most do not, section 6.1.1)."""

    id: str
    person: str
    host: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    label: str
    created_at: str
    used_at: str


def of(tx: Transaction, person: str) -> list[Passkey]:
    """A person's passkeys, the oldest first."""
    return [_passkey(row) for row in tx.all("SELECT * FROM passkeys WHERE person = ? ORDER BY rowid", (person,))]


def count(tx: Transaction, person: str) -> int:
    row = tx.one("SELECT count(*) AS n FROM passkeys WHERE person = ?", (person,))
    return int(row["n"]) if row else 0


def by_credential(tx: Transaction, person: str, credential_id: bytes) -> Passkey | None:
    row = tx.one("SELECT * FROM passkeys WHERE person = ? AND credential_id = ?", (person, credential_id))
    return _passkey(row) if row else None


def known(tx: Transaction, credential_id: bytes) -> bool:
    """Whether anybody has it."""
    return tx.one("SELECT 1 FROM passkeys WHERE credential_id = ?", (credential_id,)) is not None


def add(
    tx: Transaction,
    permit: Permit,
    host: str,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    label: str,
    at: str,
) -> str:
    """A new passkey's id."""
    passkey = new_id()
    tx.execute(
        "INSERT INTO passkeys (id, person, host, credential_id, public_key, sign_count, label, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (passkey, permit.actor.person, host, credential_id, public_key, sign_count, label, at),
    )
    audit.append(tx, permit, at)
    return passkey


def remove(tx: Transaction, permit: Permit, passkey: str, at: str) -> bool:
    """Whether the actor had it; it opens nothing any more."""
    gone = tx.execute("DELETE FROM passkeys WHERE id = ? AND person = ?", (passkey, permit.actor.person)) > 0
    if gone:
        audit.append(tx, permit, at)
    return gone


def forget(tx: Transaction, _permit: Permit, person: str) -> None:
    """All of a person, within a reset of their sign-in, which has the audit entry."""
    tx.execute("DELETE FROM passkeys WHERE person = ?", (person,))


def used(tx: Transaction, passkey: str, sign_count: int, at: str) -> None:
    """It was shown at the door. The audit entry is the sign-in's."""
    tx.execute("UPDATE passkeys SET sign_count = ?, used_at = ? WHERE id = ?", (sign_count, at, passkey))


def _passkey(row: Row) -> Passkey:
    return Passkey(
        row["id"],
        row["person"],
        row["host"],
        bytes(row["credential_id"]),
        bytes(row["public_key"]),
        row["sign_count"],
        row["label"],
        row["created_at"],
        row["used_at"] or "",
    )
