"""Carries sealed envelopes to HQ and receipts back. Holds no store key and no plaintext; knows numbers and bytes.

The loop: what must go, may it go now, a line, a conversation on it (`talk.py`), and what went wrong. HQ's certificate
is pinned: one of hq.json's, whatever the name, the authority or the date (a Pi's clock may be decades off).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sync import outbox
from sync.courier import freight, own_key
from sync.courier.errands import Errands
from sync.courier.fetching import Fetcher
from sync.courier.line import CONNECT_SECONDS, STAGGER_SECONDS, Line, Refused, Way, race
from sync.courier.purse import Purse
from sync.courier.status import Rate, Telling, later, utc_now
from sync.courier.talk import LOOK_SECONDS, RACE_SECONDS, Desk, Talk
from sync.faults import SyncFault
from sync.spool import Spool

NOW = "now"  # in the spool: written when a person asks to try now
CALL_SECONDS = 900.0  # between two calls when nothing is to be said: to hear of packs, to be seen
METERED_CALL_SECONDS = 21_600.0
CALL_BYTES = 8_000  # that a call costs: handshake, HELLO, NEWS
BARREN_RIVALS = 3  # lines in a row that bring nothing new, until a rival is no answer any more
BARREN, BARREN_TIMES = 8, 10  # after so many the waits grow tenfold, to 10 minutes: each costs a handshake at least
ASKED_JITTER = 0.25  # of the time for which HQ asked: the boxes that it sent away do not come back together

_log = logging.getLogger("hearth.courier")


class Courier:
    """Runs over one spool until cancelled. `jitter` gives [0, 1); `now` monotonic seconds; `at` the time to show."""

    def __init__(
        self,
        spool: Spool,
        *,
        now: Callable[[], float] = time.monotonic,
        at: Callable[[], str] = utc_now,
        jitter: Callable[[], float] = random.random,
        purse: Purse | None = None,
    ) -> None:
        self._spool = spool
        self._now = now
        self._at = at
        self._jitter = jitter
        self._desk = Desk(spool, purse or Purse(spool.root, now), Telling(spool, now), Rate(), now, at, _version())
        self._failures = 0
        self._call_at = now()
        self._now_stamp = _stamp(spool.root / NOW)
        self._key_stamps = (0, 0)
        self._followed = 0  # stamp of the hq.json that was followed last
        self._errands = Errands(self._desk)
        self._fetcher = Fetcher(self._desk, lambda: self._errands.way)

    async def run(self) -> None:
        """Carry whatever is in the spool, for ever. Waits quietly while there is no hq.json."""
        with suppress(OSError):
            await asyncio.to_thread(freight.tidy, self._spool)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._carry_on())
            both.create_task(self._errands.run())
            both.create_task(self._fetcher.run())

    async def _carry_on(self) -> None:
        while True:
            try:
                await self._follow()
            except SyncFault as fault:
                await self._failed(fault)
            except OSError:
                await self._failed(SyncFault("spool_failed"))
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self) -> None:
        """Carry by the hq.json that is there now, until it is another one."""
        await self._keep_key()
        stamp = self._spool.hq_stamp()
        try:
            facts = await asyncio.to_thread(self._spool.hq_facts)
        except SyncFault:
            self._errands.way, self._errands.looked = None, True  # an enrolment is what may mend it
            raise
        if facts is None:
            self._errands.way, self._errands.looked = None, True
            self._desk.telling.change(state="no_hq")
            await self._rest(enrolled=False)
            return
        if stamp != self._followed:
            if self._followed:
                self._desk.telling.change(next_wanted=0)  # what another HQ had asked for
            self._followed = stamp
            self._desk.top = self._desk.barren = self._desk.wanted = 0
        while self._spool.hq_stamp() == stamp:
            await self._keep_key()
            if self._asked_now():
                self._call_at = self._now()
            way = self._errands.way = Way(facts, await asyncio.to_thread(freight.client, self._spool))
            self._errands.looked = True
            try:
                if not await self._carry(way, stamp):
                    await self._rest(enrolled=True)
                    await asyncio.sleep(LOOK_SECONDS)
            except SyncFault as fault:
                await self._failed(fault)

    async def _keep_key(self) -> None:
        """Whatever became of our key meanwhile, a full disk at the start included: enrolment waits for its request."""
        folder = self._spool.root / "tls"
        stamps = _stamp(folder / "courier.key"), _stamp(folder / "courier.csr")
        if self._key_stamps != stamps or 0 in stamps:
            with suppress(OSError):
                await asyncio.to_thread(own_key.prepare, folder)
                self._key_stamps = _stamp(folder / "courier.key"), _stamp(folder / "courier.csr")

    async def _carry(self, way: Way, stamp: int) -> bool:
        """One conversation, if there is anything to say and it may be said now."""
        box = await asyncio.to_thread(freight.box_id, self._spool)
        if box is None or not await asyncio.to_thread(self._wanted):
            return False
        desk = self._desk
        desk.telling.change(state="connecting", last_attempt_at=self._at(), waits_until="")
        await asyncio.to_thread(desk.telling.write)

        def new_line() -> Line:
            return Line(way, f"/v1/boxes/{box.hex()}/stream", self._now, desk.purse.spend)

        top = desk.top
        line: Line | None = await race(new_line, RACE_SECONDS if self._lately else CONNECT_SECONDS)
        try:
            while line is not None:
                talking = Talk(desk, way, line, new_line, stamp)
                try:
                    line = await talking.run()
                finally:
                    talking.tell_time()  # a refusal has HQ's time too
                if line is not None and desk.barren > BARREN_RIVALS:
                    await line.close()  # opened at once and as dumb as those before: a wait, not another one
                    raise SyncFault("hq_unreachable")
        finally:
            self._failures = 0 if desk.top > top else self._failures
        self._call_at = self._now() + self._call_seconds()
        self._failures = desk.barren = 0
        desk.telling.change(state="idle", fault="", fault_since="", in_flight=0)
        return True

    def _wanted(self) -> bool:
        """Whether to open a line now: envelopes that may go, or a call that is due."""
        desk, purse = self._desk, self._desk.purse
        purse.turn()
        desk.held = ""
        numbers = freight.due(self._spool, desk.wanted).numbers
        sealed = freight.load(self._spool, numbers[0]) if numbers else None
        if sealed is not None:
            urgent = sealed.sequence <= freight.urgent_upto(self._spool)
            desk.held = purse.held(len(sealed.raw) + CALL_BYTES, urgent=urgent)
            return not desk.held
        return self._now() >= self._call_at and not purse.held(CALL_BYTES, urgent=False)

    def _call_seconds(self) -> float:
        full = METERED_CALL_SECONDS if self._desk.purse.metered else CALL_SECONDS
        return full * (0.5 + 0.5 * self._jitter())

    @property
    def _lately(self) -> bool:
        """Whether a line was good a moment ago: then it is worth trying again and again."""
        return self._now() - self._desk.good_at < RACE_SECONDS

    async def _rest(self, *, enrolled: bool) -> None:
        """Nothing to carry now: say so, and until when."""
        desk = self._desk
        desk.purse.turn()
        if enrolled:
            held = desk.held
            known = desk.telling.status.state == held and desk.telling.status.waits_until
            until = known or (later(self._at(), desk.purse.waits_seconds(held)) if held else "")
            desk.telling.change(state=held or "idle", waits_until=until)
        desk.telling.change(bytes_today=desk.purse.bytes_today, budget_left=desk.purse.left, in_flight=0)
        await asyncio.to_thread(desk.telling.write)

    async def _failed(self, fault: SyncFault) -> None:
        """Say what went wrong and wait; a new envelope in the spool ends the wait, unless HQ asked us to stay away."""
        self._failures += 1
        stamps = self._stamps()  # before anybody is told: what comes after that ends the wait
        asked = fault.retry_after if isinstance(fault, Refused) else 0.0
        wait = outbox.retry_after(self._failures, self._jitter()) * min(
            BARREN_TIMES, max(1, self._desk.barren - BARREN)
        )
        wait = max(wait, asked * (1.0 + ASKED_JITTER * self._jitter()))
        if self._lately and fault.code == "hq_unreachable" and self._desk.barren <= BARREN_RIVALS:
            wait = min(wait, STAGGER_SECONDS * (0.5 + 0.5 * self._jitter()))
        if fault.code == "gap":
            self._desk.wanted = fault.next_wanted
        telling = self._desk.telling
        since = telling.status.fault_since if fault.code == telling.status.fault else self._at()
        _log.log(
            logging.WARNING if fault.code != telling.status.fault else logging.DEBUG, "not carried: %s", fault.code
        )
        telling.change(
            fault=fault.code, fault_since=since, state="waiting", in_flight=0, next_wanted=self._desk.wanted,
            waits_until=later(self._at(), wait),
        )  # fmt: skip
        newest: list[int] = []
        with suppress(OSError):
            newest = (await asyncio.to_thread(self._spool.segments))[-1:]
            await asyncio.to_thread(telling.write)
        await self._wait(wait, newest, stamps, wakeful=asked == 0.0)

    async def _wait(self, seconds: float, newest: list[int], stamps: tuple[int, ...], *, wakeful: bool) -> None:
        until = self._now() + seconds
        while self._now() < until:
            await asyncio.sleep(min(LOOK_SECONDS, max(0.0, until - self._now())))
            with suppress(OSError):
                if self._stamps() != stamps or (wakeful and self._spool.segments()[-1:] > newest):
                    return

    def _stamps(self) -> tuple[int, ...]:
        """Change when hq.json or the box's certificate does, or a person asks to try `now`: each may end a wait."""
        root = self._spool.root
        return self._spool.hq_stamp(), _stamp(root / "tls" / "courier.pem"), _stamp(root / NOW)

    def _asked_now(self) -> bool:
        """Whether a person has asked to try now since the last look: then a call is due."""
        before, self._now_stamp = self._now_stamp, _stamp(self._spool.root / NOW)
        return self._now_stamp != before


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _version() -> str:
    try:
        return version("hearth")
    except PackageNotFoundError:
        return ""
