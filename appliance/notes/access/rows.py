"""Keys of clinicians, of care groups by epoch, and the clinic's recovery key, as the store keeps them: sealed.

What is written here is part of an action whose own row writes the audit entry.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from appliance.notes.access.rules import Holder
from appliance.notes.sealing import Cost, Wrapped, key_hash
from appliance.policy import Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A clinician's key pair: public half, and the private one under their password."""

    person: str
    number: int
    public: bytes
    kept: Wrapped
    made_at: str
    known: bytes

    @property
    def hash(self) -> bytes:
        return key_hash(self.public)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The clinic's recovery key: its public half, and who made it."""

    number: int
    public: bytes
    made_by: str
    made_at: str

    @property
    def hash(self) -> bytes:
        return key_hash(self.public)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A group key as one holder has it."""

    epoch: int
    holder: str
    key_hash: bytes
    grant: bytes
    sealed: bytes | None


# -- clinicians' own keys ----------------------------------------------------------------------------------------------


def own_keys(tx: Transaction, person: str) -> list[OwnKey]:
    """A clinician's keys, the one that counts first."""
    return [
        _own(row) for row in tx.all("SELECT * FROM clinician_keys WHERE person = ? ORDER BY number DESC", (person,))
    ]


def key_hashes(tx: Transaction, people: Sequence[str]) -> dict[str, bytes]:
    """Of each person the hash of the key that counts, b"" where there is none yet."""
    found = {person: own_keys(tx, person)[:1] for person in people}
    return {person: keys[0].hash if keys else b"" for person, keys in found.items()}


def add_key(tx: Transaction, person: str, public: bytes, kept: Wrapped, known: bytes, at: str) -> None:
    """A new key pair, made at its owner's sign-in, with its book. Older ones to which nothing is sealed go."""
    for old in own_keys(tx, person):
        if not _sealed_to(tx, person, old.hash):
            drop_key(tx, person, old.number)
    tx.execute(
        "INSERT INTO clinician_keys SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?"
        " FROM clinician_keys WHERE person = ?",
        (
            person,
            public,
            kept.cost.memory,
            kept.cost.passes,
            kept.cost.lanes,
            kept.salt,
            kept.nonce,
            kept.wrapped,
            at,
            known,
            person,
        ),
    )


def rewrap(tx: Transaction, person: str, number: int, kept: Wrapped) -> int:
    """The same key under a new password; how many rows that was."""
    return tx.execute(
        "UPDATE clinician_keys SET memory = ?, passes = ?, lanes = ?, salt = ?, nonce = ?, wrapped = ?"
        " WHERE person = ? AND number = ?",
        (kept.cost.memory, kept.cost.passes, kept.cost.lanes, kept.salt, kept.nonce, kept.wrapped, person, number),
    )


def write_book(tx: Transaction, person: str, number: int, known: bytes) -> None:
    """What that key remembers, sealed (known.py)."""
    tx.execute("UPDATE clinician_keys SET known = ? WHERE person = ? AND number = ?", (known, person, number))


def drop_key(tx: Transaction, person: str, number: int) -> None:
    tx.execute("DELETE FROM clinician_keys WHERE person = ? AND number = ?", (person, number))


def _sealed_to(tx: Transaction, person: str, digest: bytes) -> bool:
    return (
        tx.one(
            "SELECT 1 FROM care_group_keys WHERE holder = ? AND key_hash = ? AND sealed IS NOT NULL"
            " UNION SELECT 1 FROM recovery_shares WHERE holder = ? AND key_hash = ?",
            (person, digest, person, digest),
        )
        is not None
    )


# -- keys of care groups -----------------------------------------------------------------------------------------------


def epochs(tx: Transaction, group: str) -> list[tuple[int, bytes]]:
    """The epochs of that care group in order, each with its link to the one before."""
    rows = tx.all("SELECT epoch, link FROM care_group_epochs WHERE care_group = ? ORDER BY epoch", (group,))
    return [(row["epoch"], bytes(row["link"])) for row in rows]


def holders(tx: Transaction, group: str) -> list[Holder]:
    """Who was given which epoch's key."""
    return [Holder(s.epoch, s.holder, s.key_hash, s.sealed is not None) for s in sealed_keys(tx, group)]


def sealed_keys(tx: Transaction, group: str, holder: str = "") -> list[Sealed]:
    """The sealed keys of that care group, of all or of one holder."""
    rows = tx.all(
        "SELECT * FROM care_group_keys WHERE care_group = ? AND (? = '' OR holder = ?) ORDER BY epoch, holder",
        (group, holder, holder),
    )
    return [_sealed(row) for row in rows]


def groups_with_keys_for(tx: Transaction, holder: str) -> list[str]:
    """The care groups in which something is sealed to that holder."""
    rows = tx.all(
        "SELECT DISTINCT care_group FROM care_group_keys WHERE holder = ? AND sealed IS NOT NULL ORDER BY care_group",
        (holder,),
    )
    return [row["care_group"] for row in rows]


def add_epoch(tx: Transaction, permit: Permit, group: str, epoch: int, link: bytes, at: str) -> None:
    tx.execute(
        "INSERT INTO care_group_epochs (care_group, epoch, link, made_by, made_at) VALUES (?, ?, ?, ?, ?)",
        (group, epoch, link, permit.actor.person, at),
    )


def put_key(tx: Transaction, permit: Permit, group: str, given: Sealed) -> None:
    """Give one holder the key of one epoch, in place of what they had of it."""
    tx.execute(
        "INSERT INTO care_group_keys (care_group, epoch, holder, key_hash, grant_mac, sealed) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET key_hash = excluded.key_hash, grant_mac = excluded.grant_mac,"
        " sealed = excluded.sealed",
        (group, given.epoch, given.holder, given.key_hash, given.grant, given.sealed),
    )


def take_away(tx: Transaction, permit: Permit, group: str, person: str, kept: Collection[int] = ()) -> None:
    """Delete a clinician's sealed keys of one care group, but for those of the epochs `kept`.

    That they had them stays known: it begins a new epoch.
    """
    for had in sealed_keys(tx, group, person):
        if had.epoch not in kept:
            tx.execute(
                "UPDATE care_group_keys SET sealed = NULL WHERE care_group = ? AND epoch = ? AND holder = ?",
                (group, had.epoch, person),
            )


def drop_shares(tx: Transaction, permit: Permit, person: str) -> None:
    """A clinical lead retires: their shares of recovery keys go."""
    tx.execute("DELETE FROM recovery_shares WHERE holder = ?", (person,))


def drop_keys_without_use(tx: Transaction, permit: Permit, person: str) -> None:
    """Delete the key pairs of a clinician who retires to which nothing is sealed any more."""
    for own in own_keys(tx, person):
        if not _sealed_to(tx, person, own.hash):
            drop_key(tx, person, own.number)


def given_the_newest(tx: Transaction, group: str) -> list[str]:
    """Who was given the key of that care group's newest epoch and can still sign in, also where it was taken away."""
    rows = tx.all(
        "SELECT k.holder FROM care_group_keys k JOIN accounts a ON a.person = k.holder AND a.retired_at IS NULL"
        " WHERE k.care_group = ? AND k.epoch = (SELECT max(epoch) FROM care_group_epochs WHERE care_group = ?)"
        " ORDER BY k.holder",
        (group, group),
    )
    return [row["holder"] for row in rows]


# -- the recovery key --------------------------------------------------------------------------------------------------


def recovery(tx: Transaction) -> Recovery | None:
    """The recovery key that counts, or None before the first clinical lead has signed in."""
    row = tx.one("SELECT * FROM recovery_keys ORDER BY number DESC LIMIT 1")
    return Recovery(row["number"], bytes(row["public"]), row["made_by"], row["made_at"]) if row else None


def add_recovery(tx: Transaction, person: str, public: bytes, at: str) -> int:
    """Its number."""
    tx.execute(
        "INSERT INTO recovery_keys SELECT coalesce(max(number), 0) + 1, ?, ?, ? FROM recovery_keys",
        (public, person, at),
    )
    return tx.lastrowid


def shares(tx: Transaction, number: int) -> dict[str, tuple[bytes, bytes]]:
    """Of each holder the hash of the key that their share is sealed to, and the share."""
    rows = tx.all("SELECT holder, key_hash, sealed FROM recovery_shares WHERE number = ?", (number,))
    return {row["holder"]: (bytes(row["key_hash"]), bytes(row["sealed"])) for row in rows}


def put_share(tx: Transaction, number: int, holder: str, digest: bytes, sealed: bytes) -> None:
    tx.execute(
        "INSERT INTO recovery_shares (number, holder, key_hash, sealed) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET key_hash = excluded.key_hash, sealed = excluded.sealed",
        (number, holder, digest, sealed),
    )


def leads(tx: Transaction) -> list[tuple[str, str]]:
    """Person and name of the clinical leads whose account is in use."""
    rows = tx.all(
        "SELECT a.person, p.name FROM accounts a JOIN people p ON p.id = a.person"
        " WHERE a.role = 'clinical_lead' AND a.retired_at IS NULL ORDER BY p.name, a.person"
    )
    return [(row["person"], row["name"]) for row in rows]


def role_in_use(tx: Transaction, person: str) -> str:
    """The role of a person whose account is in use, or ""."""
    row = tx.one("SELECT role FROM accounts WHERE person = ? AND retired_at IS NULL", (person,))
    return row["role"] if row else ""


def _own(row: Row) -> OwnKey:
    kept = Wrapped(
        Cost(row["memory"], row["passes"], row["lanes"]),
        bytes(row["salt"]),
        bytes(row["nonce"]),
        bytes(row["wrapped"]),
    )
    return OwnKey(row["person"], row["number"], bytes(row["public"]), kept, row["made_at"], bytes(row["known"]))


def _sealed(row: Row) -> Sealed:
    return Sealed(
        row["epoch"],
        row["holder"],
        bytes(row["key_hash"]),
        bytes(row["grant_mac"]),
        bytes(row["sealed"]) if row["sealed"] is not None else None,
    )
