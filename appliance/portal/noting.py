"""What pages of people and plans share: work whose refusal is noted, and looks that are noted before they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from appliance.clinic import Clinic
from appliance.faults import Fault
from appliance.people import actions
from appliance.policy import Action, Facts
from appliance.portal.logins import Staff
from appliance.store.database import Transaction

T = TypeVar("T")


def me(who: Staff) -> dict[str, str]:
    return {"name": who.name, "role": who.actor.role}


async def noted(
    clinic: Clinic, who: Staff, action: Action, facts: Facts, work: Callable[[Transaction], T], *, read: bool = False
) -> T:
    """The work in one transaction, its refusal in the audit."""
    try:
        return await (clinic.db.read(work) if read else clinic.db.write(work))
    except Fault as fault:
        if fault.code == "refused":
            await clinic.note_refused(who.actor, action, facts, fault.code)
        raise


async def looked(clinic: Clinic, who: Staff, person: str = "") -> None:
    """Note that the list of people ("") or one person's page is shown, before it is."""
    try:
        await clinic.audit.looked(
            who.actor, "see_people", [person], lambda tx, one: actions.permit_to_see(tx, who.actor, one)
        )
    except Fault as fault:
        if fault.code == "refused":
            await clinic.note_refused(who.actor, "see_people", Facts(person=person), fault.code)
        raise
