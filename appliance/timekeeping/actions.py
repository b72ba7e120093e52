"""Say what time it is; carry what stands over to another time. Each runs on the writer thread in one transaction."""

from __future__ import annotations

from appliance.clock import text
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Transaction
from appliance.tickets.rules import VALID_SECONDS
from appliance.timekeeping import rows
from appliance.timekeeping.rules import Kept


def set_clock(tx: Transaction, actor: Actor, before: int, found: Kept, *, back: bool = False) -> None:
    """Staff say that it is `found.seen_at`; the box went by `before`. `back`: further than most may set it back.

    Then the log has two entries, the first at the old time: whoever reads it sees where and how far time went back.
    """
    permit = decide(actor, "set_clock", Facts())
    if back:
        rows.going_back(tx, decide(actor, "set_clock_back", Facts()), text(before))
    rows.tell(tx, permit, found, text(found.seen_at))
    rows.carry_over(tx, before, found.seen_at, VALID_SECONDS)


def moved(tx: Transaction, before: int, found: Kept) -> None:
    """A time server, or somebody at the machine, set the clock while the box ran."""
    rows.note(tx, found)
    rows.carry_over(tx, before, found.seen_at, VALID_SECONDS)
