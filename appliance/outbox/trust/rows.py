"""Who headquarters is, as the box's store has it: the keys that count for sealing, receipts and packs.

The spool's hq.json is written from here for the courier. What lies there otherwise counts for nothing: the courier
could have put it there. `pin` is for enrolment, for a change of HQ's keys that HQ signed, and for the demo.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.outbox import rows
from appliance.policy import BOX, Facts, Permit, decide
from appliance.store.database import Transaction
from sync import envelope, keys, receipt, suite
from sync.faults import SyncFault
from sync.keys import BoxFacts, HqFacts


def pinned(tx: Transaction) -> HqFacts | None:
    """HQ's facts, None before enrolment."""
    raw = pinned_json(tx)
    return None if raw is None else keys.hq_from_json(raw)


def pinned_json(tx: Transaction) -> bytes | None:
    """The same as the file that the courier reads."""
    row = tx.one("SELECT facts FROM headquarters")
    return None if row is None else row["facts"]


def pin(tx: Transaction, permit: Permit, facts: HqFacts, at: str, *, anew: bool = False) -> None:
    """Trust these keys from now on, with the audit entry. The same facts again change nothing.

    Fault("wrong_state"): the serial does not rise, so they are older than what is known. `anew`: another HQ, or one
    that began again, at an enrolment that a person did; its serial may be any.
    """
    known = pinned(tx)
    if known == facts:
        return
    if known is not None and not anew and facts.serial <= known.serial:
        raise Fault("wrong_state", "older facts of headquarters than those known")
    if anew and known is not None and not {*known.pack_keys} & {*facts.pack_keys}:
        tx.execute("DELETE FROM pack_items")  # of another HQ, whose chain of packs and versions count no more: the new
        tx.execute("DELETE FROM packs")  # one begins at 1. What the old one's packs did stays done
    tx.execute(
        "INSERT INTO headquarters (id, facts, pinned_at) VALUES (1, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, pinned_at = excluded.pinned_at",
        (keys.hq_to_json(facts), at),
    )
    audit.append(tx, permit, at)


def pin_json(tx: Transaction, permit: Permit, raw: bytes, at: str) -> None:
    """`pin` anew from HQ's own hq-public.json: for the demo, whose HQ is in its home. SyncFault malformed_facts."""
    pin(tx, permit, keys.hq_from_json(raw), at, anew=True)


def pin_by_receipt(tx: Transaction, facts: HqFacts, at: str) -> bool:
    """Once, for a box of a version that kept no keys of HQ: the newest receipt in the store vouches for the facts that
    signed it. False: nothing was pinned.

    Only what a file of that version could say counts: a courier that was taken over may have added keys of packs, which
    no receipt vouches for. Nor does one for the record key, unless sealed bytes are here, which name theirs; that
    version sealed to it, though. The console shows its code, to be compared with HQ's.
    """
    raw, own = rows.last_receipt(tx), rows.known_identity(tx)
    if pinned_json(tx) is not None or raw is None or own is None:
        return False
    try:
        receipt.verify(receipt.parse(raw), facts.receipt_keys, own.box)
    except SyncFault:
        return False
    if any(envelope.parse(one).key_id != facts.record_key_id for one in rows.kept_bytes(tx)):
        return False
    old = replace(facts, record_keys=facts.record_keys[:1], pack_keys=(), serial=1)
    pin(tx, decide(BOX, "enrol_box", Facts()), old, at)
    return True


def heard(tx: Transaction, at: str) -> None:
    """HQ was heard: a receipt or a pack whose signature was checked. Shown, and warned by when it is long ago."""
    tx.execute("UPDATE headquarters SET heard_at = ?", (at,))


def heard_at(tx: Transaction) -> str:
    """When HQ was last heard, or when it was pinned; "" before enrolment."""
    row = tx.one("SELECT heard_at, pinned_at FROM headquarters")
    return "" if row is None else row["heard_at"] or row["pinned_at"]


def inbox(tx: Transaction) -> suite.RecordKey:
    """The key that packs for this box are sealed to; made on first use, so the transaction must be one that writes."""
    row = tx.one("SELECT seed FROM box_inbox")
    if row is not None:
        return suite.RecordKey(row["seed"])
    seed = suite.new_seed()
    tx.execute("INSERT INTO box_inbox (id, seed) VALUES (1, ?)", (seed,))
    return suite.RecordKey(seed)


def box_facts(tx: Transaction) -> BoxFacts:
    """What HQ must know of this box. Makes identity and inbox on first use: call in `write`."""
    own = rows.identity(tx)
    return BoxFacts(own.box, own.signing_key.public, inbox(tx).public)
