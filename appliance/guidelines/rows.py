"""The cards of care groups, each version kept with who wrote it and when. An empty body: the clinic's words again."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.guidelines.rules import Card, Kind, paragraphs
from appliance.guidelines.texts import default
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Written:
    """A group's own card in one language. `number` grows with each version; `by` is the name of who wrote it."""

    number: int
    title: str
    body: str
    by: str
    at: str


def card(tx: Transaction, care_group: str, language: str, kind: Kind) -> Card:
    """Title and paragraphs as the group's own words say it in that language, else in the clinic's.

    A group that wrote in English alone: its own words go before the clinic's translated ones.
    """
    for tongue in (language, "en"):
        own = newest(tx, care_group, kind, tongue)
        if own is not None:
            return own.title, paragraphs(own.body)
    return default(kind, language)


def newest(tx: Transaction, care_group: str, kind: Kind, language: str) -> Written | None:
    """The group's own card in that very language, None where the clinic's counts."""
    row = tx.one(
        "SELECT g.sequence, g.title, g.body, g.at, p.name FROM guidelines g JOIN people p ON p.id = g.person"
        " WHERE g.care_group = ? AND g.kind = ? AND g.language = ? ORDER BY g.sequence DESC LIMIT 1",
        (care_group, kind, language),
    )
    if row is None or not row["body"]:
        return None
    return Written(row["sequence"], row["title"], row["body"], row["name"], row["at"])


def last(tx: Transaction, care_group: str, kind: Kind, language: str) -> int:
    """The number of the last version, also of one that gave the clinic's words back; 0 without any."""
    row = tx.one(
        "SELECT max(sequence) AS last FROM guidelines WHERE care_group = ? AND kind = ? AND language = ?",
        (care_group, kind, language),
    )
    return (row["last"] if row else None) or 0


def write(
    tx: Transaction, permit: Permit, care_group: str, kind: Kind, language: str, title: str, body: str, at: str
) -> None:
    """A new version; with an empty body the clinic's words count again."""
    tx.execute(
        "INSERT INTO guidelines (care_group, kind, language, title, body, person, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (care_group, kind, language, title, body, permit.actor.person, at),
    )
    audit.append(tx, permit, at)
