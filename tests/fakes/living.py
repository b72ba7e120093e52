"""A box on a real store with everything that carries: forwarder, courier, applier, sticks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.home import Home
from appliance.outbox import forwarder as forwarder_module
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.pinned import box_facts
from appliance.packs import actions as packs_actions
from appliance.packs.actions import Applier
from appliance.policy import BOX
from appliance.returned import rows as returned
from appliance.sticks.actions import Sticks, Way
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey
from sync.__main__ import hold
from sync.courier import errands, run
from sync.courier.run import Courier
from sync.keys import HqFacts
from sync.spool import Spool
from tests.fakes.parties import enrol
from tests.fakes.pinning import enrol_here
from tests.fakes.waiting import at_work

Wanted = list[tuple[int, str, str, bytes]]


def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the next look is most of what a test with all the parts costs."""
    for module in (packs_actions, forwarder_module, run, errands):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)


@dataclass
class LivingBox:
    """A box on a real store, with everything that carries: forwarder, courier, applier, sticks."""

    home: Home
    db: Database
    id: bytes
    applier: Applier
    sticks: Sticks
    forwarder: Forwarder

    async def records(self) -> Wanted:
        def read(tx: Transaction) -> Wanted:
            found = tx.all("SELECT number, record_class, at, body FROM outbox ORDER BY number")
            return [(row["number"], row["record_class"], row["at"], row["body"]) for row in found]

        return await self.db.read(read)

    async def came_back(self) -> Wanted:
        found, place, some = [], returned.START, 1
        while some:
            more, place = await self.db.read(lambda tx, at=place: returned.after(tx, at, 500))  # type: ignore[misc]
            found += [(one.number, one.record_class, one.at, one.body) for one in more]
            some = len(more)
        return sorted(found)

    async def carry(self, way: Way, stick: Path) -> None:
        await self.sticks.begin(BOX, way, stick)
        await self.sticks.finished()
        assert self.sticks.told().fault == ""

    @asynccontextmanager
    async def on_the_line(self) -> AsyncIterator[None]:
        lock = await hold(Spool(self.home.spool))
        assert lock is not None
        try:
            async with AsyncExitStack() as works:
                for work in (self.forwarder.run(), self.applier.run()):
                    await works.enter_async_context(at_work(work))
                await works.enter_async_context(at_work(Courier(Spool(self.home.spool), jitter=lambda: 0.0).run()))
                yield
        finally:
            os.close(lock)


@asynccontextmanager
async def living_box(folder: Path, facts: HqFacts, hq: Path) -> AsyncIterator[LivingBox]:
    home = Home(folder)
    home.make()
    Spool(home.spool).prepare("in")
    db = await Database.create(home.store, StoreKey(os.urandom(32)))
    own = await db.write(box_facts)
    enrol(hq, own)
    await enrol_here(db, Spool(home.spool), facts)
    forwarder = Forwarder(db, home.spool, lambda: None)
    sticks = Sticks(home, db, forwarder, lambda: None)
    try:
        yield LivingBox(home, db, own.box, Applier(db, home.spool, sent=forwarder.wake), sticks, forwarder)
    finally:
        await db.close()
