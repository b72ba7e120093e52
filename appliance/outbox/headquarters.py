"""What the box knows of its headquarters beyond sending to it: the public key that a recovery slot is sealed to."""

from __future__ import annotations

from pathlib import Path

from appliance.faults import Fault
from sync.faults import SyncFault
from sync.spool import Spool


def record_key(spool: Path) -> bytes | None:
    """HQ's public record key (1,216 bytes), None before enrolment. Blocks. Fault("store_failed") if unreadable."""
    try:
        facts = Spool(spool).hq_facts()
    except (SyncFault, OSError) as problem:
        raise Fault("store_failed", type(problem).__name__) from None
    return facts.record_key if facts else None
