"""Rows to wire: what one signed-in person sees of a session. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.control import types
from appliance.people.rules import phrase_fits
from appliance.policy import Actor, Facts, may_do
from appliance.sessions import rows
from appliance.showing import Here, leading, ticket_state

# Done in the portal only: it needs a browser with camera and microphone.
_NOT_ON_THE_CONSOLE = frozenset({"enter"})


def session(
    found: rows.Session, members: Sequence[rows.Member], actor: Actor, here: Here, now: int, *, full: bool = False
) -> types.Session:
    """One session as `actor` may see it at `now` (seconds since the epoch)."""
    facts = Facts(session=found.id, leaders=found.leaders)
    leader = leading(found, members, here)
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
        members=tuple(_member(m, here, now) for m in members),
        actions=tuple(action for action in may_do(actor, facts) if action not in _NOT_ON_THE_CONSOLE),
        full=full,
    )


def _member(member: rows.Member, here: Here, now: int) -> types.Member:
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
        flagged=member.flagged,
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
