"""What the relay was told: who is in which room, and who of them is held apart there.

Whoever is held apart keeps the place, and neither sends nor receives. Kept in memory; a relay that connects anew is
told the whole truth out of the store, so it is never behind.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from appliance.faults import Fault
from appliance.fitting import Fitting
from appliance.sessions import rows
from appliance.sessions.rules import Quiet, quiet
from media.client import Permission, RelayFault

log = logging.getLogger(__name__)


class Relay(Protocol):
    """The part of `media.client.RelayClient` that is used here."""

    connected: bool

    async def permit(self, room: str, member: str, permission: Permission) -> None: ...
    async def remove(self, room: str, member: str) -> None: ...
    async def leave(self, room: str, member: str) -> None: ...
    async def close_room(self, room: str) -> None: ...
    async def fits(self, room: str) -> dict[str, Any]: ...
    async def counts(self) -> dict[str, Any]: ...
    async def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]: ...


class Carriage:
    """One for the whole box. `relay`: None until there is one."""

    def __init__(self) -> None:
        self.relay: Relay | None = None
        self.fitting = Fitting()
        self.told: dict[str, dict[str, Permission]] = {}
        self._apart: dict[str, dict[str, Quiet]] = {}

    @property
    def ready(self) -> bool:
        return self.relay is not None and self.relay.connected

    def apart(self, room: str, member: str) -> Quiet:
        """Why that member is held apart, "" if they are not."""
        return self._apart.get(room, {}).get(member, "")

    def part(self, session: rows.Session, members: Sequence[rows.Member]) -> set[str]:
        """Who of the session is held apart from now on; those who were not before. The relay is told after."""
        before, now = self._apart.pop(session.id, {}), {}
        if session.state in ("open", "locked"):
            now = {m.id: quiet(session.phase, held=m.held) for m in members if m.standing == "admitted"}
            self._apart[session.id] = now
        return {member for member, why in now.items() if why and not before.get(member)}

    def whole(self, rooms: Sequence[tuple[rows.Session, Sequence[rows.Member]]]) -> dict[str, dict[str, Permission]]:
        """The whole truth, of each session that goes on and who is in its room."""
        for session, members in rooms:
            self.part(session, members)
        self.told = {session.id: {m.id: self.permission(session, m) for m in members} for session, members in rooms}
        return dict(self.told)

    def permission(self, session: rows.Session, member: rows.Member) -> Permission:
        """What one in the room may do there: nothing while held apart."""
        apart = quiet(session.phase, held=member.held)
        return Permission(
            send=() if apart else ("audio", "video"),
            receive=not apart,
            leads=member.facilitator,
            counted=member.id not in self.fitting.beyond,
        )

    async def tell(self, session: rows.Session, inside: Mapping[str, rows.Member]) -> None:
        """Bring the relay in line: who is in the room now, and what they may do there."""
        told = self.told.get(session.id, {})
        wanted = self.told[session.id] = {one: self.permission(session, m) for one, m in inside.items()}
        self.fitting.forget(told.keys() - inside.keys())
        relay = self.relay
        if relay is None or not relay.connected:
            return
        for member in told.keys() - wanted.keys():
            await said(relay.remove(session.id, member))
        for member, permission in wanted.items():
            if told.get(member) != permission:
                await _permit(relay, session.id, member, permission)
        if session.state == "ended":
            del self.told[session.id]
            await said(relay.close_room(session.id))

    async def leave(self, room: str, member: str) -> None:
        """That member's page is gone, and their media with it."""
        if self.relay is not None and self.relay.connected:
            await said(self.relay.leave(room, member))

    async def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """Carry a media request.

        Faults: refused (not in the room), wrong_state (held apart), relay_away, relay_refused.
        """
        permission = self.told.get(room, {}).get(member)
        if permission is None:
            raise Fault("refused", "not in the room")
        if not permission.receive:
            raise Fault("wrong_state", "held, or the session is paused")
        if self.relay is None or not self.relay.connected:
            raise Fault("relay_away")
        try:
            return await self.relay.request(room, member, method, data)
        except RelayFault as fault:
            raise Fault("relay_away" if fault.code == "away" else "relay_refused", fault.code) from None


async def said(telling: Awaitable[None]) -> bool:
    """Told, or the relay went away in between: on return it asks for the whole truth. One no stops no other."""
    try:
        await telling
    except RelayFault as fault:
        log.warning("relay: %s", fault.code)
        return False
    return True


async def _permit(relay: Relay, room: str, member: str, permission: Permission) -> None:
    """Of one who is held apart nothing is left there: no transport, and no news of the others. If the relay says no to
    that, they are put out of the room."""
    permitted = await said(relay.permit(room, member, permission))
    if permission.receive:
        return
    await said(relay.leave(room, member) if permitted else relay.remove(room, member))
