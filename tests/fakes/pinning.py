"""What enrolment does to the box's store, without an enrolment."""

from __future__ import annotations

from appliance.outbox import pinned
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from sync.keys import HqFacts
from tests.fakes.parties import AT


async def pin_hq(db: Database, facts: HqFacts) -> None:
    """The box knows this HQ from now on, whatever it knew before."""
    permit = decide(BOX, "enrol_box", Facts())
    await db.write(lambda tx: pinned.pin(tx, permit, facts, AT, anew=True))
