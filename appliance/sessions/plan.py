"""Plan sessions, plan them otherwise before they open, call them off, invite everybody. Each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.care import rows as care
from appliance.clock import parse
from appliance.faults import Fault
from appliance.people import rows as people
from appliance.policy import Actor, Facts, Permit, decide
from appliance.sessions import actions, rows
from appliance.sessions.planning import Leader, Plan, crowd, unfit
from appliance.sessions.rules import display_name
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets
from appliance.tickets import rows as ticket_rows
from appliance.tickets.actions import Issued
from appliance.tickets.rules import ticket_ends

INVITED = ("expected", "joining", "denied")  # standings in which a ticket can be issued without a look at the person


@dataclass(frozen=True, slots=True)
class Choices:
    """What a plan can be made of. `leaders`: who may lead, by name."""

    leaders: list[care.Clinician]
    groups: list[care.CareGroup]
    people: list[people.Person]


def choices(tx: Transaction, actor: Actor) -> Choices:
    """Faults: refused."""
    decide(actor, "schedule", Facts())
    leaders = [one for one in care.others(tx, "") if one.role == "facilitator"]
    return Choices(leaders, care.groups(tx), people.people(tx))


def coming(tx: Transaction, actor: Actor) -> list[tuple[rows.Session, list[rows.Member]]]:
    """The sessions that are not over, earliest first. Faults: refused."""
    decide(actor, "schedule", Facts())
    return [(one, rows.members(tx, one.id)) for one in rows.current(tx, actor, "9999")]


def one(tx: Transaction, actor: Actor, session_id: str) -> tuple[rows.Session, list[rows.Member]]:
    """Faults: refused, not_found."""
    decide(actor, "schedule", rows.facts(tx, session_id))
    return rows.session(tx, session_id), rows.members(tx, session_id)


def make(tx: Transaction, actor: Actor, plan: Plan, at: str) -> list[str]:
    """The sessions of a plan, each by itself from then on: their ids.

    Where nobody is named who leads, the care group's clinicians do.
    Faults: refused, bad_request with why (planning.Unfit).
    """
    allowed = choices(tx, actor)
    group = _group(allowed, plan.group)
    leaders = plan.leaders or _default_leaders(allowed, group)
    plan = Plan(plan.title, plan.starts, plan.group, _named(leaders), plan.people)
    crowd(plan)
    _check(allowed, [person for person, _ in plan.leaders], plan.people)
    _check_blocks(tx, plan.group, plan.people)
    made: list[str] = []
    of = plan.group
    for start in plan.starts:
        session, _ = actions.schedule(
            tx,
            actor,
            plan.title,
            plan.leaders[0],
            plan.people,
            start,
            at,
            with_leaders=plan.leaders[1:],
            care_group=of,
        )
        of = of or care.of_session(tx, session)
        made.append(session)
    return made


def change(tx: Transaction, actor: Actor, session_id: str, plan: Plan, at: str) -> None:
    """Plan a session otherwise that has not been opened. Who stays keeps invitation and place.

    Faults: refused, not_found, wrong_state, bad_request with why.
    """
    permit = decide(actor, "schedule", rows.facts(tx, session_id))
    session, members = rows.session(tx, session_id), rows.members(tx, session_id)
    if session.state != "scheduled":
        raise Fault("wrong_state", "a plan for a session that was opened")
    plan = Plan(plan.title, plan.starts, session.care_group, _named(plan.leaders), plan.people)
    crowd(plan)
    leaders = {m.person: m for m in members if m.facilitator}
    expected = {m.person: m for m in members if not m.facilitator}
    wanted, invited = dict(plan.leaders), set(plan.people)
    _check(choices(tx, actor), [p for p in wanted if p not in leaders], [p for p in invited if p not in expected])
    _check_blocks(tx, session.care_group, [p for p in invited if p not in expected])
    if (plan.title, plan.starts[0], plan.leaders[0][0]) != (session.title, session.starts_at, session.leader):
        rows.set_plan(tx, permit, session_id, plan.title, plan.starts[0], plan.leaders[0][0], at)
        starts = int(parse(plan.starts[0]).timestamp())
        ticket_rows.last_until(tx, permit, ticket_ends(starts, int(parse(at).timestamp())))
    for person, member in {**leaders, **expected}.items():
        if person not in wanted and person not in invited:
            _drop(tx, permit, member, at)
    for person, name in wanted.items():
        if person not in leaders:
            actions.add_leader(tx, actor, session_id, (person, name), at)
        elif leaders[person].display_name != name:
            rows.set_display_name(tx, permit, leaders[person].id, name, at)
    for person in plan.people:
        if person not in expected:
            rows.add_member(tx, permit, session_id, person, at)


def cancel(tx: Transaction, actor: Actor, session_id: str, at: str) -> None:
    """Over without having been open; its tickets open nothing any more. Faults: refused, not_found, wrong_state."""
    actions.change(tx, actor, "cancel", session_id, at)


def invite(tx: Transaction, actor: Actor, session_id: str, at: str, now: int, *, anew: bool) -> list[Issued]:
    """Tickets for all who may get one without a look at them: `anew` for everybody, or for those who have none that
    opens. Who is blocked gets none. Faults: refused, not_found, wrong_state (the session is over)."""
    decide(actor, "reissue", rows.facts(tx, session_id))
    if rows.session(tx, session_id).state == "ended":
        raise Fault("wrong_state", "invitations to a session that is over")
    found = [m for m in rows.members(tx, session_id) if not m.facilitator and m.standing in INVITED]
    chosen = [m for m in found if (anew or not has_ticket(m, now)) and not m.blocked]
    return [tickets.reissue(tx, actor, session_id, m.id, at, now) for m in chosen]


def has_ticket(member: rows.Member, now: int) -> bool:
    """Whether there is one that opens."""
    return not member.ticket_stopped and member.ticket_expires_at > now


def _drop(tx: Transaction, permit: Permit, member: rows.Member, at: str) -> None:
    ticket_rows.forget(tx, permit, member.id)
    rows.drop_member(tx, permit, member.id, member.person, at)


def _group(allowed: Choices, group_id: str) -> care.CareGroup | None:
    found = next((group for group in allowed.groups if group.id == group_id), None)
    if group_id and found is None:
        raise unfit("group")
    return found


def _default_leaders(allowed: Choices, group: care.CareGroup | None) -> list[Leader]:
    return [(one.person, first_name(one.name)) for one in allowed.leaders if group and one.person in group.clinicians]


def first_name(name: str) -> str:
    """What a group sees of one who leads, unless something else is typed."""
    return next((word for word in name.split() if not word.endswith(".")), name)


def _named(leaders: Sequence[Leader]) -> list[Leader]:
    try:
        return [(person, display_name(name)) for person, name in leaders]
    except Fault:
        raise unfit("leader_name") from None


def _check(allowed: Choices, leaders: Sequence[str], invited: Sequence[str]) -> None:
    """Those who come new into a plan: who leads may lead, who is invited comes to this clinic."""
    if not set(leaders) <= {one.person for one in allowed.leaders}:
        raise unfit("leader")
    if not set(invited) <= {one.id for one in allowed.people}:
        raise unfit("person")


def _check_blocks(tx: Transaction, group_id: str, invited: Sequence[str]) -> None:
    """Nobody is planned into a care group from which they were sent away for good, until that is lifted."""
    if group_id and not rows.blocked(tx, group_id).isdisjoint(invited):
        raise unfit("blocked")
