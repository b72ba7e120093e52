"""Runs the outbox beside the open store: hands the courier what is sealed, takes receipts, tells how it stands.

Each step is found again after a crash by looking, never by replaying: unsealed rows are sealed, sealed segments that
are not in the spool are put there, receipts in the spool that are not settled are settled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.outbox import actions, pinned, rows
from appliance.outbox.lives import rows as log
from appliance.outbox.lives.rows import Life, Trouble
from appliance.outbox.rows import NOTHING_WAITS, Backlog, Standing
from appliance.outbox.telling import LINE, Seen, SyncFacts, facts_of
from appliance.policy import Actor
from appliance.store.database import Database, Transaction
from sync import keys, outbox, receipt
from sync.faults import SyncFault
from sync.keys import HqFacts
from sync.limits import Limits
from sync.spool import CourierStatus, Spool

LOOK_SECONDS = 0.5  # between two looks when nobody wakes us: one folder listing and one short read of the store
COMPARE_SECONDS = 60.0  # between two comparisons of the spool with the store because of its damage
DAMAGED = ("malformed_envelope", "unsupported_version", "too_large", "bad_signature")
URGENT_AHEAD = 4  # segments beyond SEAL_AHEAD, for urgent records alone
URGENT_TOLD = 256  # numbers in urgent.json: the newest, everything before goes with it
ASK_SECONDS = 15.0  # between two questions for HQ's head that were answered by a fault
TROUBLE_SECONDS = 600.0  # the same while a person must decide: HQ's newest head, by its newest key, is what counts then
RESTS = 20  # of the time that a look at the whole backlog took: a reader is free for people's pages meanwhile
BELIEVE_SECONDS = 60.0  # for so long a head that agrees with ours outweighs the courier's last "fork"

# No receipts of ours: thrown away, the courier fetches another. What HQ signed for us stays: it is evidence.
_NO_RECEIPT = ("malformed_receipt", "too_large", "bad_signature", "receipt_other_key", "receipt_other_box")

_log = logging.getLogger("hearth.outbox")


@dataclass(frozen=True, slots=True)
class Look:
    """One short read of the store. `must_ask`: it came out of a backup, and HQ has not told how far it is."""

    standing: Standing
    trouble: Trouble | None
    must_ask: bool
    heard_at: str


def look(tx: Transaction) -> Look:
    return Look(rows.standing(tx), log.trouble(tx), log.must_ask(tx), pinned.heard_at(tx))


class Forwarder:
    """Runs in the appliance beside the open store. `on_change` is called on the event loop when `state()` is new."""

    def __init__(
        self,
        db: Database,
        spool: Path,
        on_change: Callable[[], None],
        *,
        at: Callable[[], str] = now_text,
        limits: Limits | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._spool = Spool(spool)
        self._on_change = on_change
        self._at = at
        self._now = now
        self._limits = limits or Limits()
        self._wake = asyncio.Event()
        self._compared = False  # whether the spool's bytes were compared with the store's since the start
        self._refused = ""  # the last receipt's fault, until one settles
        self.signed_at = 0.0  # HQ's time in the newest receipt that was taken since the start, Unix seconds; 0: none
        self._told = ""
        self._hq: HqFacts | None = None
        self._written = (0, b"")  # hq.json as it was found to be right: its stamp, and what it holds
        self._look = Look(Standing(), None, False, "")
        self._courier_said = CourierStatus()
        self._backlog = (Standing(), Backlog())
        self._reckon_at = 0.0  # when the backlog may be reckoned again
        self._handed: tuple[tuple[int, ...], int, str] | None = None  # what urgent.json and queue.json say
        self._asking = False
        self._ask_at = 0.0  # when HQ's head is asked for again
        self._believe_until = 0.0
        self._compare_at = 0.0  # when the spool may be compared again
        self._missing: tuple[int, ...] = ()
        self._facts = SyncFacts("not_enrolled", 0, "", "", "")

    # -- for the others --------------------------------------------------------------------------------------------

    def state(self) -> SyncFacts:
        """The newest facts."""
        return self._facts

    def headquarters(self) -> HqFacts | None:
        """HQ's pinned facts as of the last look."""
        return self._hq

    def wake(self) -> None:
        """Look now: something was put into the outbox."""
        self._wake.set()

    async def seal_all(self) -> int:
        """Seal everything that waits, for a stick. How many segments were made.

        Raises Fault `not_enrolled`; SyncFault `set_back`, `receipt_other_bytes`, `restored`: nothing may be sealed.
        """
        hq = await self._db.read(pinned.pinned)
        if hq is None:
            raise Fault("not_enrolled")
        seen = await self._db.read(look)
        if seen.trouble is not None:
            raise SyncFault(seen.trouble.code)
        if seen.must_ask:
            raise SyncFault("restored")
        made = 0
        while await self._seal(hq, actions.STICK_AHEAD):
            made += 1
        self.wake()
        return made

    async def adopt(self, actor: Actor, reason: str) -> Life:
        """`actions.adopt`, and what another life left in the spool goes. Faults as there."""
        life = await self._db.write(lambda tx: actions.adopt(tx, actor, reason, self._at()))
        await asyncio.to_thread(self._withdraw, life.size)
        self._believe_until = self._now() + BELIEVE_SECONDS
        self._refused = ""
        self.wake()
        return life

    async def take_head(self, raw: bytes) -> str:
        """HQ's head from a stick: settles, and tells a box that came out of a backup where the log stands. "", or
        `set_back`, `receipt_other_bytes`. Raises Fault `not_enrolled`, SyncFault for what is no receipt for us."""
        hq = await self._db.read(pinned.pinned)
        if hq is None:
            raise Fault("not_enrolled")
        code = await self._db.write(lambda tx: actions.take_head(tx, raw, hq, self._at()))
        self.wake()
        return code

    # -- the round -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Forward until cancelled."""
        while True:
            self._wake.clear()
            await self._once()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    async def _once(self) -> None:
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
            await asyncio.to_thread(self._begin)
        hq = await self._pinned()
        if hq is None:
            return
        self._courier_said = await asyncio.to_thread(self._courier)
        self._look = await self._db.read(look)
        await self._receive(hq)
        self._look = await self._db.read(look)
        if self._look.trouble is not None:
            self._asking = False
            await self._ask(TROUBLE_SECONDS)
            await asyncio.to_thread(self._withdraw, self._look.standing.settled, self._look.standing.last_sealed)
            raise SyncFault(self._look.trouble.code)
        if await self._doubt():
            await self._fill_spool(self._look.standing)
            return
        standing = self._look.standing
        ahead = outbox.SEAL_AHEAD
        if standing.urgent_waits:  # what is sealed ahead may wait for hours or a budget that an urgent record passes
            ahead = max(ahead, min(len(standing.unsettled) + 1, ahead + URGENT_AHEAD))
        for _ in range(min(standing.waiting, ahead - len(standing.unsettled))):
            await self._seal(hq, ahead)
        self._look = await self._db.read(look)
        await self._fill_spool(self._look.standing)

    async def _seal(self, hq: HqFacts, ahead: int) -> bool:
        """Seal one segment. Choosing and packing hold up nobody: they are done beside the store, and checked in it."""
        waiting = await self._db.read(lambda tx: rows.OutboxRows(tx).waiting(outbox.WAITING_LIMIT))
        ready = await asyncio.to_thread(outbox.gather, waiting)
        return await self._db.write(lambda tx: actions.seal_next(tx, hq, self._at(), ahead, ready)) is not None

    def _begin(self) -> None:
        self._spool.prepare("out")
        self._spool.forget_head()  # an answer of before: this store may have been another one then
        self._spool.put_limits(self._limits)

    # -- who HQ is -------------------------------------------------------------------------------------------------

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

    # -- what HQ says ----------------------------------------------------------------------------------------------

    async def _receive(self, hq: HqFacts) -> None:
        """Take the newest receipt; one settles all before it. An answered question for HQ's head is taken too."""
        standing, trouble = self._look.standing, self._look.trouble
        told = await asyncio.to_thread(self._spool.head_told)
        answered = told is not None and told.status in (200, 204)
        receipts = await asyncio.to_thread(self._spool.receipts)
        newest = receipts[-1] if receipts else 0
        wanted = newest > standing.settled or (answered and newest > 0)
        raw = await asyncio.to_thread(self._spool.receipt, newest) if wanted else None
        if raw is not None and (trouble is None or raw != trouble.receipt):
            await self._take(newest, raw, hq)
        if answered:
            await self._heard()
        elif told is not None:
            self._ask_at = self._now() + ASK_SECONDS
            await asyncio.to_thread(self._spool.forget_head)

    async def _take(self, size: int, raw: bytes, hq: HqFacts) -> None:
        try:
            self._refused = await self._db.write(lambda tx: actions.take_receipt(tx, raw, hq, self._at()))
        except SyncFault as fault:
            self._refused = fault.code
            if fault.code in _NO_RECEIPT:
                await asyncio.to_thread(self._spool.drop_receipt, size)
            raise
        if not self._refused:
            self.signed_at = max(self.signed_at, float(receipt.parse(raw).at))
        if not self._refused and (await self._db.read(rows.standing)).settled < size:
            await asyncio.to_thread(self._spool.drop_receipt, size)  # an old one under that name hides those that come

    async def _heard(self) -> None:
        """HQ has told how far it is; whether that agrees with ours is in the store by now."""
        self._asking = False
        self._believe_until = self._now() + BELIEVE_SECONDS
        if self._look.must_ask:
            await self._db.write(log.note_heard)
        await asyncio.to_thread(self._spool.forget_head)

    async def _doubt(self) -> bool:
        """Whether something says that this log is not the whole one, without HQ's signature: then HQ is asked, and
        nothing is sealed before it has answered."""
        standing = self._look.standing
        forked = self._courier_said.fault == "fork" and self._now() >= self._believe_until and bool(standing.unsettled)
        segments = await asyncio.to_thread(self._spool.segments)
        other_life = bool(segments) and segments[-1] > standing.last_sealed and self._now() >= self._believe_until
        self._asking = self._look.must_ask or forked or other_life
        if self._asking:
            await self._ask(0.0)
        return self._asking

    async def _ask(self, again: float) -> None:
        """Ask for HQ's head, not before `again` seconds after the last time."""
        if self._now() >= self._ask_at:
            own = await self._db.write(rows.identity)
            await asyncio.to_thread(self._spool.ask_head, own.box)
            self._ask_at = self._now() + again

    # -- the spool -------------------------------------------------------------------------------------------------

    async def _fill_spool(self, standing: Standing) -> None:
        """The spool holds every unsettled segment, what HQ lost and asks for, and the newest receipt; else nothing."""
        again = await self._asked_again(standing)
        there = set(await asyncio.to_thread(self._spool.segments))
        compare = not self._compared or self._damaged()
        for sequence in (*range(again, standing.settled + 1 if again else again), *standing.unsettled):
            if sequence not in there or compare:
                await self._put_segment(sequence)
        self._compared = True
        receipts = await asyncio.to_thread(self._spool.receipts)
        raw = None if standing.settled in receipts else await self._db.read(rows.last_receipt)
        if raw is not None:
            await asyncio.to_thread(self._spool.put_receipt, standing.settled, raw)
        await asyncio.to_thread(self._spool.drop_settled, standing.settled, again)
        await self._hand_words(standing)
        if self._missing:
            raise SyncFault("gap", next_wanted=self._missing[0])

    def _damaged(self) -> bool:
        """Whether the courier met what is no envelope in the spool: all is compared, at most once a minute."""
        if self._courier_said.fault not in DAMAGED or self._now() < self._compare_at:
            return False
        self._compare_at = self._now() + COMPARE_SECONDS
        return True

    async def _asked_again(self, standing: Standing) -> int:
        """The first number that HQ misses although it had signed for it, and that is still here; 0 for none."""
        wanted = self._courier_said.next_wanted
        self._missing = ()
        if not 0 < wanted <= standing.settled:
            return 0
        lowest = await self._db.read(rows.kept_from)
        if wanted < lowest:
            self._missing = (wanted, min(lowest - 1, standing.settled))
            return 0
        return wanted

    async def _put_segment(self, sequence: int) -> None:
        """What lies in the spool is what the store says, whatever happened to the spool meanwhile."""
        raw = await self._db.read(lambda tx: rows.sealed_bytes(tx, sequence))
        if raw is not None and await asyncio.to_thread(self._spool.segment, sequence) != raw:
            await asyncio.to_thread(self._spool.put_segment, sequence, raw)

    def _withdraw(self, after: int, upto: int = 0) -> None:
        """Take our envelopes after that number out of the spool: HQ has others. Blocking. `upto`: not those above,
        which another life of this box sealed and HQ may still want; 0: all."""
        for sequence in self._spool.segments():
            if after < sequence and (not upto or sequence <= upto):
                self._spool.drop_segment(sequence)

    async def _hand_words(self, standing: Standing) -> None:
        """What the courier should know beside the envelopes: which are urgent, how much waits."""
        backlog = await self._waiting(standing)
        words = (standing.urgent, standing.queued, backlog.oldest_at)
        if words != self._handed:
            await asyncio.to_thread(self._spool.put_urgent, standing.urgent[-URGENT_TOLD:])
            await asyncio.to_thread(self._spool.put_queue, standing.queued, backlog.oldest_at)
            self._handed = words

    # -- telling ---------------------------------------------------------------------------------------------------

    async def _waiting(self, standing: Standing) -> Backlog:
        """Every waiting row is read for it, 0.36 s with 100,000 of them, so it may be RESTS of its own time old."""
        if not standing.queued:
            self._backlog = (standing, NOTHING_WAITS)
        elif standing != self._backlog[0] and self._now() >= self._reckon_at:
            began = self._now()
            self._backlog = (standing, await self._db.read(rows.backlog))
            self._reckon_at = self._now() + RESTS * (self._now() - began)
        return self._backlog[1]

    async def _tell(self, fault: str) -> None:
        """Take the newest facts; call `on_change` if they are new."""
        with suppress(Fault, OSError):
            found = await self._db.read(look)
            seen = Seen(
                enrolled=self._hq is not None,
                standing=found.standing,
                courier=await asyncio.to_thread(self._courier),
                at=self._at(),
                fault=fault,
                asking=self._asking or found.must_ask,
                trouble=found.trouble,
                backlog=await self._waiting(found.standing),
                heard_at=found.heard_at,
                missing=self._missing,
                unreachable_since=self._facts.unreachable_since,
            )
            facts = facts_of(seen)
            if facts != self._facts:
                self._facts = facts
                self._on_change()

    def _courier(self) -> CourierStatus:
        status = self._spool.status()
        if self._spool.courier_runs():
            return status
        since = status.fault_since if status.fault in LINE else ""
        return msgspec.structs.replace(status, fault="courier_away", fault_since=since, state="idle", rate=0.0)
