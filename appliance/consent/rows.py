"""Agreements and consents. The newest version of an agreement is the one that counts, in whatever language; a signature
counts in the care group and the round in which it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.consent.rules import PARTS, PartName, Wanted, digest, wanted
from appliance.faults import Fault
from appliance.policy import Permit
from appliance.sessions import rows as sessions
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Agreement:
    """A versioned text. `body` is paragraphs and headings, as `rules.sections` reads them."""

    version: int
    language: str
    title: str
    body: str

    @property
    def digest(self) -> str:
        return digest(self.title, self.body)


@dataclass(frozen=True, slots=True)
class Text:
    """What was acknowledged apart, as it was shown, and when."""

    part: PartName
    language: str
    title: str
    body: str
    at: str = ""

    @property
    def digest(self) -> str:
        return digest(self.title, self.body)


@dataclass(frozen=True, slots=True)
class Signature:
    """Which text a person signed, and when. `care_group` is "" for what was signed before groups had rounds."""

    version: int
    language: str
    digest: str
    at: str
    sequence: int = 0
    typed: str = ""
    care_group: str = ""
    cycle: int = 1
    member: str = ""


def publish(tx: Transaction, permit: Permit, agreement: Agreement, at: str) -> None:
    """A version in one language. Who waits at a door signs it before they come in."""
    tx.execute(
        "INSERT INTO agreements (version, language, title, body, digest, published_at) VALUES (?, ?, ?, ?, ?, ?)",
        (agreement.version, agreement.language, agreement.title, agreement.body, agreement.digest, at),
    )
    audit.append(tx, permit, at)
    _send_back(tx, permit, "", at)


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


def published(tx: Transaction, version: int, language: str) -> Agreement:
    """That version as it was signed. Fault("not_found")."""
    row = tx.one(
        "SELECT version, language, title, body FROM agreements WHERE version = ? AND language = ?", (version, language)
    )
    if row is None:
        raise Fault("not_found", "agreement")
    return Agreement(row["version"], row["language"], row["title"], row["body"])


def add_consent(
    tx: Transaction,
    permit: Permit,
    person: str,
    agreement: Agreement,
    signature: str,
    at: str,
    *,
    care_group: str = "",
    cycle: int = 1,
    member: str = "",
) -> int:
    """A signature's number. What is acknowledged apart comes by `add_part`."""
    tx.execute(
        "INSERT INTO consents (person, version, language, digest, signature, at, care_group, cycle, member)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            person,
            agreement.version,
            agreement.language,
            agreement.digest,
            signature,
            at,
            care_group or None,
            cycle,
            member or None,
        ),
    )
    number = tx.lastrowid
    audit.append(tx, permit, at, person=person)
    return number


def add_part(tx: Transaction, _permit: Permit, consent: int, text: Text, at: str) -> None:
    """One part acknowledged, with the text that was shown. The caller's own write is the audit's entry."""
    tx.execute(
        "INSERT INTO consent_texts (digest, part, language, title, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (text.digest, text.part, text.language, text.title, text.body),
    )
    tx.execute(
        "INSERT INTO consent_parts (consent, part, digest, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (consent, text.part, text.digest, at),
    )


def note_parts(tx: Transaction, permit: Permit, person: str, at: str) -> None:
    """The audit's entry for parts that were acknowledged beside an older signature."""
    audit.append(tx, permit, at, person=person)


def begin_cycle(tx: Transaction, permit: Permit, care_group: str, at: str) -> None:
    """From now on the group's signatures of earlier rounds do not count. Who waits signs before they come in."""
    tx.execute("UPDATE care_groups SET cycle = cycle + 1, cycle_began_at = ? WHERE id = ?", (at, care_group))
    audit.append(tx, permit, at)
    _send_back(tx, permit, care_group, at)


def cycle(tx: Transaction, care_group: str) -> tuple[int, str]:
    """The group's round, from 1, and when it began ("": from the beginning)."""
    row = tx.one("SELECT cycle, cycle_began_at FROM care_groups WHERE id = ?", (care_group,))
    return (row["cycle"], row["cycle_began_at"] or "") if row else (1, "")


def signed_version(tx: Transaction, person: str) -> int | None:
    """The newest version that the person signed."""
    row = tx.one("SELECT max(version) AS version FROM consents WHERE person = ?", (person,))
    return row["version"] if row else None


def newest_signature(tx: Transaction, person: str) -> Signature | None:
    """The last one that the person gave, in whatever group."""
    row = tx.one("SELECT * FROM consents WHERE person = ? ORDER BY sequence DESC LIMIT 1", (person,))
    return None if row is None else _signature(row)


def signatures(tx: Transaction, person: str, care_group: str) -> list[Signature]:
    """Those of a person that count, or counted once, in that care group; the newest first."""
    rows = tx.all(
        "SELECT * FROM consents WHERE person = ? AND (care_group IS NULL OR care_group = ?) ORDER BY sequence DESC",
        (person, care_group),
    )
    return [_signature(row) for row in rows]


def acknowledged(tx: Transaction, consent: int) -> list[Text]:
    """What was acknowledged with that signature, as it was shown."""
    rows = tx.all(
        "SELECT p.part, p.at, t.language, t.title, t.body FROM consent_parts p JOIN consent_texts t"
        " ON t.digest = p.digest WHERE p.consent = ? ORDER BY p.part",
        (consent,),
    )
    return [Text(row["part"], row["language"], row["title"], row["body"], row["at"]) for row in rows]


def asked(tx: Transaction, person: str, care_group: str) -> Wanted:
    """What the person has to sign before they come into a session of that care group."""
    row = tx.one("SELECT max(version) AS version FROM agreements")
    newest = (row["version"] if row else None) or 0
    now, given = cycle(tx, care_group)[0], signatures(tx, person, care_group)
    counting = next((one for one in given if (one.version, one.cycle) == (newest, now)), None)
    missing = counting is None or {text.part for text in acknowledged(tx, counting.sequence)} != set(PARTS)
    return wanted(newest, [(one.version, one.cycle) for one in given], now, parts_missing=missing)


def has_signed(tx: Transaction, person: str, care_group: str) -> bool:
    """Whether nothing is left to sign: the version that counts now, in the group's round, and the parts apart from it.

    Without any published agreement nobody has.
    """
    return asked(tx, person, care_group) == ""


def signed_at_place(tx: Transaction, person: str, member: str) -> bool:
    """Whether the person signed on this way in."""
    return tx.one("SELECT 1 FROM consents WHERE person = ? AND member = ?", (person, member)) is not None


def people_signed(tx: Transaction, care_group: str, people: Sequence[str]) -> int:
    """How many of those have nothing left to sign in that group."""
    return sum(has_signed(tx, person, care_group) for person in people)


def _send_back(tx: Transaction, permit: Permit, care_group: str, at: str) -> None:
    for member in sessions.waiting_of(tx, care_group):
        sessions.set_standing(tx, permit, member, "joining", at)


def _signature(row: Row) -> Signature:
    return Signature(
        version=row["version"],
        language=row["language"],
        digest=row["digest"],
        at=row["at"],
        sequence=row["sequence"],
        typed=row["signature"],
        care_group=row["care_group"] or "",
        cycle=row["cycle"],
        member=row["member"] or "",
    )
