"""`hq verify` and `hq accept-hole` at the terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from sync import envelope, keys
from sync.envelope import MAX_SEQUENCE
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import holes, verifying
from sync.hq.objects import Objects, object_path, open_objects
from sync.hq.verifying import Report, Verifier
from sync.keys import BoxFacts, HqFacts
from sync.receipt import MAX_RECEIPT
from sync.spool import read_bounded
from sync.terminal import DONE, FAILED, counted, tell


def verify(chosen: argparse.Namespace) -> int:
    """Exit code 1 when anything is wrong."""
    return asyncio.run(_verify(chosen))


async def _verify(chosen: argparse.Namespace) -> int:
    verifier = Verifier(chosen.folder, chosen.receipts)
    only = box_of(chosen.box) if chosen.box else b""
    begun, wrong, boxes, envelopes = time.monotonic(), 0, 0, 0
    async for found in verifier.all(only, _moment(chosen.since)):
        if isinstance(found, Report):
            boxes, envelopes = boxes + 1, envelopes + found.envelopes
            if chosen.json:
                tell(verifying.as_json(found))
            continue
        wrong += found.wrong
        tell(verifying.as_json(found) if chosen.json else verifying.as_text(found))
    if only and not boxes:
        raise SyncFault("unknown_box")
    taken = time.monotonic() - begun
    tell(_sum(boxes, envelopes, wrong, taken, verifier.opens, chosen.json))
    return FAILED if wrong else DONE


def _sum(boxes: int, envelopes: int, wrong: int, seconds: float, opened: bool, as_json: bool) -> str:
    rate = round(envelopes / seconds) if seconds else 0
    if as_json:
        told = {"boxes": boxes, "envelopes": envelopes, "wrong": wrong, "opened": opened}
        return json.dumps(told | {"seconds": round(seconds, 3), "per_second": rate})
    inside = "" if opened else " What is inside was not looked at: the opening key is not here."
    result = f"{wrong} things are wrong." if wrong else "All is as it should be."
    looked = f"{counted(boxes, 'box', 'boxes')}, {counted(envelopes, 'envelope')}"
    return f"{looked} in {seconds:.1f} s ({rate} a second). {result}{inside}"


def accept_hole(chosen: argparse.Namespace) -> int:
    """Sign that envelope N of a box is lost, so that the box's log can go on over it."""
    return asyncio.run(_accept(chosen))


async def _accept(chosen: argparse.Namespace) -> int:
    box, sequence = box_of(chosen.box), chosen.sequence
    if not 1 <= sequence <= MAX_SEQUENCE:
        raise ValueError("there is no envelope of that number")
    facts, objects = hq_folder.public(chosen.folder), open_objects(chosen.folder)
    card = await hq_folder.cards(chosen.folder).get(box)
    if card is None:
        raise SyncFault("unknown_box")
    if await objects.exists(object_path(box, sequence)):
        raise ValueError(f"envelope {sequence} is here: there is no hole to accept")
    lost = await _lost(objects, facts, card.facts, sequence, chosen.receipt)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hole = holes.Hole(box, sequence, lost, at, " ".join(chosen.reason.split()))
    path = holes.path(box, sequence)
    if await objects.create(path, holes.encode(hole, hq_folder.receipt_signing_key(chosen.folder))) is not None:
        raise ValueError("this hole was accepted before")
    await objects.make_durable(path)
    tell(f"Envelope {sequence} of box {box.hex()[:8]} is accepted as lost. It had the hash {lost.hex()}.")
    return tell("What was in it cannot be proved any more. Should it turn up, `hq verify` knows it by its hash.")


async def _lost(objects: Objects, facts: HqFacts, card: BoxFacts, sequence: int, file: Path | None) -> bytes:
    """The hash of what is missing: by a receipt that ends with it, or by the envelope after it."""
    kept = await objects.get(f"heads/{card.box.hex()}")
    given = None if file is None else read_bounded(file, MAX_RECEIPT)
    for raw in (given, kept):
        try:
            return holes.from_receipt(raw or b"", card.box, sequence, facts.receipt_keys)
        except SyncFault:
            if raw is not None and raw is given:
                raise
    following = await objects.get(object_path(card.box, sequence + 1))
    if following is None:
        raise SyncFault("hash_unknown")
    after = envelope.parse(following)
    envelope.verify(after, card.verify_key)
    if (after.box, after.sequence) != (card.box, sequence + 1):
        raise SyncFault("malformed_envelope")
    return after.previous


def box_of(text: str) -> bytes:
    """A box's id as it is written. ValueError."""
    box = keys.box_from_text(text.strip().lower())
    if box is None:
        raise ValueError("a box's id has 32 hexadecimal digits")
    return box


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
