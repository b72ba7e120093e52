"""Going on with a store of which something is missing: one person's decision, with a reason, that stays in the audit.

What the witness and HQ know is not made undone: HQ's receipts go on telling (`set_back`), and sealed records wait.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.policy import BOX, Facts, decide
from appliance.rollback import rows
from appliance.rollback.rows import Accepted
from appliance.store import ledger, migrate, probe, slotpair, witness
from appliance.store.database import OVERRULED, Database, store_path
from appliance.store.key import StoreKey
from appliance.store.keyslots import Opened

SHORTEST, LONGEST = 10, 500  # characters of a reason


def reason_of(text: str) -> str:
    """One line of it. Fault("bad_request") if it is none to speak of."""
    reason = " ".join(text.split())
    if not SHORTEST <= len(reason) <= LONGEST or not reason.isprintable():
        raise Fault("bad_request", f"a reason has {SHORTEST} to {LONGEST} characters")
    return reason


async def accept(folder: Path, opened: Opened, reason: str) -> Accepted:
    """Note who overrules what and why, and make the store of now the one that counts. Killed anywhere: done or not.

    Faults: bad_request (no reason to speak of), wrong_state (nothing is missing), wrong_passphrase (a slot that this
    store knows as removed), and those of a store that cannot be opened for another reason.
    """
    key = opened.key
    reason = reason_of(reason)
    known = await asyncio.to_thread(witness.read, folder)
    code = await asyncio.to_thread(_fault, folder, key, known)
    if code not in OVERRULED or known is None:
        raise Fault("wrong_state", "nothing is missing from this store")
    db = await Database.open(folder, key, accepting=True)
    try:
        await db.read(lambda tx: ledger.refuse_removed(tx, slotpair.slots_in(folder), opened.slot))
        now = await db.read(lambda tx: witness.look(tx.one))
        accepted = Accepted(code, reason, known.seen.entries, now.entries)
        permit = decide(BOX, "restore", Facts(thing=code))
        await db.write(lambda tx: rows.note(tx, permit, accepted, now_text()))
        db.accepted()
    finally:
        await db.close()
    return accepted


def _fault(folder: Path, key: StoreKey, known: witness.Witness | None) -> str:
    try:
        probe.check(store_path(folder), key, migrate.load(), known)
    except Fault as fault:
        if fault.code in OVERRULED:
            return fault.code
        raise
    return ""
