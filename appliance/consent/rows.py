"""Agreements and consents. The newest version of an agreement is the one that counts, in whatever language."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.consent.rules import digest
from appliance.faults import Fault
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Agreement:
    """A versioned text. `body` is paragraphs, parted by empty lines."""

    version: int
    language: str
    title: str
    body: str

    @property
    def digest(self) -> str:
        return digest(self.title, self.body)


def publish(tx: Transaction, permit: Permit, agreement: Agreement, at: str) -> None:
    tx.execute(
        "INSERT INTO agreements (version, language, title, body, digest, published_at) VALUES (?, ?, ?, ?, ?, ?)",
        (agreement.version, agreement.language, agreement.title, agreement.body, agreement.digest, at),
    )
    audit.append(tx, permit, at)


def current(tx: Transaction, language: str) -> Agreement:
    """The newest version in that language, in English where it is not translated. Fault("not_found") without any."""
    row = tx.one(
        "SELECT version, language, title, body FROM agreements WHERE version = (SELECT max(version) FROM agreements)"
        " ORDER BY language = ? DESC, language = 'en' DESC LIMIT 1",
        (language,),
    )
    if row is None:
        raise Fault("not_found", "no agreement is published")
    return Agreement(row["version"], row["language"], row["title"], row["body"])


def add_consent(tx: Transaction, permit: Permit, person: str, agreement: Agreement, signature: str, at: str) -> None:
    tx.execute(
        "INSERT INTO consents (person, version, language, digest, signature, at) VALUES (?, ?, ?, ?, ?, ?)",
        (person, agreement.version, agreement.language, agreement.digest, signature, at),
    )
    audit.append(tx, permit, at, person=person)


def signed_version(tx: Transaction, person: str) -> int | None:
    """The newest version that the person signed."""
    row = tx.one("SELECT max(version) AS version FROM consents WHERE person = ?", (person,))
    return row["version"] if row else None


@dataclass(frozen=True, slots=True)
class Signature:
    """Which text a person signed, and when."""

    version: int
    language: str
    digest: str
    at: str


def newest_signature(tx: Transaction, person: str) -> Signature | None:
    """The last one that the person gave."""
    row = tx.one(
        "SELECT version, language, digest, at FROM consents WHERE person = ? ORDER BY sequence DESC LIMIT 1", (person,)
    )
    return None if row is None else Signature(row["version"], row["language"], row["digest"], row["at"])


def has_signed(tx: Transaction, person: str) -> bool:
    """Whether the person signed the version that counts now. Without any published agreement nobody has."""
    row = tx.one("SELECT max(version) AS version FROM agreements")
    newest = row["version"] if row else None
    return newest is not None and signed_version(tx, person) == newest
