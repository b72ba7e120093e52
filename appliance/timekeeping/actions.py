"""Say what time it is; carry what stands over to another time. Each runs on the writer thread in one transaction."""

from __future__ import annotations

from appliance.clock import text
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Transaction
from appliance.tickets.rules import VALID_SECONDS
from appliance.timekeeping import rows
from appliance.timekeeping.rules import Kept


def set_clock(tx: Transaction, actor: Actor, before: int, found: Kept) -> None:
    """Staff say that it is `found.seen_at`; the box went by `before`."""
    permit = decide(actor, "set_clock", Facts())
    rows.tell(tx, permit, found, text(found.seen_at))
    rows.carry_over(tx, before, found.seen_at, VALID_SECONDS)


def moved(tx: Transaction, before: int, found: Kept) -> None:
    """A time server, or somebody at the machine, set the clock while the box ran."""
    rows.note(tx, found)
    rows.carry_over(tx, before, found.seen_at, VALID_SECONDS)
