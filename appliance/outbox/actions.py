"""From the outbox to the spool and back: seal, hand to the courier, check receipts, settle.

Each step is found again after a crash by looking, never by replaying: unsealed rows are sealed, sealed segments that
are not in the spool are put there, receipts in the spool that are not settled are settled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.outbox import pinned, rows
from appliance.outbox.rows import OutboxRows, Standing
from appliance.store.database import Database, Transaction
from sync import keys, outbox, receipt
from sync.faults import SyncFault
from sync.keys import HqFacts
from sync.outbox import Sealed
from sync.spool import CourierStatus, Spool

LOOK_SECONDS = 0.5  # between two looks when nobody wakes us: one folder listing and one short read of the store

# No receipts of ours: thrown away, the courier fetches another. What HQ signed for us stays: it is evidence.
_NO_RECEIPT = ("malformed_receipt", "too_large", "bad_signature", "receipt_other_key", "receipt_other_box")
_LINE = ("hq_unreachable", "wrong_certificate", "courier_away")

_log = logging.getLogger("hearth.outbox")


def seal_next(tx: Transaction, hq: HqFacts, at: str) -> Sealed | None:
    """Seal the next segment and store its bytes and boundaries; None when there is nothing to seal now."""
    return outbox.seal_next(OutboxRows(tx), rows.identity(tx), hq, at)


def settle(tx: Transaction, raw: bytes, hq: HqFacts, at: str) -> bool:
    """Check a receipt against HQ's key and what was sent, and settle. False: settled before. Raises SyncFault."""
    got = receipt.parse(raw)
    receipt.verify(got, hq.receipt_keys, rows.identity(tx).box)
    return outbox.settle(OutboxRows(tx), got, at)


def box_public(tx: Transaction) -> dict[str, object]:
    """What `hq enroll` must know of this box, as JSON. Makes the identity on first use: call in `write`."""
    return keys.box_to_dict(pinned.box_facts(tx))


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """How the sealed records travel, field by field as `control.types.Sync` tells it."""

    state: Literal["not_enrolled", "up_to_date", "sending", "hq_unreachable"]
    queued: int
    last_receipt_at: str
    last_attempt_at: str
    fault: str
    unreachable_since: str = ""


def facts_of(enrolled: bool, standing: Standing, courier: CourierStatus, fault: str) -> SyncFacts:
    """What to tell. A fault of ours comes before the courier's; a failed attempt means nothing while nothing waits."""
    told = fault or (courier.fault if standing.queued else "")
    state: Literal["not_enrolled", "up_to_date", "sending", "hq_unreachable"]
    if not enrolled:
        state = "not_enrolled"
    elif not standing.queued:
        state = "up_to_date"
    else:
        state = "hq_unreachable" if told in _LINE else "sending"
    return SyncFacts(state, standing.queued, standing.settled_at, courier.last_attempt_at, told)


class Forwarder:
    """Runs in the appliance beside the open store. `on_change` is called on the event loop when `state()` is new."""

    def __init__(
        self, db: Database, spool: Path, on_change: Callable[[], None], *, at: Callable[[], str] = now_text
    ) -> None:
        self._db = db
        self._spool = Spool(spool)
        self._on_change = on_change
        self._at = at
        self._wake = asyncio.Event()
        self._compared = False  # whether the spool's bytes were compared with the store's since the start
        self._refused = ""  # the last receipt's fault, until one settles
        self._told = ""
        self._hq: HqFacts | None = None
        self._written = (0, b"")  # hq.json as it was found to be right: its stamp, and what it holds
        self._facts = SyncFacts("not_enrolled", 0, "", "", "")

    def state(self) -> SyncFacts:
        """The newest facts."""
        return self._facts

    def headquarters(self) -> HqFacts | None:
        """HQ's pinned facts as of the last look."""
        return self._hq

    def wake(self) -> None:
        """Look now: something was put into the outbox."""
        self._wake.set()

    async def run(self) -> None:
        """Forward until cancelled."""
        while True:
            self._wake.clear()
            await self._look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    async def _look(self) -> None:
        """One round; a fault ends it and is told, the next round tries again."""
        fault = ""
        try:
            await self._round()
        except (SyncFault, Fault) as caught:
            fault = caught.code
        except OSError:
            fault = "spool_failed"
        fault = fault or self._refused
        if fault and fault != self._told:
            _log.warning("sealed records do not go on: %s", fault)
        self._told = fault
        await self._tell(fault)

    async def _round(self) -> None:
        if not self._compared:
            await asyncio.to_thread(self._spool.prepare, "out")
        hq = await self._pinned()
        if hq is None:
            return
        await self._settle(hq, await self._db.read(rows.standing))
        standing = await self._db.read(rows.standing)
        for _ in range(min(standing.waiting, outbox.SEAL_AHEAD - len(standing.unsettled))):
            await self._db.write(lambda tx: seal_next(tx, hq, self._at()))
        await self._fill_spool(await self._db.read(rows.standing))

    async def _pinned(self) -> HqFacts | None:
        """HQ as the store knows it; the spool's hq.json is made to say the same."""
        raw = await self._db.read(pinned.pinned_json)
        if raw is None:
            raw = await self._by_receipt()
        if raw is None:
            self._hq = None
        elif raw != self._written[1] or self._hq is None:
            self._hq = keys.hq_from_json(raw)
        if raw is not None and (self._spool.hq_stamp(), raw) != self._written:
            await asyncio.to_thread(self._spool.put_hq_json, raw)
            self._written = (self._spool.hq_stamp(), raw)
        return self._hq

    async def _by_receipt(self) -> bytes | None:
        """After an upgrade from a version that trusted the spool: what the store's receipt vouches for is pinned."""
        if self._spool.hq_stamp() == 0:
            return None
        try:
            offered = await asyncio.to_thread(self._spool.hq_facts)
        except SyncFault:
            return None
        if offered is not None and await self._db.read(rows.last_receipt) is not None:
            await self._db.write(lambda tx: pinned.pin_by_receipt(tx, offered, self._at()))
        return await self._db.read(pinned.pinned_json)

    async def _settle(self, hq: HqFacts, standing: Standing) -> None:
        """Settle by the newest receipt; one settles all before it."""
        segments, receipts = await asyncio.to_thread(lambda: (self._spool.segments(), self._spool.receipts()))
        if segments and segments[-1] > standing.last_sealed:
            raise SyncFault("set_back")
        newest = receipts[-1] if receipts else 0
        raw = self._spool.receipt(newest) if newest > standing.settled else None
        if raw is None:
            return
        try:
            await self._db.write(lambda tx: settle(tx, raw, hq, self._at()))
            self._refused = ""
        except SyncFault as fault:
            self._refused = fault.code
            if fault.code in _NO_RECEIPT:
                self._spool.drop_receipt(newest)
            raise

    async def _fill_spool(self, standing: Standing) -> None:
        """The spool holds every unsettled segment, no settled one, and the newest receipt."""
        there = set(await asyncio.to_thread(self._spool.segments))
        for sequence in standing.unsettled:
            if sequence not in there or not self._compared:
                await self._put_segment(sequence)
        self._compared = True
        receipts = await asyncio.to_thread(self._spool.receipts)
        raw = None if standing.settled in receipts else await self._db.read(rows.last_receipt)
        if raw is not None:
            await asyncio.to_thread(self._spool.put_receipt, standing.settled, raw)
        await asyncio.to_thread(self._spool.drop_settled, standing.settled)

    async def _put_segment(self, sequence: int) -> None:
        """What lies in the spool is what the store says, whatever happened to the spool meanwhile."""
        raw = await self._db.read(lambda tx: rows.sealed_bytes(tx, sequence))
        if raw is not None and await asyncio.to_thread(self._spool.segment, sequence) != raw:
            await asyncio.to_thread(self._spool.put_segment, sequence, raw)

    async def _tell(self, fault: str) -> None:
        """Take the newest facts; call `on_change` if they are new."""
        with suppress(Fault, OSError):
            standing = await self._db.read(rows.standing)
            courier = await asyncio.to_thread(self._courier)
            facts = self._since(facts_of(self._hq is not None, standing, courier, fault))
            if facts != self._facts:
                self._facts = facts
                self._on_change()

    def _since(self, facts: SyncFacts) -> SyncFacts:
        """With the moment at which HQ was first missed, as long as it is."""
        if facts.state != "hq_unreachable":
            return facts
        return replace(facts, unreachable_since=self._facts.unreachable_since or self._at())

    def _courier(self) -> CourierStatus:
        status = self._spool.status()
        if self._spool.courier_runs():
            return status
        return CourierStatus(fault="courier_away", last_attempt_at=status.last_attempt_at)
