"""Cards, their first acknowledgements, and concerns. Every function that writes takes a permit and notes it.

What somebody wrote of a concern is in the store and on the page of those who look after it, and nowhere else: the audit
has that one was raised, its kind not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from appliance.audit import rows as audit
from appliance.guidelines.rules import Kind as CardKind
from appliance.ids import new_id
from appliance.policy import Actor, Facts, Permit, allows
from appliance.room.rules import Card, Trouble
from appliance.sessions import rows as sessions
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A member's first one of that card."""

    card: str
    member: str
    at: str


@dataclass(frozen=True, slots=True)
class Concern:
    """What a patient raised. `name` is the record's, `shown_name` the group's; `member` "" where the place is gone.

    `outside`: on the page outside of the room, where `words` can come with it. `seen_at`: "" while it is open.
    """

    id: str
    session: str
    member: str
    person: str
    name: str
    shown_name: str
    kind: Trouble
    outside: bool
    at: str
    seen_at: str
    seen_by: str  # the name of who looks after it
    words: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Going:
    """A session in its hour, as the reminders see it. `last`, `last_at`: of the newest rules or reminder to all."""

    session: str
    running: bool
    last: str
    last_at: str


def add_card(tx: Transaction, permit: Permit, kind: CardKind, at: str) -> None:
    """A card for the permit's member, or for all of its session."""
    tx.execute(
        "INSERT INTO cards (id, session, kind, member, shown_by, at) VALUES (?, ?, ?, ?, ?, ?)",
        (new_id(), permit.facts.session, kind, permit.facts.member or None, permit.actor.person or None, at),
    )
    audit.append(tx, permit, at)


def cards_of(tx: Transaction, session: str) -> list[Card]:
    """All that were shown, in order."""
    rows = tx.all("SELECT * FROM cards WHERE session = ? ORDER BY number", (session,))
    return [_card(row) for row in rows]


def count_cards(tx: Transaction, session: str) -> int:
    row = tx.one("SELECT count(*) AS n FROM cards WHERE session = ?", (session,))
    return int(row["n"]) if row else 0


def acknowledge(tx: Transaction, permit: Permit, card: str, at: str) -> None:
    """By the permit's member. A second time changes nothing and is no entry."""
    known = (card, permit.facts.member)
    if tx.one("SELECT 1 FROM acknowledgements WHERE card = ? AND member = ?", known) is None:
        tx.execute("INSERT INTO acknowledgements (card, member, at) VALUES (?, ?, ?)", (*known, at))
        audit.append(tx, permit, at)


def acknowledgements(tx: Transaction, session: str) -> list[Acknowledgement]:
    """The first of each member of each card of that session, in the order of the cards."""
    rows = tx.all(
        "SELECT a.card, a.member, a.at FROM acknowledgements a JOIN cards c ON c.id = a.card WHERE c.session = ?"
        " ORDER BY c.number, a.at, a.member",
        (session,),
    )
    return [Acknowledgement(row["card"], row["member"], row["at"]) for row in rows]


def add_concern(
    tx: Transaction, permit: Permit, session: str, member: str, kind: Trouble, at: str, *, words: str, outside: bool
) -> None:
    """By the permit's person, who has that place in that session."""
    tx.execute(
        "INSERT INTO concerns (id, session, member, person, kind, words, outside, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (new_id(), session, member, permit.facts.person, kind, words, int(outside), at),
    )
    audit.append(tx, permit, at)


def look_after(tx: Transaction, permit: Permit, at: str) -> None:
    """Somebody looks after the permit's concern (its `thing`). A second time changes nothing."""
    tx.execute(
        "UPDATE concerns SET seen_at = ?, seen_by = ? WHERE id = ? AND seen_at IS NULL",
        (at, permit.actor.person, permit.facts.thing),
    )
    audit.append(tx, permit, at)


def concern(tx: Transaction, concern_id: str, session: str) -> Concern | None:
    """That one, if it is of that session."""
    row = tx.one(_CONCERNS + " WHERE c.id = ? AND c.session = ?", (concern_id, session))
    return _concern(row) if row else None


def concerns_of(tx: Transaction, session: str) -> list[Concern]:
    """All that were raised around that session, open or not, in order."""
    return [_concern(row) for row in tx.all(_CONCERNS + " WHERE c.session = ? ORDER BY c.number", (session,))]


def open_around(tx: Transaction, session: str) -> list[Concern]:
    """Those that nobody looks after yet, raised in the room or outside of it; in order."""
    return [one for one in concerns_of(tx, session) if not one.seen_at]


def open_in_room(tx: Transaction, session: str) -> list[Concern]:
    """Raised in that room, and nobody looks after them yet; in order."""
    rows = tx.all(
        _CONCERNS + " WHERE c.session = ? AND c.seen_at IS NULL AND c.outside = 0 ORDER BY c.number", (session,)
    )
    return [_concern(row) for row in rows]


def open_of(tx: Transaction, person: str, session: str) -> list[Concern]:
    """One patient's open ones around that session."""
    rows = tx.all(
        _CONCERNS + " WHERE c.person = ? AND c.session = ? AND c.seen_at IS NULL ORDER BY c.number", (person, session)
    )
    return [_concern(row) for row in rows]


def raised_by(tx: Transaction, person: str, session: str) -> list[Concern]:
    """What one patient raised around that session, newest first."""
    parent = sessions.session(tx, session).parent or session
    rows = tx.all(_CONCERNS + " WHERE c.person = ? AND c.session = ? ORDER BY c.number DESC", (person, parent))
    return [_concern(row) for row in rows]


def open_concerns(tx: Transaction, actor: Actor) -> list[tuple[Concern, sessions.Session]]:
    """All open ones that `actor` may handle, oldest first, each with its session."""
    return _theirs(tx, actor, tx.all(_CONCERNS + " WHERE c.seen_at IS NULL ORDER BY c.number"))


def handled(tx: Transaction, actor: Actor, most: int) -> list[tuple[Concern, sessions.Session]]:
    """The newest `most` of all that somebody looks after and `actor` may handle, newest first."""
    rows = tx.all(_CONCERNS + " WHERE c.seen_at IS NOT NULL ORDER BY c.seen_at DESC, c.number DESC LIMIT 500")
    return _theirs(tx, actor, rows)[:most]


def _theirs(tx: Transaction, actor: Actor, rows: Sequence[Row]) -> list[tuple[Concern, sessions.Session]]:
    known = {session: sessions.session(tx, session) for session in {row["session"] for row in rows}}
    found = [(_concern(row), known[row["session"]]) for row in rows]
    return [
        (one, of)
        for one, of in found
        if allows(actor, "handle_concern", Facts(session=of.id, leaders=of.leaders, person=one.person))
    ]


def going(tx: Transaction) -> list[Going]:
    """Sessions in their hour, private rooms left out."""
    rows = tx.all(
        "SELECT s.id, s.phase, c.id AS last, c.at AS last_at FROM sessions s LEFT JOIN cards c ON c.number ="
        " (SELECT max(number) FROM cards WHERE session = s.id AND member IS NULL AND kind IN ('rules', 'reminder'))"
        " WHERE s.state IN ('open', 'locked') AND s.phase IN ('running', 'paused') AND s.parent IS NULL"
    )
    return [Going(row["id"], row["phase"] == "running", row["last"] or "", row["last_at"] or "") for row in rows]


def home(tx: Transaction, session_id: str, member_id: str) -> tuple[str, str]:
    """Session and member, of the group's session where these are of a private room: what is raised there is the
    group's leaders' to see afterwards too."""
    parent = sessions.session(tx, session_id).parent
    if not parent or not member_id:
        return parent or session_id, member_id
    row = tx.one(
        "SELECT m.id FROM members m JOIN members own ON own.person = m.person WHERE m.session = ? AND own.id = ?",
        (parent, member_id),
    )
    return (parent, row["id"]) if row else (session_id, member_id)


def name_of(tx: Transaction, session: str, person: str) -> str:
    """What the group calls that person of the staff, else the record's name."""
    row = tx.one(
        "SELECT coalesce((SELECT m.display_name FROM members m WHERE m.session = ? AND m.person = p.id"
        " AND m.facilitator = 1), p.name) AS name FROM people p WHERE p.id = ?",
        (session, person),
    )
    return row["name"] if row else ""


def asked(tx: Transaction, permit: Permit, at: str) -> None:
    """Note that a page was asked for something; the asking itself is kept nowhere."""
    audit.append(tx, permit, at)


_CONCERNS = (
    "SELECT c.*, p.name, coalesce(m.display_name, '') AS shown_name, seen.name AS seen_name FROM concerns c"
    " JOIN people p ON p.id = c.person LEFT JOIN members m ON m.id = c.member"
    " LEFT JOIN people seen ON seen.id = c.seen_by"
)


def _card(row: Row) -> Card:
    return Card(row["number"], row["id"], cast(CardKind, row["kind"]), row["member"] or "", row["at"])


def _concern(row: Row) -> Concern:
    return Concern(
        id=row["id"],
        session=row["session"],
        member=row["member"] or "",
        person=row["person"],
        name=row["name"],
        shown_name=row["shown_name"],
        kind=cast(Trouble, row["kind"]),
        outside=bool(row["outside"]),
        at=row["at"],
        seen_at=row["seen_at"] or "",
        seen_by=row["seen_name"] or "",
        words=row["words"],
    )
