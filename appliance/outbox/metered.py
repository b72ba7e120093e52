"""What the settings say of a metered line, as the courier reads it from the spool. Pure."""

from __future__ import annotations

from appliance.settings import SyncSection
from sync.limits import Limits


def limits(section: SyncSection) -> Limits:
    """Million bytes become bytes; the rest is the same."""
    return Limits(
        bytes_per_day=section.megabytes_per_day * 1_000_000,
        hours=section.hours,
        urgent_always=section.urgent_always,
    )
