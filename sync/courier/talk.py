"""One conversation on one line: segments said, receipts heard, a dead line noticed, a new one opened beside it.

A few envelopes are on the way at any time, so the line is never idle between two; few, so that an urgent one that is
sealed next does not stand behind many. What was said and not receipted when a line ends is said again on the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from sync import frames, receipt
from sync.courier import freight
from sync.courier.line import Line, Way, race, refused
from sync.courier.purse import Purse
from sync.courier.sockets import DEAD_LINE_SECONDS
from sync.courier.status import Rate, Telling
from sync.envelope import Envelope
from sync.faults import SyncFault
from sync.frames import Frame
from sync.keys import HqFacts
from sync.receipt import Receipt
from sync.spool import Spool

LOOK_SECONDS = 0.25  # between two looks into the spool: one small folder listing, nothing written
WINDOW_BYTES = (
    98_304  # on the way without a receipt: all that the box seals ahead. With 40 KiB a lost packet stops the line
)
MAX_IN_FLIGHT = 16  # envelopes, however small
BARREN_FULL = 2  # lines in a row may carry a full window for nothing; the next ones try one envelope
BEAT_SECONDS = 3.0  # between two signs of life: on an idle line they are what shows that it is dead
SUSPECT_SECONDS = 2.5  # packets on the way and nothing acknowledged: open another line beside this one
SILENT_SECONDS = 6.0  # not one frame, not even a PULSE: the same
RACE_SECONDS = 120.0  # for which new lines are tried, one every two seconds, when one was good a moment ago
NO_RECEIPT_SECONDS = 60.0  # HQ says that it lives and receipts nothing: start again
IDLE_SECONDS = 30.0  # an open line costs 50 bytes a second, a new one 5,000 bytes and two round trips
SHORT_IDLE_SECONDS = 5.0  # on a metered line, or when nothing was said
ROOM, ROOM_EACH = (
    1.08,
    1_000,
)  # what an envelope takes on the line: headers, some repeats, its receipt, a share of BEATs

_log = logging.getLogger("hearth.courier")


@dataclass
class Desk:
    """What conversations share: the spool, the limits, what is told, the clocks."""

    spool: Spool
    purse: Purse
    telling: Telling
    rate: Rate
    now: Callable[[], float]
    at: Callable[[], str]
    version: str = ""
    wanted: int = 0  # what HQ asked for with `gap`
    packs: int = 0  # number of the newest pack that HQ told of
    good_at: float = float("-inf")  # when a line was last good: it brought a receipt that was new
    held: str = ""  # why the next envelope waits: hours, budget
    top: int = 0  # the highest number receipted, of this HQ
    barren: int = 0  # lines in a row that were spoken on and brought nothing new


@dataclass
class Talk:
    """`run` returns the line to go on with, opened when this one failed, or None when all is said."""

    desk: Desk
    way: Way
    line: Line
    new_line: Callable[[], Line]
    stamp: int  # of hq.json; another one ends the conversation
    flying: deque[Envelope] = field(default_factory=deque)
    upto: int = 0
    clear_at: float = 0.0  # when nothing was unacknowledged, or something was acknowledged
    receipted: int = 0  # on this line
    gained: bool = False  # a receipt came on it for something that had none
    heard: bool = False  # anything at all
    busy_at: float = 0.0  # when something was last said or receipted
    racing: asyncio.Task[Line] | None = None

    async def run(self) -> Line | None:
        self.desk.barren += 1
        try:
            await self._begin()
            while True:
                try:
                    successor = await self._turn()
                except SyncFault as fault:
                    if fault.code != "hq_unreachable":
                        raise
                    if self._all_said:
                        return None
                    if self.racing is None:
                        raise
                    return await self._raced()
                if successor is not None:
                    return successor
                if self._over():
                    await self._finish()
                    return None
        finally:
            await self._end()

    @property
    def _all_said(self) -> bool:
        """Nothing waits for a receipt: that an idle line dies is no fault and no reason for another one."""
        return self.heard and not self.flying

    async def _finish(self) -> None:
        await self._take(await self.line.finish())
        if not self.heard:
            raise SyncFault("hq_unreachable")

    async def _begin(self) -> None:
        desk = self.desk
        due = await asyncio.to_thread(freight.due, desk.spool, desk.wanted)
        self.upto = due.after
        self.clear_at = self.busy_at = desk.now()
        desk.top = max(desk.top, due.newest)
        hello = await asyncio.to_thread(freight.hello, desk.spool, desk.version)
        handed = due.handed if self._ours(due.handed) else b""
        self.line.say(hello + (frames.pack(frames.HANDED, handed) if handed else b""))
        desk.telling.change(state="sending" if due.numbers else "idle")
        await self._fill()

    def _ours(self, raw: bytes) -> bool:
        """Whether HQ will know this receipt. One that was damaged here would be refused for ever; without any HQ looks
        into its own store."""
        with suppress(SyncFault):
            got = receipt.parse(raw)
            receipt.verify(got, self.way.facts.receipt_keys, got.box)
            return True
        return False

    async def _turn(self) -> Line | None:
        """One look at everything; the successor when there is one."""
        desk = self.desk
        await self._take(await self.line.heard(LOOK_SECONDS))
        self._count()
        await self._fill()
        now = desk.now()
        if now - self.line.said_at >= BEAT_SECONDS:
            self.line.say(frames.pack(frames.BEAT))
        desk.purse.turn()
        self._tell()
        await asyncio.to_thread(desk.telling.write)
        return await self._watch(now)

    async def _fill(self) -> None:
        """Say what is due, as far as window and limits let it."""
        desk, spool = self.desk, self.desk.spool
        numbers = [number for number in await asyncio.to_thread(spool.segments) if number > self.upto]
        urgent = await asyncio.to_thread(freight.urgent_upto, spool) if numbers else 0
        desk.held = ""
        for number in numbers:
            try:
                sealed = await asyncio.to_thread(freight.load, spool, number)
            except SyncFault:
                if self.flying:
                    return  # what is before it gets its receipts first
                raise
            if sealed is None:
                return
            size = len(sealed.raw)
            if self.flying and (len(self.flying) >= self._most or self._on_the_way + size > WINDOW_BYTES):
                return
            desk.held = desk.purse.held(self._room(size), urgent=number <= urgent)
            if desk.held:
                return
            self.flying.append(sealed)
            self.upto, self.busy_at = number, desk.now()
            self.line.say(frames.pack(frames.SEGMENT, sealed.raw))

    @property
    def _most(self) -> int:
        """Envelopes on the way. One alone while HQ or the line takes them for nothing: each is paid for."""
        return 1 if self.desk.barren > BARREN_FULL and not self.gained else MAX_IN_FLIGHT

    def _room(self, size: int) -> int:
        return int((self._on_the_way + size) * ROOM) + ROOM_EACH * (len(self.flying) + 1)

    @property
    def _on_the_way(self) -> int:
        return sum(len(sealed.raw) for sealed in self.flying)

    async def _take(self, heard: list[Frame]) -> None:
        """Receipts are checked one by one and the newest is kept: it settles all before it."""
        newest: Receipt | None = None
        fault: SyncFault | None = None
        self.heard = self.heard or bool(heard)
        for frame in heard:
            try:
                newest = self._receipt(frame) or newest
            except SyncFault as caught:
                fault = caught
                break
        if newest is not None:
            await asyncio.to_thread(self.desk.spool.put_receipt, newest.size, newest.raw)
            self._succeeded(newest)
        if fault is not None:
            raise fault

    def _receipt(self, frame: Frame) -> Receipt | None:
        if frame.kind == frames.REFUSAL:
            raise refused(frame.payload)
        if frame.kind == frames.NEWS:
            self.desk.packs = max(self.desk.packs, _packs(frame.payload))
        if frame.kind != frames.RECEIPT:
            return None
        if not self.flying:
            raise SyncFault("hq_failed")
        got = check(frame.payload, self.flying[0], self.way.facts)
        sealed = self.flying.popleft()
        self.desk.rate.add(self.desk.now(), len(sealed.raw))
        self.busy_at = self.desk.now()
        return got

    def _succeeded(self, newest: Receipt) -> None:
        desk = self.desk
        desk.wanted = newest.size + 1 if desk.wanted and newest.size < desk.top else 0
        self.receipted += 1
        if newest.size > desk.top:
            desk.top, desk.barren, self.gained = newest.size, 0, True
        desk.telling.change(fault="", fault_since="", next_wanted=desk.wanted, last_success_at=desk.at())
        _log.info("HQ has envelope %d", newest.size)

    def _count(self) -> None:
        """What went over the line since the last look; when it was last alive."""
        wire, now = self.line.wire(), self.desk.now()
        self.line.count()
        if not wire.unacked:
            self.clear_at = now
        self.clear_at = max(self.clear_at, now - wire.silent, self.line.heard_at)

    def tell_time(self) -> None:
        """What time HQ says it is, once on each line."""
        self.desk.telling.heard_time(self.line.hq_time, self.line.hq_heard)

    def _tell(self) -> None:
        desk = self.desk
        self.tell_time()
        state = "sending" if self.flying else desk.held or "idle"
        desk.telling.change(
            state=state,
            in_flight=len(self.flying),
            bytes_today=desk.purse.bytes_today,
            budget_left=desk.purse.left,
            rate=round(desk.rate.at(desk.now()), 1),
        )

    async def _watch(self, now: float) -> Line | None:
        """A line that is silent gets a rival; whichever lives first goes on. Raises when it is dead for certain."""
        quiet = now - self.line.heard_at
        if self.flying and now - self.busy_at > NO_RECEIPT_SECONDS:
            raise SyncFault("hq_failed")
        if now - self.clear_at < SUSPECT_SECONDS and quiet < SILENT_SECONDS:
            if self.gained:
                self.desk.good_at = now
            await self._stop_racing()
        elif self.racing is None and not self._all_said:
            self.racing = asyncio.create_task(race(self.new_line, RACE_SECONDS))
        if self.racing is not None and self.racing.done() and not self.racing.exception():
            return await self._raced()
        if self.racing is not None and self.racing.done():
            self.racing = None
        if quiet > DEAD_LINE_SECONDS:
            raise SyncFault("hq_unreachable")
        return None

    async def _raced(self) -> Line | None:
        """The rival, once it is through; None when hq.json is another one meanwhile."""
        racing = self.racing
        assert racing is not None  # noqa: S101 - only called while there is one
        if not racing.done():
            self.desk.telling.change(state="connecting")
            await asyncio.to_thread(self.desk.telling.write)
        while not racing.done():
            await asyncio.wait((racing,), timeout=LOOK_SECONDS)
            if self.desk.spool.hq_stamp() != self.stamp:
                return None
        self.racing = None
        return racing.result()

    async def _stop_racing(self) -> None:
        racing, self.racing = self.racing, None
        if racing is None:
            return
        racing.cancel()
        with suppress(asyncio.CancelledError, SyncFault):
            await (await racing).close()

    def _over(self) -> bool:
        """All said, and nothing new for a while; or another hq.json."""
        idle = IDLE_SECONDS if self.receipted and not self.desk.purse.metered else SHORT_IDLE_SECONDS
        if self.desk.held:
            idle = 0.0
        if self.desk.spool.hq_stamp() != self.stamp:
            return True
        return not self.flying and self.desk.now() - self.busy_at >= idle

    async def _end(self) -> None:
        await self._stop_racing()
        await self.line.close()


def check(raw: bytes, sent: Envelope, facts: HqFacts) -> Receipt:
    """The receipt, if it is this HQ's for exactly this envelope. The box checks again, against its own tree."""
    got = receipt.parse(raw)
    receipt.verify(got, facts.receipt_keys, sent.box)
    if got.size != sent.sequence or got.last != sent.hash:
        raise SyncFault("receipt_other_bytes")
    return got


class _News(msgspec.Struct, frozen=True):
    packs: int = 0


def _packs(payload: bytes) -> int:
    try:
        return msgspec.json.decode(payload, type=_News).packs
    except (msgspec.DecodeError, ValueError, RecursionError):
        return 0
