"""Who headquarters is, as the box's store has it: the names that others use of `trust/rows.py`."""

from __future__ import annotations

from appliance.outbox.trust.rows import (
    box_facts,
    heard,
    heard_at,
    inbox,
    pin,
    pin_by_receipt,
    pin_json,
    pinned,
    pinned_json,
)

__all__ = [
    "box_facts",
    "heard",
    "heard_at",
    "inbox",
    "pin",
    "pin_by_receipt",
    "pin_json",
    "pinned",
    "pinned_json",
]
