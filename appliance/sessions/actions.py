"""Everything that is done to a session and its members. Each runs on the writer thread in one transaction.

The words are the policy's: *admit* is one word from key press to audit entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from appliance.care import rows as care
from appliance.clock import parse
from appliance.consent import rows as consents
from appliance.disclosures import rows as disclosures
from appliance.disclosures.rules import Consent
from appliance.faults import Fault
from appliance.groups import rows as groups
from appliance.orientation import rows as orientation
from appliance.outbox import rows as outbox
from appliance.policy import Action, Actor, Facts, Permit, allows, decide, may_do
from appliance.sessions import asides, record, rows, states
from appliance.sessions.rules import MAX_MEMBERS, Progress, display_name, member_after, next_step, session_after
from appliance.store.database import Transaction
from appliance.tickets import rows as tickets
from appliance.tickets.rules import AFTER_END_SECONDS, SHARED_AFTER_END_SECONDS

Leader = tuple[str, str]  # a person, and the name that the group sees


def schedule(
    tx: Transaction,
    actor: Actor,
    title: str,
    leader: Leader,
    people: Sequence[str],
    starts_at: str,
    at: str,
    *,
    with_leaders: Sequence[Leader] = (),
    care_group: str = "",
) -> tuple[str, list[str]]:
    """A session led by `leader`, together with others or not, with `people` expected: its id, their members' ids.

    `care_group`: whose session it is; by default one of that title whose clinicians all leaders are, else a new one.
    Leading a session of an existing care group makes nobody its clinician.
    """
    everybody = [leader[0], *(person for person, _ in with_leaders), *people]
    if len(everybody) > MAX_MEMBERS or len(set(everybody)) < len(everybody):
        raise Fault("bad_request", "too many people for one session, or one twice")
    permit = decide(actor, "schedule", Facts(leaders=(leader[0],)))
    leaders = [leader[0], *(person for person, _ in with_leaders)]
    group = care.group(tx, care_group).id if care_group else care.named(tx, title, leaders)
    if not group:  # nothing was written in a new one yet, so whoever may schedule may found it
        group = care.add_group(tx, permit, title, leaders, at)
    session = rows.add_session(tx, permit, title, leader[0], starts_at, at, care_group=group)
    for person, name in (leader, *with_leaders):
        rows.add_member(tx, permit, session, person, at, facilitator_name=name)
    return session, [rows.add_member(tx, permit, session, person, at) for person in people]


def add_leader(tx: Transaction, actor: Actor, session_id: str, leader: Leader, at: str) -> None:
    """One more who leads a session that is not over, from now on. Faults: bad_request, wrong_state.

    A clinician of its care group too, where `actor` may say so; the front desk may not.
    """
    permit = decide(actor, "schedule", rows.facts(tx, session_id))
    members = rows.members(tx, session_id)
    if len(members) + 1 > MAX_MEMBERS or leader[0] in {m.person for m in members}:
        raise Fault("bad_request", "too many people for one session, or one twice")
    if rows.session(tx, session_id).state == "ended" or rows.session(tx, session_id).parent:
        raise Fault("wrong_state", "a leader for a session that is over, or for a private room")
    rows.add_member(tx, permit, session_id, leader[0], at, facilitator_name=leader[1])
    group = rows.session(tx, session_id).care_group
    if group and allows(actor, "change_care_group", care.facts(tx, group, person=leader[0])):
        care.let_in(
            tx, decide(actor, "change_care_group", care.facts(tx, group, person=leader[0])), group, leader[0], at
        )


def own_place(actor: Actor, session: rows.Session, members: Sequence[rows.Member]) -> rows.Member | None:
    """Where `actor` of the staff sits in the room: only who may enter has a place there, and only their own."""
    if "enter" not in may_do(actor, Facts(session=session.id, leaders=session.leaders)):
        return None
    return next((m for m in members if m.facilitator and m.person == actor.person), None)


def mentioned(tx: Transaction, session_id: str, member_id: str) -> Facts:
    """Session and member of a request that was refused, for its entry in the audit: nothing of what does not exist."""
    for member in (member_id, ""):
        with suppress(Fault):
            return rows.facts(tx, session_id, member)
    return Facts()


def look(tx: Transaction, actor: Actor, session_id: str) -> tuple[rows.Session, list[rows.Member]]:
    """A session and its members, for those who may see it."""
    permit_to_see(tx, actor, session_id)
    return rows.session(tx, session_id), rows.members(tx, session_id)


def permit_to_see(tx: Transaction, actor: Actor, session_id: str) -> Permit:
    """For the entry in the audit: showing a session's people is one."""
    return decide(actor, "see", rows.facts(tx, session_id))


def permit_to_enter(tx: Transaction, actor: Actor, session_id: str) -> Permit:
    """For the entry in the audit: one who leads goes into the room."""
    return decide(actor, "enter", rows.facts(tx, session_id))


def change(tx: Transaction, actor: Actor, action: Action, session_id: str, at: str) -> None:
    """One of STATE_ACTIONS but take_over, or cancel. With the end go the record for HQ, the group's handshake, what was
    said to those who waited and the visits' time, in one transaction."""
    permit = decide(actor, action, rows.facts(tx, session_id))
    states.check_leader(tx, actor, action, at)
    place = session_after(rows.session(tx, session_id).place, action)
    rows.set_place(tx, permit, session_id, place, at)
    if place.phase == "ended":
        _tell_headquarters(tx, session_id, at)
        now = int(parse(at).timestamp())
        tickets.close(tx, permit, now + AFTER_END_SECONDS, now + SHARED_AFTER_END_SECONDS)
        groups.forget(tx, permit)
        rows.forget_hour(tx, permit, session_id)
        asides.end_all(tx, permit, session_id, at)


def choose_name(tx: Transaction, actor: Actor, text: str, at: str) -> None:
    """The name that the group will see. Once they know it, it stays."""
    permit, member = _own(tx, actor, "name")
    member_after(member.standing, "name", rows.session(tx, member.session).state)
    rows.set_display_name(tx, permit, member.id, display_name(text), at)


def try_devices(tx: Transaction, actor: Actor, at: str) -> None:
    """The patient has been through the test of camera and microphone, whatever it showed."""
    permit, member = _own(tx, actor, "try_devices")
    member_after(member.standing, "try_devices", rows.session(tx, member.session).state)
    rows.set_devices_tried(tx, permit, member.id, at)


def check_space(tx: Transaction, actor: Actor, at: str) -> None:
    """The patient has been through the list for a private place."""
    permit, member = _own(tx, actor, "check_space")
    member_after(member.standing, "check_space", rows.session(tx, member.session).state)
    rows.set_space_checked(tx, permit, member.id, at)


def progress(tx: Transaction, member: rows.Member) -> Progress:
    """How far a patient is on the way in, from what is stored."""
    session = rows.session(tx, member.session)
    return Progress(
        state=session.state,
        standing=member.standing,
        display_name=member.display_name,
        signed=consents.has_signed(tx, member.person, session.care_group),
        oriented=orientation.is_oriented(tx, member.person),
        devices_tried=member.devices_tried,
        space_checked=member.space_checked,
        signed_here=consents.signed_at_place(tx, member.person, member.id),
        oriented_here=orientation.oriented_at_place(tx, member.person, member.id),
    )


def ask(tx: Transaction, actor: Actor, at: str) -> None:
    """Ask to come in: the end of the queue. Needs all the steps before the waiting room, in whatever order.

    One who was denied, and for whom another agreement counts since then, is led through that first.
    """
    permit, member = _own(tx, actor, "ask")
    reached = progress(tx, member)
    if (
        member.standing in ("joining", "waiting", "denied")
        and next_step(replace(reached, standing="joining")) != "wait"
    ):
        if member.standing == "denied" and reached.state != "ended":
            rows.set_standing(tx, permit, member.id, "joining", at)
            return
        raise Fault("wrong_state", "a step before the waiting room is missing")
    standing = member_after(member.standing, "ask", rows.session(tx, member.session).state)
    if standing != member.standing:
        rows.set_standing(tx, permit, member.id, standing, at)


def ask_if_ready(tx: Transaction, actor: Actor, at: str) -> None:
    """Ask to come in where nothing is missing any more; else nothing: the next step is on its page."""
    member = rows.member(tx, actor.member)
    if member.standing == "joining" and next_step(progress(tx, member)) == "wait":
        ask(tx, actor, at)


def leave(tx: Transaction, actor: Actor, at: str) -> None:
    """Go out by oneself; coming back means asking again."""
    permit, member = _own(tx, actor, "leave")
    standing = member_after(member.standing, "leave", rows.session(tx, member.session).state)
    rows.set_standing(tx, permit, member.id, standing, at)
    rows.forget_waiting(tx, permit, member.id)
    rows.forget_marks(tx, permit, member.id)
    groups.withdraw(tx, permit, member.id)
    asides.end_of(tx, permit, member.id, at)


def _own(tx: Transaction, actor: Actor, action: Action) -> tuple[Permit, rows.Member]:
    member = rows.member(tx, actor.member)
    return decide(actor, action, rows.facts(tx, member.session, member.id)), member


def _tell_headquarters(tx: Transaction, session_id: str, at: str) -> None:
    """The record of a session that is over. Of those who came, it tells only of whom a written consent allows (C32)."""
    members = [m for m in rows.members(tx, session_id) if rows.attendances(tx, m.id, at)]
    told = {m.id: disclosures.in_force(tx, m.person, record.RECORD_CLASS, at) for m in members if not m.facilitator}
    number = outbox.add(tx, record.RECORD_CLASS, record.encode(_record(tx, session_id, members, told)), at)
    for consent in told.values():
        if consent is not None:
            disclosures.note(tx, number, consent, record.RECORD_CLASS)


def _record(
    tx: Transaction, session_id: str, members: Sequence[rows.Member], told: Mapping[str, Consent | None]
) -> record.SessionEnded:
    session, key = rows.session(tx, session_id), rows.pseudonym_key(tx)
    shown = [(m, told.get(m.id)) for m in members if m.facilitator or told.get(m.id) is not None]
    return record.SessionEnded(
        session=record.pseudonym(key, "session", session.id),
        starts_at=session.starts_at,
        opened_at=session.opened_at,
        ended_at=session.ended_at,
        expected=sum(not m.facilitator for m in rows.members(tx, session_id)),
        compared_at=groups.compared_at(tx, session.id),
        withheld=len(members) - len(shown),
        attendees=[
            record.Attendee(
                person=record.pseudonym(key, "person", m.person),
                facilitator=m.facilitator,
                removed=m.was_removed,
                present=rows.attendances(tx, m.id, session.ended_at),
                agreement=consents.signed_version(tx, m.person),
                consent=consent.id if consent else "",
            )
            for m, consent in shown
        ],
    )
