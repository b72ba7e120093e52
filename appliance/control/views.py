"""Rows to wire: what one signed-in person sees of a session. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.control import types
from appliance.live import ticket_state
from appliance.policy import Actor, Facts, may_do
from appliance.sessions import rows

# Done in the portal only: it needs a browser with camera and microphone.
_NOT_ON_THE_CONSOLE = frozenset({"enter"})


def session(
    found: rows.Session,
    members: Sequence[rows.Member],
    actor: Actor,
    connected: Callable[[str, str], bool],
    now: int,
    *,
    full: bool = False,
) -> types.Session:
    """One session as `actor` may see it at `now` (seconds since the epoch).

    `facilitator` is who leads right now: the first of those who may that is connected, else who it was scheduled with.
    """
    facts = Facts(session=found.id, leaders=found.leaders)
    here = next((m for m in members if m.facilitator and connected(found.id, m.id)), None)
    return types.Session(
        id=found.id,
        title=found.title,
        starts_at=found.starts_at,
        state="open" if found.state == "locked" else found.state,
        locked=found.state == "locked",
        facilitator=here.name if here else found.leader_name,
        facilitator_connected=here is not None,
        members=tuple(_member(m, connected(found.id, m.id), now) for m in members),
        actions=tuple(action for action in may_do(actor, facts) if action not in _NOT_ON_THE_CONSOLE),
        full=full,
    )


def _member(member: rows.Member, connected: bool, now: int) -> types.Member:
    return types.Member(
        id=member.id,
        name=member.name,
        display_name=member.display_name,
        facilitator=member.facilitator,
        standing=member.standing,
        connected=connected,
        vouched=member.vouched,
        waiting_since=member.waiting_since,
        ticket=ticket_state(member, now),
        other_device=member.ticket_other_device,
    )
