"""What enrolment does to the box's store and to the courier's folder, without an enrolment."""

from __future__ import annotations

from appliance.outbox import pinned, rows
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from sync.keys import HqFacts
from sync.spool import Spool
from tests.fakes.parties import AT, hand_over


async def pin_hq(db: Database, facts: HqFacts) -> None:
    """The box knows this HQ from now on, whatever it knew before."""
    permit = decide(BOX, "enrol_box", Facts())
    await db.write(lambda tx: pinned.pin(tx, permit, facts, AT, anew=True))


async def enrol_here(db: Database, spool: Spool, facts: HqFacts) -> None:
    """The same, and the courier has its certificate."""
    own = await db.write(rows.identity)
    hand_over(spool, facts, own.box)
    await pin_hq(db, facts)
