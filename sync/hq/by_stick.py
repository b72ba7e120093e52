"""`hearth hq import DIR STICK` and `export DIR STICK`: the intake of the line, asked for what lies on a stick."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from sync import carriage, envelope, keys, receipt
from sync.envelope import key_id
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import ingest, stick
from sync.hq.cards import Cards
from sync.hq.intake import Chain, Intake
from sync.hq.objects import Objects, open_objects
from sync.hq.stick import Told
from sync.hq.stream import Hello, note_seen
from sync.keys import BoxFacts
from sync.stick import Stick
from sync.terminal import DONE, FAILED, tell


class Desk:
    """`stick.Intake` over HQ's folder: the same keys, rules and objects as a server's."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        facts = hq_folder.public(folder)
        self.objects: Objects = open_objects(folder)
        self.receipt_keys: Sequence[bytes] = facts.receipt_keys
        self.pack_keys: Sequence[bytes] = facts.pack_keys
        self._cards = Cards(self.objects, folder)
        known = frozenset(key_id(key) for key in facts.record_keys)
        self._clock = clock
        signing = hq_folder.receipt_signing_key(folder)
        self._intake = Intake(self.objects, signing, facts.receipt_keys, known, clock)
        self._chain: Chain | None = None

    async def take(self, box: bytes, raw: bytes, handed: bytes) -> tuple[str, bytes]:
        facts = await self._facts(box)
        sequence = envelope.parse(raw).sequence
        offer = ingest.examine(
            carriage.pack(handed, raw),
            box=facts,
            sequence=sequence,
            receipt_keys=self.receipt_keys,
            record_key_ids=self._intake.record_key_ids,
        )
        if self._chain is None or self._chain.box != facts:
            self._chain = self._intake.chain(facts, patient=False)
        self._chain.handed = offer.handed
        taken = await self._chain.put(offer.envelope)
        await taken.durable()
        return taken.word, taken.signed or self._intake.sign(box, taken.head)

    async def head(self, box: bytes) -> bytes | None:
        signed = await self._intake.head(await self._facts(box))
        if signed is not None and await self._is_further(box, signed):
            await self._intake.keep_head(box, signed)
        return signed

    async def _is_further(self, box: bytes, signed: bytes) -> bool:
        """Whether more has come of this box than where its head was kept. The fleet's page goes by when that was
        written: an export must not make a box that is silent look as if it had been heard."""
        with suppress(SyncFault):
            return receipt.parse(await self.objects.get(f"heads/{box.hex()}") or b"").size != receipt.parse(signed).size
        return True

    async def heard(self, box: bytes, hello: bytes) -> None:
        """For the fleet's page, as on the line. Shown, never believed: nobody signed it."""
        try:
            found = msgspec.json.decode(hello, type=Hello)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = Hello()
        await note_seen(self.objects, box, found, self._clock())

    async def enrolled(self) -> list[bytes]:
        """Every box that is not shut out."""
        return sorted([card.facts.box async for card in self._cards.all() if not card.revoked])

    async def _facts(self, box: bytes) -> BoxFacts:
        card = await self._cards.get(box)
        if card is None:
            raise SyncFault("unknown_box")
        if card.revoked:
            raise SyncFault("box_revoked")
        return card.facts


def import_stick(chosen: argparse.Namespace) -> int:
    """Take what boxes wrote, and write receipts and packs for them at once. Exit code 1 when anything was not taken."""
    return asyncio.run(_import(chosen))


def export_stick(chosen: argparse.Namespace) -> int:
    """Write receipts and packs: for the boxes on the stick, for some, or for all."""
    return asyncio.run(_export(chosen))


async def _import(chosen: argparse.Namespace) -> int:
    desk, on, whole = Desk(chosen.folder), Stick(chosen.stick), True
    async for told in stick.import_all(desk, on):
        if not chosen.no_export and not any(one.code in ("unknown_box", "box_revoked") for one in told.refused):
            back = await stick.export(desk, on, told.box)
            told.size, told.packs = max(told.size, back.size), back.packs
            told.refused += back.refused
        whole = _say(told, "import", chosen) and whole
    return DONE if whole else FAILED


async def _export(chosen: argparse.Namespace) -> int:
    desk, on, whole = Desk(chosen.folder), Stick(chosen.stick), True
    async for box in _boxes(chosen, desk, on):
        whole = _say(await stick.export(desk, on, box), "export", chosen) and whole
    return DONE if whole else FAILED


async def _boxes(chosen: argparse.Namespace, desk: Desk, on: Stick) -> AsyncIterator[bytes]:
    if chosen.box:
        box = keys.box_from_text(chosen.box)
        if box is None:
            raise ValueError("--box is a box's id: 32 hexadecimal digits")
        yield box
        return
    for box in await desk.enrolled() if chosen.all else await asyncio.to_thread(on.boxes, "up"):
        yield box


def _say(told: Told, direction: str, chosen: argparse.Namespace) -> bool:
    for line in [stick.as_json(told)] if chosen.json else stick.as_text(told, direction):
        tell(line)
    return not told.refused
