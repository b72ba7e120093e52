"""From a ticket that was just issued to its paper. Code and PIN come from the asker, since the store holds neither.

Printed is only a ticket that still opens its place, and only for those who may issue one. Nothing is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.clinic import Clinic
from appliance.clock import now_seconds
from appliance.faults import Fault
from appliance.paper.invitation import Paper, Sender, invitations, pin_slips
from appliance.paper.words import Language
from appliance.policy import Actor, Facts
from appliance.tickets import actions as tickets

Kind = Literal["invitation", "pin"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ticket and what to print of it. Not to be logged: it has no readable repr."""

    session: str
    member: str
    code: str
    pin: str
    kind: Kind
    language: Language

    def __repr__(self) -> str:
        return "Wanted(…)"


async def paper(clinic: Clinic, sender: Sender, portal: str, actor: Actor, wanted: Wanted) -> bytes:
    """The PDF of one ticket. Faults: as `papers`."""
    return await papers(clinic, sender, portal, actor, [wanted])


async def papers(clinic: Clinic, sender: Sender, portal: str, actor: Actor, wanted: Sequence[Wanted]) -> bytes:
    """A PDF with a page for each ticket, all of one kind and language. `portal`: the address that links begin with.

    Faults: not_found, refused, wrong_ticket (one of them opens nothing any more: then none is printed).
    """
    shown = [await _page(clinic, portal, actor, one) for one in wanted]
    draw = invitations if wanted[0].kind == "invitation" else pin_slips
    return await asyncio.to_thread(draw, sender, shown, wanted[0].language)


async def _page(clinic: Clinic, portal: str, actor: Actor, wanted: Wanted) -> Paper:
    now = now_seconds()
    try:
        shown = await clinic.db.read(
            lambda tx: tickets.shown(tx, actor, wanted.session, wanted.member, wanted.code, wanted.pin, now)
        )
    except Fault as fault:
        if fault.code == "refused":
            facts = Facts(session=wanted.session, member=wanted.member)
            await clinic.note_refused(actor, "reissue", facts, fault.code)
        raise
    return Paper(shown.name, f"{portal}/join#{shown.code}", shown.code, wanted.pin, shown.starts_at)
