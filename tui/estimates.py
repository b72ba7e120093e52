"""How long the records that wait will take, said only where it is known. Pure.

`queued_bytes` counts records before they are packed and compressed, so a time made from it is at most that; the rate is
what HQ took lately with all outages counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from appliance.control.types import Sync

Kind = Literal["nothing", "unknown", "away", "hours", "budget", "days", "time", "soon", "stopped"]
SOON = 60  # seconds. Less is not worth a figure


@dataclass(frozen=True, slots=True)
class Estimate:
    """`kind` names the sentence `sync.estimate.<kind>`. `seconds` for time, `days` for days, `until` where it waits."""

    kind: Kind
    seconds: int = 0
    days: int = 0
    until: str = ""


def estimate(sync: Sync) -> Estimate:
    """nothing: nothing waits; stopped: a person must decide first; hours, budget: waits for them; days: longer than
    today's budget; away: nobody can tell while HQ is not reached; unknown: nothing was sent lately."""
    if not sync.queued or sync.state == "not_enrolled":
        return Estimate("nothing")
    if sync.trouble:
        return Estimate("stopped")
    if sync.courier in ("hours", "budget"):
        return Estimate("hours" if sync.courier == "hours" else "budget", until=sync.waits_until)
    if sync.state == "hq_unreachable":
        return Estimate("away")
    if sync.rate <= 0:
        return Estimate("unknown")
    daily = sync.bytes_today + sync.budget_left
    if sync.budget_left >= 0 and sync.queued_bytes > sync.budget_left:
        days = 1 + math.ceil((sync.queued_bytes - sync.budget_left) / daily) if daily > 0 else 0
        return Estimate("days", days=days) if days else Estimate("unknown")
    seconds = math.ceil(sync.queued_bytes / sync.rate)
    return Estimate("soon") if seconds < SOON else Estimate("time", seconds=seconds)
