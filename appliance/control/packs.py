"""What HQ sent down, as the console is told of it."""

from __future__ import annotations

import msgspec

from appliance.control import types
from appliance.packs.actions import Told


def with_packs(sync: types.Sync, told: Told) -> types.Sync:
    """The same, with what the applier knows."""
    return msgspec.structs.replace(
        sync,
        heard_at=told.heard_at,
        silent=told.silent_days > 0,
        silent_days=told.silent_days,
        packs_waiting=told.waiting,
        packs_applied=told.applied,
        pack_fault=told.fault,
        update=told.release,
        update_since=told.release_since,
        portal_name=told.certificate_name,
        portal_certificate_days=told.certificate_days,
        to_appoint=told.to_appoint,
        kept_accounts=told.kept_accounts,
    )
