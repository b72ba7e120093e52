"""From a ticket that was just issued to its paper. Code and PIN come from the asker, since the store holds neither.

Printed is only a ticket that still opens its place, and only for those who may issue one. Nothing is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from appliance.clinic import Clinic
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
    """The PDF. `portal`: the address that the link begins with. Faults: not_found, refused, wrong_ticket."""
    try:
        shown = await clinic.db.read(
            lambda tx: tickets.shown(tx, actor, wanted.session, wanted.member, wanted.code, wanted.pin)
        )
    except Fault as fault:
        if fault.code == "refused":
            facts = Facts(session=wanted.session, member=wanted.member)
            await clinic.note_refused(actor, "reissue", facts, fault.code)
        raise
    page = Paper(shown.name, f"{portal}/join#{shown.code}", shown.code, wanted.pin, shown.starts_at)
    draw = invitations if wanted.kind == "invitation" else pin_slips
    return await asyncio.to_thread(draw, sender, [page], wanted.language)
