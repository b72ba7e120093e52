"""What is done to the log in one transaction: seal, take a receipt, go on after HQ's head. `forwarder.py` runs it.

Nothing is sealed while HQ's word says that this log is not the whole one (`lives/rows.py`): it would be a fork.
"""

from __future__ import annotations

from appliance.disclosures import actions as disclosures
from appliance.faults import Fault
from appliance.outbox import pinned, record, rows
from appliance.outbox.lives import rows as log
from appliance.outbox.lives.rows import Life
from appliance.outbox.rows import OutboxRows
from appliance.policy import BOX, Actor, Facts, Permit, decide
from appliance.store.database import Transaction
from sync import keys, outbox, receipt
from sync.faults import SyncFault
from sync.keys import HqFacts
from sync.outbox import Batch, Sealed
from sync.receipt import Receipt

SHORTEST, LONGEST = 10, 500  # characters of a reason
CLOCK_SLACK = 300  # seconds between HQ's clock and ours
STICK_AHEAD = 1 << 20  # segments: no bound but the queue's own. A stick is the line for whoever carries one


def seal_next(
    tx: Transaction, hq: HqFacts, at: str, ahead: int = outbox.SEAL_AHEAD, ready: Batch | None = None
) -> Sealed | None:
    """Seal the next segment and store its bytes and boundaries; None when there is nothing to seal, or it may not.

    `ready`: gathered from a look before, which holds up nobody. What the gate then still takes out of it counts.
    """
    if log.trouble(tx) is not None or log.must_ask(tx):
        return None
    disclosures.expire(tx, at)  # what waited for a line may have outlived the consent under which it was to go
    return outbox.seal_next(OutboxRows(tx), rows.identity(tx), hq, at, ahead, ready)


def settle(tx: Transaction, raw: bytes, hq: HqFacts, at: str) -> bool:
    """Check a receipt against HQ's key and what was sent, and settle. False: settled before. Raises SyncFault."""
    got = verified(tx, raw, hq)
    if not outbox.settle(OutboxRows(tx), got, at):
        return False
    log.forget_trouble(tx)
    pinned.heard(tx, at)
    return True


def take_receipt(tx: Transaction, raw: bytes, hq: HqFacts, at: str) -> str:
    """The same, but what HQ signed against this log is kept and its code returned: "" for one that settled or is old.

    Raises SyncFault for what is no receipt for this box.
    """
    try:
        settle(tx, raw, hq, at)
    except SyncFault as fault:
        code = log.trouble_code(fault.code)
        if code is None:
            raise
        log.note_trouble(tx, decide(BOX, "doubt_log", Facts()), code, verified(tx, raw, hq), at)
        return code
    return ""


def take_head(tx: Transaction, raw: bytes, hq: HqFacts, at: str) -> str:
    """The same for a receipt that somebody carried here: HQ's word on where the log stands, if the box asks for it.

    `restored`: the box asks, and this was signed before it came out of its backup. HQ may have got more in between, and
    what is sealed without knowing that is a fork.
    """
    code, got = take_receipt(tx, raw, hq, at), verified(tx, raw, hq)
    if not code:
        _keep_newer(tx, got, at)
    if not code and log.must_ask(tx):
        if got.at < log.came_back_at(tx) - CLOCK_SLACK:
            return "restored"
        log.note_heard(tx)
    return code


def _keep_newer(tx: Transaction, got: Receipt, at: str) -> None:
    """A word of HQ that settles nothing new is a word of HQ, once: its time says whether it is the same one again."""
    kept = rows.last_receipt(tx)
    known = receipt.parse(kept) if kept is not None else None
    if known is not None and known.size == got.size and known.at < got.at:
        OutboxRows(tx).settle(got, at)
        pinned.heard(tx, at)


def verified(tx: Transaction, raw: bytes, hq: HqFacts) -> Receipt:
    """A receipt that this HQ signed for this box; SyncFault otherwise."""
    got = receipt.parse(raw)
    receipt.verify(got, hq.receipt_keys, rows.identity(tx).box)
    return got


def box_public(tx: Transaction) -> dict[str, object]:
    """What `hq enroll` must know of this box, as JSON. Makes the identity on first use: call in `write`."""
    return keys.box_to_dict(pinned.box_facts(tx))


def adopt(tx: Transaction, actor: Actor, reason: str, at: str) -> Life:
    """The way out of a log that was set back: go on after HQ's signed head; what had no receipt goes again.

    Of a box that came out of a backup and cannot hear HQ: go on under its own numbers. If HQ has more after all, that
    is found, told, and adopted once more; nothing is lost by it. Faults: refused, bad_request (no reason to speak of),
    wrong_state (nothing is wrong, or HQ's head is older than what it had signed before), not_enrolled.
    """
    permit = decide(actor, "adopt_log", Facts())
    reason, hq, found = reason_of(reason), pinned.pinned(tx), log.trouble(tx)
    if hq is None:
        raise Fault("not_enrolled")
    if found is None and not log.must_ask(tx):
        raise Fault("wrong_state", "this log may go on as it is")
    life = log.go_on_unheard(tx, permit, reason, at) if found is None else _after_head(tx, permit, hq, reason, at)
    rows.add(tx, record.RECORD_CLASS, record.encode(life.life, life.size, life.sealed, life.again, life.code), at)
    return life


def _after_head(tx: Transaction, permit: Permit, hq: HqFacts, reason: str, at: str) -> Life:
    found = log.trouble(tx)
    if found is None:
        raise Fault("wrong_state")
    try:
        head = verified(tx, found.receipt, hq)
    except SyncFault as fault:  # HQ's keys were exchanged since: its head must be heard anew
        raise Fault("wrong_state", fault.code) from None
    if head.size < OutboxRows(tx).settled().size:
        raise Fault("wrong_state", "HQ's head is older than its own receipt here")
    return log.go_on_after(tx, permit, head, found.code, reason, at)


def reason_of(text: str) -> str:
    """One line of it. Fault("bad_request") if it is none to speak of."""
    reason = " ".join(text.split())
    if not SHORTEST <= len(reason) <= LONGEST or not reason.isprintable():
        raise Fault("bad_request", f"a reason has {SHORTEST} to {LONGEST} characters")
    return reason
