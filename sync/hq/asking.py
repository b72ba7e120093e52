"""Asking a box for what HQ lost in the middle of its log. The box keeps what it sent last for a while.

A box that hands a receipt over more than that goes on behind the hole and would never hear of it. `hearth hq ask`
leaves `asked/<box>.json`; servers then answer `gap` until the envelopes are back, or the box has been told TRIES times
for one: it may not have them any more, and what it has to say now must not wait for ever. The receipt in there is for
what is before the hole: so HQ need not walk the whole log when the box sends again.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from sync import keys, receipt
from sync.envelope import NO_PREVIOUS, Envelope
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import ingest
from sync.hq.objects import Objects, object_path, open_objects
from sync.hq.walking import Growth, Trouble, walk
from sync.keys import BoxFacts
from sync.receipt import Receipt
from sync.terminal import DONE, tell

TRIES = 8  # answers of `gap` for one number
LOST = ("hole", "malformed_envelope", "bad_signature", "too_large")  # missing, or rotten: set aside when it is back
WIDEST = 4096  # numbers from the first missing to the last

_log = logging.getLogger("hearth.hq")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of envelopes `first` to `last` some are missing. `before`: a receipt for what is before them, or b""."""

    first: int
    last: int
    tries: int
    before: bytes


class _Stored(msgspec.Struct):
    first: int
    last: int
    tries: int
    before: str = ""


def path(box: bytes) -> str:
    return f"asked/{box.hex()}.json"


def encode(asked: Asked) -> bytes:
    before = base64.b64encode(asked.before).decode("ascii")
    return msgspec.json.encode(_Stored(asked.first, asked.last, asked.tries, before))


def decode(raw: bytes | None) -> Asked | None:
    """None for what is none: a hint, nothing rests on it."""
    try:
        found = msgspec.json.decode(raw or b"", type=_Stored)
        if not 1 <= found.first <= found.last < found.first + WIDEST:
            return None
        return Asked(found.first, found.last, found.tries, base64.b64decode(found.before, validate=True))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError):
        return None


async def wanted(objects: Objects, facts: BoxFacts, upto: int) -> int:
    """The number to answer `gap` with to a box that hands a receipt for `upto`; 0 when nothing is asked of it."""
    box = facts.box
    asked = decode(await objects.get(path(box)))
    if asked is None:
        return 0
    number = await _missing(objects, facts, asked)
    if not number:
        await objects.delete(path(box))
        _log.info("box %s has sent again what was asked for", box.hex()[:8])
        return 0
    tries = asked.tries if number == asked.first else TRIES
    if number > upto or tries < 1:
        return 0
    await objects.replace(path(box), encode(replace(asked, first=number, tries=tries - 1)))
    return number


async def start(objects: Objects, box: bytes, below: int, receipt_keys: Sequence[bytes]) -> Receipt | None:
    """The receipt for what is before the hole, for a box that hands none and sends `below`."""
    asked = decode(await objects.get(path(box)))
    try:
        found = receipt.parse(asked.before if asked is not None else b"")
        receipt.verify(found, receipt_keys, box)
    except SyncFault:
        return None
    return found if 0 < found.size < below else None


async def _missing(objects: Objects, facts: BoxFacts, asked: Asked) -> int:
    for number in range(asked.first, asked.last + 1):
        raw = await objects.get(object_path(facts.box, number))
        if raw is None or ingest.torn(raw, facts, number):
            return number
    return 0


def run(chosen: argparse.Namespace) -> int:
    """Ask a box for what HQ lost of its log."""
    return asyncio.run(_ask(chosen))


async def _ask(chosen: argparse.Namespace) -> int:
    box = keys.box_from_text(chosen.box.strip().lower())
    if box is None:
        raise ValueError("a box's id has 32 hexadecimal digits")
    card = await hq_folder.cards(chosen.folder).get(box)
    if card is None:
        raise SyncFault("unknown_box")
    objects = open_objects(chosen.folder)
    asked = await look(chosen.folder, objects, card.facts)
    if asked is None:
        return tell("Nothing is missing of this box's log.")
    await objects.replace(path(box), encode(asked))
    tell(f"Box {box.hex()[:8]} is asked for what is missing of {asked.first} to {asked.last} when it comes next.")
    tell("It keeps the last 64 envelopes or 4 MiB that it sent. `hearth hq verify` tells when all are back.")
    return DONE


async def look(folder: Path, objects: Objects, box: BoxFacts) -> Asked | None:
    """What to ask of a box; None when nothing is missing."""
    known = hq_folder.public(folder).receipt_keys
    growth, last, holes = Growth(), NO_PREVIOUS, list[tuple[int, int]]()
    highest = 0
    async for some in walk(objects, box, keys=known):
        for step in some.steps:
            highest = step.end if isinstance(step, Trouble) else step.sequence
            if isinstance(step, Trouble) and step.code in LOST:
                holes.append((step.sequence, step.end))
            if holes:
                continue
            growth.add(step)
            last = b"" if isinstance(step, Trouble) else step.hash
            if isinstance(step, Envelope):
                await objects.make_durable(object_path(box.box, step.sequence))
    if (size := await _receipted(objects, box.box, known)) > highest:
        holes.append((highest + 1, size))
    if not holes:
        return None
    first = holes[0][0]
    before = b""
    if growth.tree.size == first - 1 > 0:
        before = receipt.issue(box.box, last, growth.tree, int(time.time()), hq_folder.receipt_signing_key(folder))
    return Asked(first, min(holes[-1][1], first + WIDEST - 1), TRIES, before)


async def _receipted(objects: Objects, box: bytes, receipt_keys: Sequence[bytes]) -> int:
    """How far HQ's own last receipt goes."""
    try:
        found = receipt.parse(await objects.get(f"heads/{box.hex()}") or b"")
        receipt.verify(found, receipt_keys, box)
    except SyncFault:
        return 0
    return found.size
