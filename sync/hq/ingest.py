"""HQ's intake as rules: accept, duplicate, gap, fork, refuse. Pure: `serve.py` fetches facts and does what is decided.

Envelope n is accepted only on top of n - 1. What HQ must know of the past is in the receipt that the box hands back;
when that is older, HQ walks its own objects from there. So any server can take any envelope of any box.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sync import carriage, envelope, receipt
from sync.checkpoint import EMPTY, Checkpoint, extend
from sync.envelope import Envelope
from sync.faults import SyncFault
from sync.keys import BoxFacts
from sync.receipt import Receipt

WALK_LIMIT = 4096  # objects read to catch up with an old receipt. More: the box has lost its memory, a person must look

# What each refusal is in HTTP. Everything that is not here is HQ's own failure: 500.
STATUS: dict[str, int] = {
    "malformed_carriage": 400,
    "malformed_envelope": 400,
    "malformed_receipt": 400,
    "unsupported_version": 400,
    "receipt_other_key": 400,
    "receipt_other_box": 400,
    "bad_signature": 403,
    "unknown_box": 403,
    "no_certificate": 403,
    "other_certificate": 403,
    "certificate_ended": 403,
    "box_revoked": 403,
    "unknown_recipient": 409,
    "gap": 409,
    "fork": 409,
    "receipt_needed": 409,
    "too_large": 413,
    "busy": 503,
}
# The courier believes these words of an answer; any other becomes hq_failed.
SPOKEN = frozenset((*STATUS, "receipt_store_differs", "hq_failed"))


ALARMING = frozenset(("fork", "receipt_store_differs", "hq_failed"))  # somebody should look


@dataclass(frozen=True, slots=True)
class Offer:
    """An envelope that its box has signed, and the receipt it handed back, signed by us."""

    envelope: Envelope
    handed: Receipt | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a box's chain stands: the tree so far and the hash of its last envelope."""

    checkpoint: Checkpoint
    last: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """`accept`: create the object, then sign a receipt for `head`. `duplicate`: it is there already, sign the same."""

    word: Literal["accept", "duplicate"]
    head: Head


def examine(
    body: bytes, *, box: BoxFacts, sequence: int, receipt_keys: Sequence[bytes], record_key_ids: Collection[bytes]
) -> Offer:
    """Check all that can be checked without the store. Raises the fault to refuse with."""
    handed_raw, raw = carriage.unpack(body)
    offered = envelope.parse(raw)
    if offered.box != box.box or offered.sequence != sequence:
        raise SyncFault("malformed_carriage")
    check(offered, box, record_key_ids)
    if not handed_raw:
        return Offer(offered, None)
    handed = receipt.parse(handed_raw)
    receipt.verify(handed, receipt_keys, box.box)
    return Offer(offered, handed)


def check(offered: Envelope, box: BoxFacts, record_key_ids: Collection[bytes]) -> None:
    """Whether it is this box's and for a key of ours: `malformed_carriage`, `bad_signature`, `unknown_recipient`."""
    if offered.box != box.box:
        raise SyncFault("malformed_carriage")
    envelope.verify(offered, box.verify_key)
    if offered.key_id not in record_key_ids:
        raise SyncFault("unknown_recipient")


def start(offer: Offer) -> Head:
    """Where the walk to the offered envelope starts."""
    if offer.handed is None:
        return Head(EMPTY, envelope.NO_PREVIOUS)
    return Head(offer.handed.checkpoint, offer.handed.last)


def walk(offer: Offer, head: Head) -> range:
    """The numbers whose objects must be read before the offer can be judged. Raises `receipt_needed`."""
    numbers = range(head.checkpoint.size + 1, offer.envelope.sequence)
    if len(numbers) > WALK_LIMIT:
        raise SyncFault("receipt_needed")
    return numbers


def step(head: Head, stored: bytes | None, box: BoxFacts) -> Head:
    """One object further: `gap` when it is not there, `receipt_store_differs` when it does not continue the chain."""
    sequence = head.checkpoint.size + 1
    if stored is None:
        raise SyncFault("gap", next_wanted=sequence)
    if not _continues(stored, head, box):
        raise SyncFault("receipt_store_differs")
    return _onto(head, envelope.parse(stored))


def over(head: Head, lost: bytes) -> Head:
    """One envelope further that is lost: a person has accepted that, and signed the hash that it had (holes.py)."""
    return Head(extend(head.checkpoint, lost), lost)


def judge(offer: Offer, head: Head, stored: bytes | None) -> Verdict:
    """Decide on an offer whose `head` stands right before it; `stored` is what its number holds. Raises `fork`."""
    if stored is not None and stored != offer.envelope.raw:
        raise SyncFault("fork")
    if offer.envelope.previous != head.last:
        raise SyncFault("fork")
    return Verdict("accept" if stored is None else "duplicate", _onto(head, offer.envelope))


def repeated(offer: Offer, stored: bytes | None) -> bytes:
    """The answer when the handed receipt covers the offer already: that receipt, if the same bytes are really there."""
    if stored is None or offer.handed is None:
        raise SyncFault("receipt_store_differs")
    if stored != offer.envelope.raw:
        raise SyncFault("fork")
    return offer.handed.raw


def torn(stored: bytes, box: BoxFacts, sequence: int) -> bool:
    """Whether an object is no envelope of this box and number: a write torn by a power cut, before any receipt.

    An envelope of a newer version is not torn: a newer HQ wrote it.
    """
    try:
        found = envelope.parse(stored)
        envelope.verify(found, box.verify_key)
    except SyncFault as fault:
        return fault.code != "unsupported_version"
    return (found.box, found.sequence) != (box.box, sequence)


def _continues(stored: bytes, head: Head, box: BoxFacts) -> bool:
    sequence = head.checkpoint.size + 1
    try:
        found = envelope.parse(stored)
        envelope.verify(found, box.verify_key)
    except SyncFault:
        return False
    return (found.box, found.sequence, found.previous) == (box.box, sequence, head.last)


def _onto(head: Head, added: Envelope) -> Head:
    return Head(extend(head.checkpoint, added.hash), added.hash)
