"""Sessions, members and attendances. Every function that writes takes a permit and writes the audit entry from it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.ids import new_id
from appliance.policy import Actor, Facts, Permit, scope
from appliance.sessions.rules import GoingOn, LockedWhy, Phase, Place, RemovalWhy, Standing, State
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Session:
    """One session. Times are RFC 3339 in UTC; `opened_at` and `ended_at` are "" until then.

    `leader` is who it was scheduled with; `leaders` are all who lead it, as persons.
    """

    id: str
    title: str
    leader: str
    leader_name: str
    leaders: tuple[str, ...]
    starts_at: str
    state: State
    opened_at: str
    ended_at: str
    care_group: str = ""
    phase: Phase = "scheduled"
    before_pause: GoingOn = "open"
    leads_now: str = ""  # the person who leads right now, of those who lead it together
    parent: str = ""  # of a private room: the session that it belongs to
    locked_why: LockedWhy = ""  # where the door locked by itself

    @property
    def place(self) -> Place:
        """What `session_after` starts from."""
        return Place(self.phase, self.state == "locked", self.before_pause)


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a session. `name` is the record's (staff only); `ticket` is issued, stopped or expired, or ""."""

    id: str
    session: str
    person: str
    name: str
    facilitator: bool
    standing: Standing
    display_name: str
    devices_tried: bool
    vouched: bool
    was_removed: bool
    waiting_since: str
    waiting_order: int
    ticket_stopped: bool
    ticket_expires_at: int
    ticket_other_device: bool = False  # another device than the ticket's has shown code and PIN
    held: bool = False  # neither sees nor hears the others
    flagged: bool = False  # for those who lead: may need somebody
    admitted_at: str = ""
    removed_why: RemovalWhy = ""
    aside: str = ""  # the private room that they are in for a moment: a session beside this one
    aside_place: str = ""  # their member's id there
    phrase: str = ""  # the record's check phrase: staff only, as the name
    phrase_asked: bool = False
    phrase_given: str = ""
    phrase_tries: int = 0
    message: str = ""  # the last line of staff to one who waits
    message_at: str = ""
    blocked: bool = False  # may not come to the sessions of this care group
    blocked_why: RemovalWhy = ""
    space_checked: bool = False  # has been through the list for a private place


def add_session(
    tx: Transaction, permit: Permit, title: str, leader: str, starts_at: str, at: str, *, care_group: str = ""
) -> str:
    """A new scheduled session's id."""
    session = new_id()
    tx.execute(
        "INSERT INTO sessions (id, title, facilitator, starts_at, state, care_group)"
        " VALUES (?, ?, ?, ?, 'scheduled', ?)",
        (session, title, leader, starts_at, care_group or None),
    )
    audit.append(tx, permit, at)
    return session


def add_member(
    tx: Transaction, permit: Permit, session: str, person: str, at: str, *, facilitator_name: str = ""
) -> str:
    """A new member's id; with `facilitator_name` one who leads, who is always admitted."""
    member = new_id()
    facilitator = facilitator_name != ""
    standing = "admitted" if facilitator else "expected"
    tx.execute(
        "INSERT INTO members (id, session, person, facilitator, standing, display_name) VALUES (?, ?, ?, ?, ?, ?)",
        (member, session, person, int(facilitator), standing, facilitator_name),
    )
    audit.append(tx, permit, at, person=person)
    return member


def set_plan(
    tx: Transaction, permit: Permit, session_id: str, title: str, starts_at: str, leader: str, at: str
) -> None:
    """What a session is called, when it starts, and who it is planned with."""
    tx.execute(
        "UPDATE sessions SET title = ?, starts_at = ?, facilitator = ? WHERE id = ?",
        (title, starts_at, leader, session_id),
    )
    audit.append(tx, permit, at)


def add_aside(tx: Transaction, permit: Permit, leader: Member, member: Member, at: str) -> str:
    """A private room of those two beside the permit's session: a session of its own, going on from the start; its id.

    It has the start of the session that it belongs to, which is how an auditor names both.
    """
    room, parent = new_id(), session(tx, permit.facts.session)
    tx.execute(
        "INSERT INTO sessions (id, title, facilitator, starts_at, state, opened_at, care_group, phase, parent)"
        " VALUES (?, '', ?, ?, 'open', ?, ?, 'running', ?)",
        (room, leader.person, parent.starts_at, at, parent.care_group or None, parent.id),
    )
    for one in (leader, member):
        tx.execute(
            "INSERT INTO members (id, session, person, facilitator, standing, display_name, devices_tried, admitted_at)"
            " VALUES (?, ?, ?, ?, 'admitted', ?, 1, ?)",
            (new_id(), room, one.person, int(one.facilitator), one.display_name, at),
        )
    audit.append(tx, permit, at, person=member.person)
    return room


def close_aside(tx: Transaction, _permit: Permit, room: str, at: str) -> None:
    """That private room is over. The caller's own write is the audit's entry."""
    tx.execute("UPDATE sessions SET state = 'ended', ended_at = ? WHERE id = ? AND parent IS NOT NULL", (at, room))


def note_back(tx: Transaction, permit: Permit, person: str, at: str) -> None:
    """Somebody said that a private word is over, and it was."""
    audit.append(tx, permit, at, person=person)


def asides(tx: Transaction, session_id: str) -> list[str]:
    """The private rooms of that session that are open."""
    return [row["id"] for row in tx.all("SELECT id FROM sessions WHERE parent = ? AND state = 'open'", (session_id,))]


def family(tx: Transaction, session_id: str) -> tuple[str, dict[str, bool]]:
    """That session, or for a private room the one that it belongs to, and all its private rooms: whether each is open.

    What concerns one of them concerns the others: who is aside comes back.
    """
    row = tx.one("SELECT coalesce(parent, id) AS id FROM sessions WHERE id = ?", (session_id,))
    top = row["id"] if row else session_id
    found = tx.all("SELECT id, state FROM sessions WHERE parent = ?", (top,))
    return top, {one["id"]: one["state"] == "open" for one in found}


def drop_member(tx: Transaction, permit: Permit, member_id: str, person: str, at: str) -> None:
    """Nobody's place any more, in a session that was not opened: nothing happened in it that would have to stay."""
    tx.execute("DELETE FROM key_packages WHERE member = ?", (member_id,))
    tx.execute("DELETE FROM members WHERE id = ?", (member_id,))
    audit.append(tx, permit, at, person=person)


def session(tx: Transaction, session_id: str) -> Session:
    """That session, or Fault("not_found")."""
    row = tx.one(_SESSIONS + " WHERE s.id = ?", (session_id,))
    if row is None:
        raise Fault("not_found", "session")
    return _session(row)


def current(tx: Transaction, actor: Actor, since: str) -> list[Session]:
    """The sessions that `actor` may see and that are not over, or ended after `since`; earliest first."""
    reach = scope(actor)
    if reach is None:
        return []
    rows = tx.all(
        _SESSIONS + " WHERE s.parent IS NULL AND (s.ended_at IS NULL OR s.ended_at >= ?)"  # noqa: S608 - all of it is written here
        " AND (? OR ? IN (SELECT m.person FROM members m WHERE m.session = s.id AND m.facilitator = 1))"
        " ORDER BY s.starts_at, s.id",
        (since, int(reach == "any"), actor.person),
    )
    return [_session(row) for row in rows]


def set_place(
    tx: Transaction, permit: Permit, session_id: str, place: Place, at: str, *, locked_why: LockedWhy = ""
) -> None:
    """Where the session stands from now on. `locked_why`: of a door that locks by itself."""
    column = {"open": "opened_at", "ended": "ended_at"}.get(place.state)
    tx.execute("UPDATE sessions SET state = ? WHERE id = ?", (place.state, session_id))
    if place.phase not in ("scheduled", "ended"):
        tx.execute(
            "UPDATE sessions SET phase = ?, before_pause = ? WHERE id = ?", (place.phase, place.before, session_id)
        )
    if permit.action in ("open", "lock", "unlock", "end"):
        tx.execute("UPDATE sessions SET locked_why = ? WHERE id = ?", (locked_why, session_id))
    if column:
        tx.execute(f"UPDATE sessions SET {column} = coalesce({column}, ?) WHERE id = ?", (at, session_id))  # noqa: S608
    audit.append(tx, permit, at)


def set_leads_now(tx: Transaction, permit: Permit, session_id: str, person: str, at: str) -> None:
    """Who leads from now on, of those who lead it together."""
    tx.execute("UPDATE sessions SET leads_now = ? WHERE id = ?", (person, session_id))
    audit.append(tx, permit, at)


def facts(tx: Transaction, session_id: str, member_id: str = "") -> Facts:
    """What the policy asks about a session, and a member of it. Fault("not_found") if the member is of another one."""
    found = session(tx, session_id)
    whose = member(tx, member_id, session_id).person if member_id else ""
    return Facts(session=found.id, leaders=found.leaders, member=member_id, person=whose)


def member(tx: Transaction, member_id: str, session_id: str = "") -> Member:
    """That member, or Fault("not_found"); with `session_id` only if of that session."""
    row = tx.one(_MEMBERS + " WHERE m.id = ?", (member_id,))
    if row is None or (session_id and row["session"] != session_id):
        raise Fault("not_found", "member")
    return _member(row)


def members(tx: Transaction, session_id: str) -> list[Member]:
    """All members: who leads first, then who lead with them, the waiting queue in its order, the others by name."""
    rows = tx.all(
        _MEMBERS + " WHERE m.session = ? ORDER BY m.person = s.facilitator DESC, m.facilitator DESC,"
        " m.standing <> 'waiting',"
        " CASE m.standing WHEN 'waiting' THEN m.waiting_order END, p.name, m.id",
        (session_id,),
    )
    return [_member(row) for row in rows]


def facilitator_member(tx: Transaction, session_id: str) -> Member:
    """The place of the one who leads."""
    row = tx.one(_MEMBERS + " WHERE m.session = ? AND m.person = s.facilitator", (session_id,))
    if row is None:
        raise Fault("not_found", "facilitator's place")
    return _member(row)


def rooms(tx: Transaction) -> list[tuple[Session, list[Member]]]:
    """The admitted members of every session that goes on, without those who are in a private room beside it."""
    return [
        (session(tx, one), [m for m in members(tx, one) if m.standing == "admitted" and not m.aside])
        for one in going_on(tx)
    ]


def set_standing(tx: Transaction, permit: Permit, member_id: str, standing: Standing, at: str) -> None:
    """Change where a member stands; one who starts to wait goes to the end of the queue."""
    tx.execute("UPDATE members SET standing = ? WHERE id = ?", (standing, member_id))
    if permit.action in ("admit", "let_through"):
        tx.execute("UPDATE members SET admitted_at = ?, removed_why = '' WHERE id = ?", (at, member_id))
    if standing == "removed":
        tx.execute("UPDATE members SET removed_at = ? WHERE id = ?", (at, member_id))
    if standing == "waiting":
        tx.execute(
            "UPDATE members SET waiting_since = ?, waiting_order ="
            " (SELECT coalesce(max(waiting_order), 0) + 1 FROM members) WHERE id = ?",
            (at, member_id),
        )
    audit.append(tx, permit, at)


def set_removed_why(tx: Transaction, _permit: Permit, member_id: str, why: RemovalWhy) -> None:
    """The word of its reason; the removal's own write is the audit's entry, which holds no words."""
    tx.execute("UPDATE members SET removed_why = ? WHERE id = ?", (why, member_id))


def block(tx: Transaction, _permit: Permit, person: str, care_group: str, why: RemovalWhy, at: str) -> None:
    """Not to that care group's sessions any more. The removal's own write is the audit's entry."""
    tx.execute(
        "INSERT INTO blocks (person, care_group, why, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (person, care_group) DO UPDATE SET why = excluded.why, at = excluded.at",
        (person, care_group, why, at),
    )


def unblock(tx: Transaction, permit: Permit, person: str, care_group: str, at: str) -> None:
    tx.execute("DELETE FROM blocks WHERE person = ? AND care_group = ?", (person, care_group))
    audit.append(tx, permit, at, person=person)


def blocked(tx: Transaction, care_group: str) -> set[str]:
    """The persons who may not come to that care group's sessions."""
    return {row["person"] for row in tx.all("SELECT person FROM blocks WHERE care_group = ?", (care_group,))}


def blocks_of(tx: Transaction, person: str) -> list[tuple[str, str, str, str]]:
    """Care group, its name, why and since when, of each group that the person may not come to; by name."""
    found = tx.all(
        "SELECT b.care_group, g.name, b.why, b.at FROM blocks b JOIN care_groups g ON g.id = b.care_group"
        " WHERE b.person = ? ORDER BY g.name, g.id",
        (person,),
    )
    return [(row["care_group"], row["name"], row["why"], row["at"]) for row in found]


def places(tx: Transaction, person: str, care_group: str) -> list[str]:
    """The person's members in the sessions of that care group that are not over."""
    found = tx.all(
        "SELECT m.id FROM members m JOIN sessions s ON s.id = m.session"
        " WHERE m.person = ? AND m.facilitator = 0 AND s.care_group = ? AND s.state <> 'ended'",
        (person, care_group),
    )
    return [row["id"] for row in found]


def set_held(tx: Transaction, permit: Permit, member_id: str, at: str, *, held: bool) -> None:
    tx.execute("UPDATE members SET held = ? WHERE id = ?", (int(held), member_id))
    audit.append(tx, permit, at)


def set_flagged(tx: Transaction, permit: Permit, member_id: str, at: str, *, flagged: bool) -> None:
    tx.execute("UPDATE members SET flagged = ? WHERE id = ?", (int(flagged), member_id))
    audit.append(tx, permit, at)


def ask_phrase(tx: Transaction, permit: Permit, member_id: str, at: str) -> None:
    """From now on their page asks for the check phrase; what was typed before is forgotten."""
    tx.execute("UPDATE members SET phrase_asked = 1, phrase_given = '', phrase_tries = 0 WHERE id = ?", (member_id,))
    audit.append(tx, permit, at)


def answer_phrase(tx: Transaction, permit: Permit, member_id: str, text: str, at: str) -> None:
    tx.execute("UPDATE members SET phrase_given = ?, phrase_tries = phrase_tries + 1 WHERE id = ?", (text, member_id))
    audit.append(tx, permit, at)


def set_message(tx: Transaction, permit: Permit, member_id: str, text: str, at: str) -> None:
    """The last line of staff to one who waits, in place of the one before."""
    tx.execute("UPDATE members SET message = ?, message_at = ? WHERE id = ?", (text, at, member_id))
    audit.append(tx, permit, at)


def forget_waiting(tx: Transaction, _permit: Permit, member_id: str) -> None:
    """What was asked of and said to one who waited is over. The caller's own write is the audit's entry."""
    tx.execute(
        "UPDATE members SET phrase_asked = 0, phrase_given = '', phrase_tries = 0, message = '', message_at = NULL"
        " WHERE id = ?",
        (member_id,),
    )


def forget_marks(tx: Transaction, _permit: Permit, member_id: str) -> None:
    """Nobody is held or marked who has just come or gone. The caller's own write is the audit's entry."""
    tx.execute("UPDATE members SET held = 0, flagged = 0 WHERE id = ?", (member_id,))


def forget_hour(tx: Transaction, _permit: Permit, session_id: str) -> None:
    """The session is over: what was asked of and said to those who waited, and marks. The end's write is the entry."""
    tx.execute(
        "UPDATE members SET phrase_asked = 0, phrase_given = '', phrase_tries = 0, message = '', message_at = NULL,"
        " held = 0, flagged = 0 WHERE session = ?",
        (session_id,),
    )


def going_on(tx: Transaction) -> list[str]:
    """The sessions that were opened and have not ended, private rooms too."""
    return [row["id"] for row in tx.all("SELECT id FROM sessions WHERE state IN ('open', 'locked') ORDER BY id")]


def waits(tx: Transaction, since: str, newest: int) -> list[tuple[str, str]]:
    """When people began to wait and were let in, of the `newest` admissions after `since`, newest first."""
    rows = tx.all(
        "SELECT waiting_since, admitted_at FROM members WHERE admitted_at >= ? AND waiting_since <= admitted_at"
        " ORDER BY admitted_at DESC, id LIMIT ?",
        (since, newest),
    )
    return [(row["waiting_since"], row["admitted_at"]) for row in rows]


def set_vouched(tx: Transaction, permit: Permit, member_id: str, at: str) -> None:
    tx.execute("UPDATE members SET vouched_by = ? WHERE id = ?", (permit.actor.person, member_id))
    audit.append(tx, permit, at)


def forget_check(tx: Transaction, _permit: Permit, member_id: str) -> None:
    """Somebody may sit at a new device whom staff have not looked at. The caller's own write is the audit's entry."""
    tx.execute("UPDATE members SET vouched_by = NULL WHERE id = ?", (member_id,))


def clear_progress(tx: Transaction, permit: Permit, member_id: str, at: str) -> None:
    """Back to the first page, as after a new ticket: another person may have used the old one."""
    tx.execute(
        "UPDATE members SET standing = 'expected', vouched_by = NULL, display_name = '', devices_tried = 0,"
        " space_checked = 0,"
        " waiting_since = NULL, waiting_order = NULL, phrase_asked = 0, phrase_given = '', phrase_tries = 0,"
        " message = '', message_at = NULL, held = 0, flagged = 0 WHERE id = ?",
        (member_id,),
    )
    audit.append(tx, permit, at)


def set_display_name(tx: Transaction, permit: Permit, member_id: str, name: str, at: str) -> None:
    tx.execute("UPDATE members SET display_name = ? WHERE id = ?", (name, member_id))
    audit.append(tx, permit, at)


def set_devices_tried(tx: Transaction, permit: Permit, member_id: str, at: str) -> None:
    tx.execute("UPDATE members SET devices_tried = 1 WHERE id = ?", (member_id,))
    audit.append(tx, permit, at)


def set_space_checked(tx: Transaction, permit: Permit, member_id: str, at: str) -> None:
    tx.execute("UPDATE members SET space_checked = 1 WHERE id = ?", (member_id,))
    audit.append(tx, permit, at)


def waiting_of(tx: Transaction, care_group: str) -> list[str]:
    """The members who wait for a session of that care group now, or with "" of any."""
    rows = tx.all(
        "SELECT m.id FROM members m JOIN sessions s ON s.id = m.session WHERE (? = '' OR s.care_group = ?)"
        " AND m.standing = 'waiting' AND s.state <> 'ended' ORDER BY m.waiting_order",
        (care_group, care_group),
    )
    return [row["id"] for row in rows]


def last_name(tx: Transaction, person: str, care_group: str) -> str:
    """What that person was last called in a session of that care group, or ""."""
    row = tx.one(
        "SELECT m.display_name FROM members m JOIN sessions s ON s.id = m.session WHERE m.person = ?"
        " AND s.care_group = ? AND m.display_name <> '' AND m.facilitator = 0 ORDER BY s.starts_at DESC, m.rowid DESC",
        (person, care_group),
    )
    return row["display_name"] if row else ""


def note_arrival(tx: Transaction, member_id: str, at: str) -> int:
    """A page of an admitted member came into the room; the attendance's number. No audit: the member's own record.

    One that has no end goes on: the appliance was away, the member was not.
    """
    going_on = tx.one(
        "SELECT max(sequence) AS sequence FROM attendances WHERE member = ? AND left_at IS NULL", (member_id,)
    )
    if going_on is not None and going_on["sequence"] is not None:
        return int(going_on["sequence"])
    tx.execute("INSERT INTO attendances (member, joined_at) VALUES (?, ?)", (member_id, at))
    return tx.lastrowid


def note_departure(tx: Transaction, attendance: int, at: str) -> None:
    tx.execute("UPDATE attendances SET left_at = ? WHERE sequence = ? AND left_at IS NULL", (at, attendance))


def attendances(tx: Transaction, member_id: str, ended_at: str) -> Sequence[tuple[str, str]]:
    """When that member was there, as (joined, left); one that was cut off by a crash lasts until `ended_at`."""
    rows = tx.all("SELECT joined_at, left_at FROM attendances WHERE member = ? ORDER BY sequence", (member_id,))
    return [(row["joined_at"], row["left_at"] or ended_at) for row in rows]


def pseudonym_key(tx: Transaction) -> bytes:
    """The key of the names that HQ sees; made on first use, so the transaction must be one that writes."""
    made = secrets.token_bytes(32)
    tx.execute("INSERT INTO box_secrets VALUES ('pseudonym_key', ?) ON CONFLICT DO NOTHING", (made,))
    row = tx.one("SELECT value FROM box_secrets WHERE name = 'pseudonym_key'")
    return bytes(row["value"]) if row else made


_SESSIONS = (
    "SELECT s.*, p.name AS leader_name, (SELECT group_concat(m.person, ' ') FROM members m"
    " WHERE m.session = s.id AND m.facilitator = 1) AS leaders"
    " FROM sessions s JOIN people p ON p.id = s.facilitator"
)
_MEMBERS = (
    "SELECT m.*, p.name, p.check_phrase, coalesce(t.stopped, 0) AS stopped, coalesce(t.expires_at, 0) AS expires_at,"
    " t.other_device_at IS NOT NULL AS other_device, b.why AS blocked_why,"
    " a.room AS aside, a.place AS aside_place"
    " FROM members m JOIN people p ON p.id = m.person JOIN sessions s ON s.id = m.session"
    " LEFT JOIN tickets t ON t.member = m.id"
    " LEFT JOIN (SELECT c.parent, c.id AS room, x.person, x.id AS place FROM sessions c JOIN members x"
    " ON x.session = c.id WHERE c.parent IS NOT NULL AND c.state = 'open') a"
    " ON a.parent = m.session AND a.person = m.person"
    " LEFT JOIN blocks b ON b.person = m.person AND b.care_group = s.care_group"
)


def _session(row: Row) -> Session:
    return Session(
        id=row["id"],
        title=row["title"],
        leader=row["facilitator"],
        leader_name=row["leader_name"],
        leaders=tuple((row["leaders"] or "").split()),
        starts_at=row["starts_at"],
        state=cast(State, row["state"]),
        opened_at=row["opened_at"] or "",
        ended_at=row["ended_at"] or "",
        care_group=row["care_group"] or "",
        phase=cast(Phase, row["state"] if row["state"] in ("scheduled", "ended") else row["phase"]),
        before_pause=cast(GoingOn, row["before_pause"]),
        leads_now=row["leads_now"] or row["facilitator"],
        parent=row["parent"] or "",
        locked_why=cast(LockedWhy, row["locked_why"] if row["state"] == "locked" else ""),
    )


def _member(row: Row) -> Member:
    return Member(
        id=row["id"],
        session=row["session"],
        person=row["person"],
        name=row["name"],
        facilitator=bool(row["facilitator"]),
        standing=cast(Standing, row["standing"]),
        display_name=row["display_name"],
        devices_tried=bool(row["devices_tried"]),
        vouched=row["vouched_by"] is not None,
        was_removed=row["removed_at"] is not None,
        waiting_since=row["waiting_since"] or "",
        waiting_order=row["waiting_order"] or 0,
        ticket_stopped=bool(row["stopped"]),
        ticket_expires_at=row["expires_at"],
        ticket_other_device=bool(row["other_device"]),
        held=bool(row["held"]),
        flagged=bool(row["flagged"]),
        admitted_at=row["admitted_at"] or "",
        removed_why=cast(RemovalWhy, row["removed_why"]),
        aside=row["aside"] or "",
        aside_place=row["aside_place"] or "",
        phrase=row["check_phrase"],
        phrase_asked=bool(row["phrase_asked"]),
        phrase_given=row["phrase_given"],
        phrase_tries=row["phrase_tries"],
        message=row["message"],
        message_at=row["message_at"] or "",
        blocked=row["blocked_why"] is not None,
        blocked_why=cast(RemovalWhy, row["blocked_why"] or ""),
        space_checked=bool(row["space_checked"]),
    )
