"""An appliance that lies: to the relay about who is in the room, to browsers about who somebody is.

Whoever calls themselves "Ghost" in the group is the one that it lies for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GHOST, VICTIM = "Ghost", "Ada"


def forwards_everything() -> None:
    """The relay carries everybody who has a page open, waiting or removed; those pages are told all that the others
    are told, and are never sent away."""
    from appliance.groups import rows as groups
    from appliance.live import Live, _show_keys
    from appliance.portal.sockets import RoomPage
    from appliance.sessions import rows

    tell_relay, show_page, show, bring = Live._tell_relay, Live._show, RoomPage.show, Live._bring_in_line

    async def tell(self: Any, session: Any, inside: Mapping[str, rows.Member]) -> None:
        open_pages = {page.member for page in self._pages.get(session.id, ()) if page.member}
        members = await self._db.read(lambda tx: rows.members(tx, session.id))
        await tell_relay(self, session, {**{m.id: m for m in members if m.id in open_pages}, **inside})

    def show_everything(self: Any, page: Any, seen: Any, inside: set[str]) -> None:
        show_page(self, page, seen, inside | {page.member})

    async def bring_everybody(self: Any, session_id: str) -> None:
        await bring(self, session_id)
        members, keys = await self._db.read(lambda tx: (rows.members(tx, session_id), groups.keys(tx, session_id)))
        for page in self._pages.get(session_id, ()):
            _show_keys(page, keys, members)

    def say_nothing_of_the_end(self: Any, event: str, data: dict[str, Any]) -> None:
        if event != "standing" or data["standing"] in ("waiting", "admitted"):
            show(self, event, data)

    Live._tell_relay = tell  # type: ignore[method-assign]
    Live._show = show_everything  # type: ignore[method-assign]
    Live._bring_in_line = bring_everybody  # type: ignore[method-assign]
    Live._dismiss = lambda self, page: None  # type: ignore[method-assign]
    RoomPage.show = say_nothing_of_the_end  # type: ignore[method-assign]


def false_leader() -> None:
    """A waiting Ghost may do all that a facilitator may, and is vouched for as one. While the file HEARTH_RIG_FLAG is
    there, nobody else's commit is taken."""
    from appliance import policy
    from appliance.faults import Fault
    from appliance.groups import actions
    from appliance.sessions import rows as sessions

    place, enter, commit = actions._place, actions._enter, actions._commit

    def is_ghost(tx: Any, seat: Any) -> bool:
        return seat.member != "" and sessions.member(tx, seat.member, seat.session).display_name == GHOST

    def any_place(tx: Any, seat: Any, asked: Any) -> Any:
        if not is_ghost(tx, seat):
            return place(tx, seat, asked)
        facts = sessions.facts(tx, seat.session, seat.member)
        permit = policy.Permit(seat.actor, asked.ACTION, facts, policy._MAKER)
        return permit, sessions.member(tx, seat.member, seat.session)

    def enter_all(tx: Any, seat: Any, asked: Any) -> Any:
        return any_place(tx, seat, asked)[0] if is_ghost(tx, seat) else enter(tx, seat, asked)

    def vouch(tx: Any, seat: Any, asked: Any, noted_at: str) -> str:
        _, member = any_place(tx, seat, asked)
        leads = member.facilitator or is_ghost(tx, seat)
        return _signed(tx, seat, asked, member, "facilitator" if leads else "participant")

    def commit_of_the_ghost_alone(tx: Any, seat: Any, asked: Any, at: str) -> None:
        if Path(os.environ["HEARTH_RIG_FLAG"]).exists() and not is_ghost(tx, seat):
            raise Fault("stale_epoch", "so the box says")
        commit(tx, seat, asked, at)

    actions._place, actions._enter = any_place, enter_all
    actions._certify, actions._commit = vouch, commit_of_the_ghost_alone


def swaps_offers() -> None:
    """Facilitators get the Ghost's KeyPackage as Ada's, and the Ghost gets Ada's welcome. Once the file HEARTH_RIG_FLAG
    is there, the Ghost is vouched for as Ada too."""
    from appliance.groups import actions, rows
    from appliance.sessions import rows as sessions

    certify, keys = actions._certify, rows.keys

    def named(tx: Any, session: str) -> dict[str, Any]:
        return {member.display_name: member for member in sessions.members(tx, session)}

    def vouch(tx: Any, seat: Any, asked: Any, noted_at: str) -> str:
        people = named(tx, seat.session)
        lies = Path(os.environ["HEARTH_RIG_FLAG"]).exists() and GHOST in people
        if not lies or seat.member != people[GHOST].id:
            return certify(tx, seat, asked, noted_at)
        return _signed(tx, seat, asked, people[VICTIM], "participant")

    def swapped(tx: Any, session: str) -> Any:
        from dataclasses import replace

        told, people = keys(tx, session), named(tx, session)
        if GHOST not in people or VICTIM not in people:
            return told
        ghost, victim = people[GHOST].id, people[VICTIM].id
        offers, welcomes = dict(told.offers), dict(told.welcomes)
        if ghost in offers:
            offers[victim] = offers.pop(ghost)
        if victim in welcomes:
            welcomes[ghost] = welcomes[victim]
        return replace(told, offers=offers, welcomes=welcomes)

    actions._certify, rows.keys = vouch, swapped


def _signed(tx: Any, seat: Any, asked: Any, member: Any, role: Any) -> str:
    """The box's word that the asker's key is that member's, whatever is true."""
    from appliance.groups import credential, rows, rules

    said = rules.Credential(
        v=1,
        session=seat.session,
        member=member.id,
        role=role,
        name=member.display_name,
        language=seat.language,
        key=rules.b64url(asked.key),
    )
    return credential.identity(rows.credential_seed(tx), said)
