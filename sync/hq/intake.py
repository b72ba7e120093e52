"""Envelopes into the store, receipts out of it: `ingest.py`'s rules over `objects.py`. Knows no HTTP.

Envelopes of one box are created one after the other, never side by side: were n + 1 there before n is decided, a
clone's envelope that wins n would stand under a stranger's, and neither box could go on. What overlaps is flushing n
and creating n + 1; a receipt for n is signed when 1 to n are durable.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sync import envelope, receipt, suite
from sync.checkpoint import EMPTY
from sync.envelope import Envelope
from sync.faults import SyncFault
from sync.hq import asking, holes, ingest
from sync.hq.ingest import Head, Offer
from sync.hq.objects import Objects, numbered_path, object_path
from sync.keys import BoxFacts
from sync.receipt import Receipt

GAP_SECONDS = 4.0  # that n waits for n - 1, which may be on its way over another line to another server
LOOK_SECONDS = 0.1  # between two looks for it, at first
READ_AHEAD = 16  # objects read side by side on the way from an old receipt: a store 10 ms away gives 1,600 a second
ALARMS_KEPT = 64  # for a box. More tell nothing new, and who has a box's key must not fill the store with them
HEAD_LIMIT = 100_000  # objects walked to answer what the newest receipt is

_log = logging.getLogger("hearth.hq")


@dataclass(frozen=True, slots=True)
class Intake:
    """One server's. `clock` gives Unix seconds for receipts; it is shown and never decides."""

    objects: Objects
    receipts_key: suite.SigningKey
    receipt_keys: Sequence[bytes]
    record_key_ids: Collection[bytes]
    clock: Callable[[], float] = time.time

    def chain(self, box: BoxFacts, *, patient: bool = True) -> Chain:
        """A box's envelopes one after another. `patient`: wait a while for the one before."""
        return Chain(self, box, GAP_SECONDS if patient else 0.0)

    def sign(self, box: bytes, head: Head) -> bytes:
        """A receipt for what is durable up to `head`."""
        return receipt.issue(box, head.last, head.checkpoint, int(self.clock()), self.receipts_key)

    async def head(self, box: BoxFacts) -> bytes | None:
        """The newest receipt that can be signed for this box, None when nothing is here.

        Walks on from what `keep_head` left, else from the first envelope.
        """
        head, flushed = await self._kept_head(box), 0
        numbers = range(head.checkpoint.size + 1, head.checkpoint.size + 1 + HEAD_LIMIT)
        async with aclosing(self.read(box.box, numbers)) as stored:
            async for number, raw in stored:
                if raw is None:
                    lost = await self.lost(box.box, number)
                    if lost is None:
                        if await self._goes_on(box.box, number):
                            raise SyncFault("receipt_store_differs")  # a lower head would let a box fork its log
                        break
                    head = ingest.over(head, lost)
                    continue
                try:
                    head = ingest.step(head, raw, box)
                except SyncFault:
                    if ingest.torn(raw, box, number):
                        break  # the log ends before it, and the box sends it again
                    raise
                await self.objects.make_durable(object_path(box.box, number))
                flushed = number
            else:
                raise SyncFault("receipt_needed")
        if head.checkpoint.size and not flushed and not await self.there(box.box, head):
            raise SyncFault("receipt_store_differs")
        return self.sign(box.box, head) if head.checkpoint.size else None

    async def keep_head(self, box: bytes, signed: bytes) -> None:
        """Leave a receipt where a later walk may start, unless a newer one is there. A hint: the last writer wins, and
        it proves itself."""
        kept = await self._receipt_kept(box)
        if kept is None or kept.size <= receipt.parse(signed).size:
            await self.objects.replace(f"heads/{box.hex()}", signed)

    async def read(self, box: bytes, numbers: range) -> AsyncGenerator[tuple[int, bytes | None], None]:
        """Objects in order, some of them fetched ahead. Close it when you leave early."""
        ahead: list[asyncio.Task[bytes | None]] = []
        rest = iter(numbers)
        try:
            for number in numbers:
                while len(ahead) < READ_AHEAD and (following := next(rest, None)) is not None:
                    ahead.append(asyncio.create_task(self.objects.get(object_path(box, following))))
                yield number, await ahead.pop(0)
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def alarm(self, box: bytes, offered: Envelope, stored: bytes | None) -> None:
        """Tell that a box was set back or copied: in the log, and as an object that the fleet's page finds."""
        _log.error("fork at %d of box %s", offered.sequence, box.hex()[:8])
        if len([entry async for entry in self.objects.entries(f"alarms/{box.hex()}")]) >= ALARMS_KEPT:
            return
        told = {
            "code": "fork",
            "sequence": offered.sequence,
            "offered": offered.hash.hex(),
            "stored": "" if stored is None else suite.digest(stored).hex(),
            "at": datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        path = numbered_path("alarms", box, offered.sequence, f"-{offered.hash.hex()[:8]}.json")
        await self.objects.create(path, json.dumps(told).encode())

    async def _kept_head(self, box: BoxFacts) -> Head:
        kept = await self._receipt_kept(box.box)
        return Head(EMPTY, envelope.NO_PREVIOUS) if kept is None else Head(kept.checkpoint, kept.last)

    async def _receipt_kept(self, box: bytes) -> Receipt | None:
        raw = await self.objects.get(f"heads/{box.hex()}")
        try:
            kept = receipt.parse(raw or b"")
            receipt.verify(kept, self.receipt_keys, box)
        except SyncFault:
            return None
        return kept

    async def before_hole(self, box: bytes, below: int) -> Receipt | None:
        """A receipt of ours to start from, for a box that hands none because HQ asked it to send again."""
        return await asking.start(self.objects, box, below, self.receipt_keys)

    async def _goes_on(self, box: bytes, number: int) -> bool:
        """Whether there is an envelope after a missing one."""
        path = object_path(box, number)
        async for _ in self.objects.entries(path.rpartition("/")[0], path):
            return True
        return False

    async def there(self, box: bytes, head: Head) -> bool:
        """Whether the head's own envelope is here, or a person has accepted that just this one is not."""
        number = head.checkpoint.size
        return await self.objects.exists(object_path(box, number)) or await self.lost(box, number) == head.last

    async def lost(self, box: bytes, number: int) -> bytes | None:
        """The hash of an envelope whose loss a person has accepted."""
        return await holes.hash_of(self.objects, box, number, self.receipt_keys)


@dataclass(slots=True)
class Taken:
    """An envelope that is in the store. `await durable()`, then sign a receipt for `head`."""

    word: str  # "accept", or "duplicate": it was there already
    head: Head
    _flushing: asyncio.Task[None] | None = None
    signed: bytes = b""  # a receipt that covers it already

    async def durable(self) -> None:
        if self._flushing is not None:
            await self._flushing

    def drop(self) -> None:
        """Nobody waits for it any more."""
        if self._flushing is not None:
            self._flushing.cancel()


@dataclass(slots=True)
class Chain:
    """Where one line stands with a box's log. Call `put` again only when it has returned."""

    intake: Intake
    box: BoxFacts
    patience: float  # seconds
    handed: Receipt | None = None
    _head: Head | None = None
    _holes: dict[int, bytes] | None = None  # as they were when the line began
    _unflushed: list[int] = field(default_factory=list)  # walked over: another server may have died before its fsync

    def hand(self, raw: bytes) -> None:
        """The newest receipt that the box has; its faults are those of receipts."""
        handed = receipt.parse(raw)
        receipt.verify(handed, self.intake.receipt_keys, self.box.box)
        self.handed = handed

    async def asked(self) -> None:
        """Raise `gap` when the box is to send again what is below the receipt that it handed (asking.py)."""
        number = await asking.wanted(self.intake.objects, self.box, self.handed.size) if self.handed else 0
        if number:
            raise SyncFault("gap", next_wanted=number)

    async def put(self, offered: Envelope) -> Taken:
        """Judge an envelope and create its object. Raises the fault to refuse it with."""
        try:
            return await self._put(Offer(offered, self.handed))
        except SyncFault as fault:
            if fault.code == "fork":
                stored = await self.intake.objects.get(object_path(self.box.box, offered.sequence))
                await self.intake.alarm(self.box.box, offered, stored)
            raise

    async def _put(self, offer: Offer) -> Taken:
        objects, sequence = self.intake.objects, offer.envelope.sequence
        path = object_path(self.box.box, sequence)
        if offer.handed is not None and offer.handed.size >= sequence:
            stored = await objects.get(path)
            if stored is not None and not ingest.torn(stored, self.box, sequence):
                signed = ingest.repeated(offer, stored)
                return Taken("duplicate", Head(offer.handed.checkpoint, offer.handed.last), signed=signed)
            offer = Offer(offer.envelope, None)  # lost after its receipt, and back: it goes the way of a new one
        head = await self._before(offer)
        verdict = ingest.judge(offer, head, None)
        await self._fits_hole(offer.envelope)
        stored = await self._create(path, offer.envelope)
        if stored is not None:
            verdict = ingest.judge(offer, head, stored)
        self._head = verdict.head
        numbers, self._unflushed = [*self._unflushed, sequence], []
        return Taken(verdict.word, verdict.head, asyncio.create_task(self._flush(numbers)))

    async def _before(self, offer: Offer) -> Head:
        """The head right before the offered envelope, read from the store where this line does not know it."""
        sequence = offer.envelope.sequence
        head = self._head
        if head is not None and head.checkpoint.size == sequence - 1:
            return head
        if head is None or head.checkpoint.size >= sequence:
            if offer.handed is None and sequence > 1:
                offer = Offer(offer.envelope, await self.intake.before_hole(self.box.box, sequence))
            head = ingest.start(offer)
            if 0 < head.checkpoint.size == sequence - 1 and not await self.intake.there(self.box.box, head):
                raise SyncFault("gap", next_wanted=await self._first_lost(head.checkpoint.size))
        numbers = ingest.walk(offer, head)
        async with aclosing(self.intake.read(self.box.box, numbers)) as found:
            async for number, stored in found:
                lost = None if stored is not None else await self.intake.lost(self.box.box, number)
                if lost is not None:
                    head = ingest.over(head, lost)
                    continue
                raw = stored if stored is not None else await self._awaited(number)
                head = self._onto(head, raw)
                self._unflushed.append(number)
        return head

    def _onto(self, head: Head, stored: bytes | None) -> Head:
        """One object further. What a power cut tore counts as missing: the box still has it, and sends it again."""
        try:
            return ingest.step(head, stored, self.box)
        except SyncFault:
            number = head.checkpoint.size + 1
            if stored is not None and ingest.torn(stored, self.box, number):
                raise SyncFault("gap", next_wanted=number) from None
            raise

    async def _fits_hole(self, offered: Envelope) -> None:
        """Where a person has accepted a loss, only the envelope that was lost may come: HQ has signed for its hash."""
        if self._holes is None:
            self._holes = await holes.accepted(self.intake.objects, self.box.box, self.intake.receipt_keys)
        if self._holes.get(offered.sequence, offered.hash) != offered.hash:
            raise SyncFault("fork")

    async def _first_lost(self, number: int) -> int:
        """The store lost what HQ had signed for, `number` and perhaps some right before it: the first of those. The box
        keeps its bytes for a while and sends them again (appliance/outbox)."""
        least = max(1, number - ingest.WALK_LIMIT + 1)
        while number > least and not await self.intake.objects.exists(object_path(self.box.box, number - 1)):
            number -= 1
        return number

    async def _awaited(self, number: int) -> bytes | None:
        """An object that is not there yet, when it comes in time."""
        until, pause = time.monotonic() + self.patience, LOOK_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)
            raw = await self.intake.objects.get(object_path(self.box.box, number))
            if raw is not None:
                return raw
        return None

    async def _create(self, path: str, offered: Envelope) -> bytes | None:
        """None when the object is new, else what is there. What a power cut tore gives way: it never had a receipt."""
        objects = self.intake.objects
        stored = await objects.create(path, offered.raw)
        if stored is None or not ingest.torn(stored, self.box, offered.sequence):
            return stored
        _log.error("set aside a torn object of box %s", self.box.box.hex()[:8])
        await objects.replace(f"torn/{path}-{suite.digest(stored).hex()[:8]}", stored)
        if await objects.swap(path, offered.raw, stored):
            return None
        there = await objects.get(path)
        if there is None:
            raise SyncFault("hq_failed")  # neither ours nor another's: nothing to sign for
        return there

    async def _flush(self, numbers: list[int]) -> None:
        try:
            for number in numbers:
                await self.intake.objects.make_durable(object_path(self.box.box, number))
        except SyncFault:
            self._unflushed = [*numbers, *self._unflushed]  # no later receipt of this line without them
            raise
