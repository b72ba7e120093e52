"""Rows to wire: what one signed-in person sees of a session. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.control import types
from appliance.people.rules import phrase_fits
from appliance.policy import Action, Actor, Facts, may_do
from appliance.room.rows import Concern
from appliance.sessions import rows
from appliance.showing import Here, leading, ticket_state

# Done in the portal only: in a room, and to go aside with somebody, one sees and hears; the words of a note are sealed
# by the clinician's own key, which opens at the portal.
NOT_ON_THE_CONSOLE: frozenset[Action] = frozenset({"enter", "aside", "note_incident", "see_summary"})


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes on beside a session's own rows. `minutes`: how long people have waited lately."""

    hands: tuple[str, ...] = ()
    concerns: Sequence[Concern] = ()
    minutes: int | None = None


NOTHING = Beside()


def offered(found: rows.Session, actor: Actor) -> tuple[Action, ...]:
    """What `actor` may do with a session on the console."""
    facts = Facts(session=found.id, leaders=found.leaders)
    return tuple(action for action in may_do(actor, facts) if action not in NOT_ON_THE_CONSOLE)


def session(
    found: rows.Session,
    members: Sequence[rows.Member],
    actor: Actor,
    here: Here,
    now: int,
    *,
    full: bool = False,
    beside: Beside = NOTHING,
) -> types.Session:
    """One session as `actor` may see it at `now` (seconds since the epoch): marks and what was raised only for those
    who lead."""
    may, leader = offered(found, actor), leading(found, members, here)
    return types.Session(
        id=found.id,
        title=found.title,
        starts_at=found.starts_at,
        state="open" if found.state == "locked" else found.state,
        locked=found.state == "locked",
        facilitator=leader.name if leader else found.leader_name,
        facilitator_connected=leader is not None and here.is_here(leader),
        phase=found.phase,
        locked_why=found.locked_why,
        leader=leader.id if leader else "",
        leader_lost=here.leader_lost(found.id),
        members=tuple(_member(m, here, now, marks="flag" in may) for m in members),
        actions=may,
        full=full,
        wait_minutes=beside.minutes,
        hands=beside.hands,
        concerns=tuple(_concern(one) for one in beside.concerns if "handle_concern" in may),
    )


def _concern(found: Concern) -> types.Concern:
    return types.Concern(id=found.id, member=found.member, kind=found.kind, at=found.at)


def _member(member: rows.Member, here: Here, now: int, *, marks: bool) -> types.Member:
    return types.Member(
        id=member.id,
        name=member.name,
        display_name=member.display_name,
        facilitator=member.facilitator,
        standing=member.standing,
        connected=here.is_here(member),
        vouched=member.vouched,
        waiting_since=member.waiting_since,
        ticket=ticket_state(member, now),
        other_device=member.ticket_other_device,
        held=member.held,
        aside=member.aside != "",
        flagged=member.flagged and marks,
        phrase=member.phrase,
        phrase_asked=member.phrase_asked,
        phrase_given=member.phrase_given,
        phrase_fits=phrase_fits(member.phrase, member.phrase_given),
        message=member.message,
        message_at=member.message_at,
        removed_why=member.removed_why,
        blocked=member.blocked,
        blocked_why=member.blocked_why,
    )
