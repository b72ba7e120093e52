"""Who has read the orientation, and the question box. Writing functions take a permit and write the audit entry from
it; what was asked and answered stands in the store alone."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.ids import new_id
from appliance.orientation.rules import VERSION
from appliance.policy import Facts, Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `answer` and what follows it are "" until staff answered; `name` is the record's, staff only."""

    id: str
    person: str
    name: str
    care_group: str
    group_name: str
    text: str
    asked_at: str
    answer: str
    answered_at: str
    answered_by: str
    read_at: str


def is_oriented(tx: Transaction, person: str) -> bool:
    """Whether the person has read the orientation that counts now."""
    return tx.one("SELECT 1 FROM orientations WHERE person = ? AND version = ?", (person, VERSION)) is not None


def oriented_at_place(tx: Transaction, person: str, member: str) -> bool:
    """Whether they read it on this way in."""
    return tx.one("SELECT 1 FROM orientations WHERE person = ? AND member = ?", (person, member)) is not None


def add_orientation(tx: Transaction, permit: Permit, person: str, member: str, at: str) -> None:
    tx.execute(
        "INSERT INTO orientations (person, version, member, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (person, VERSION, member, at),
    )
    audit.append(tx, permit, at, person=person)


def add_question(tx: Transaction, permit: Permit, person: str, care_group: str, text: str, at: str) -> str:
    """The question's id."""
    made = new_id()
    tx.execute(
        "INSERT INTO questions (id, person, care_group, text, asked_at) VALUES (?, ?, ?, ?, ?)",
        (made, person, care_group or None, text, at),
    )
    audit.append(tx, permit, at, person=person)
    return made


def answer(tx: Transaction, permit: Permit, question: str, text: str, at: str) -> None:
    """What staff say to it; a later answer takes the place of the first and is unread again."""
    tx.execute(
        "UPDATE questions SET answer = ?, answered_by = ?, answered_at = ?, read_at = NULL WHERE id = ?",
        (text, permit.actor.person, at, question),
    )
    audit.append(tx, permit, at)


def question(tx: Transaction, question_id: str) -> Question:
    """That question, or Fault("not_found")."""
    row = tx.one(_QUESTIONS + " WHERE q.id = ?", (question_id,))
    if row is None:
        raise Fault("not_found", "question")
    return _question(row)


def of_person(tx: Transaction, person: str) -> list[Question]:
    """A person's questions, the newest first."""
    return [_question(row) for row in tx.all(_QUESTIONS + " WHERE q.person = ? ORDER BY q.sequence DESC", (person,))]


def open_questions(tx: Transaction) -> list[Question]:
    """Those that wait for an answer, the oldest first."""
    return [_question(row) for row in tx.all(_QUESTIONS + " WHERE q.answered_at IS NULL ORDER BY q.sequence")]


def answered(tx: Transaction, most: int) -> list[Question]:
    """The last ones that were answered, newest answer first."""
    rows = tx.all(
        _QUESTIONS + " WHERE q.answered_at IS NOT NULL ORDER BY q.answered_at DESC, q.sequence DESC LIMIT ?", (most,)
    )
    return [_question(row) for row in rows]


def open_of(tx: Transaction, person: str) -> int:
    """How many of that person's wait for an answer."""
    row = tx.one("SELECT count(*) AS n FROM questions WHERE person = ? AND answered_at IS NULL", (person,))
    return row["n"] if row else 0


def mark_read(tx: Transaction, person: str, at: str) -> None:
    """The person has their answers before them. No audit: their own page."""
    tx.execute(
        "UPDATE questions SET read_at = ? WHERE person = ? AND answered_at IS NOT NULL AND read_at IS NULL",
        (at, person),
    )


def facts(tx: Transaction, question_id: str) -> Facts:
    """What the policy asks about a question: its group's clinicians, and whose it is."""
    found = question(tx, question_id)
    leaders = tx.all("SELECT person FROM care_group_clinicians WHERE care_group = ?", (found.care_group,))
    return Facts(leaders=tuple(row["person"] for row in leaders), person=found.person, thing=found.id)


_QUESTIONS = (
    "SELECT q.*, p.name, g.name AS group_name, coalesce(a.name, '') AS answerer FROM questions q"
    " JOIN people p ON p.id = q.person LEFT JOIN care_groups g ON g.id = q.care_group"
    " LEFT JOIN people a ON a.id = q.answered_by"
)


def _question(row: Row) -> Question:
    return Question(
        id=row["id"],
        person=row["person"],
        name=row["name"],
        care_group=row["care_group"] or "",
        group_name=row["group_name"] or "",
        text=row["text"],
        asked_at=row["asked_at"],
        answer=row["answer"],
        answered_at=row["answered_at"] or "",
        answered_by=row["answerer"],
        read_at=row["read_at"] or "",
    )
