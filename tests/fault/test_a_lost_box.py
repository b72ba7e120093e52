"""A box is lost for good; HQ gives all of it back to the one in its place, by line and by stick, each record once."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from appliance.home import Home
from appliance.outbox import rows
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.pinned import box_facts
from appliance.packs.actions import Applier
from appliance.policy import BOX
from appliance.returned import rows as returned
from appliance.sticks.actions import Sticks, Way
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey
from sync.__main__ import hold
from sync.courier.run import Courier
from sync.hq import folder as hq_folder
from sync.hq import stick as hq_stick
from sync.hq.by_stick import Desk
from sync.hq.cards import Card
from sync.hq.opening import Opened, open_all
from sync.hq.reseal import Giver, Run, Told
from sync.keys import HqFacts
from sync.spool import Spool
from sync.stick import Stick
from tests.fakes.parties import AT, enrol, make_hq, running_hq
from tests.fakes.pinning import enrol_here
from tests.fakes.waiting import at_work, until

RUN = Run(at=AT, by="ada", reason="burnt with the clinic")
CLASSES = ("session_ended", "audit_checkpoint", "notes_recovery_share")
Wanted = list[tuple[int, str, str, bytes]]
Carriage = Literal["line", "stick"]


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


@pytest.mark.parametrize("carriage", ["line", "stick"])
async def test_a_lost_box_s_records_come_back_byte_for_byte_and_once(tmp_path: Path, carriage: Carriage) -> None:
    hq, stick = tmp_path / "hq", tmp_path / "stick"
    make_hq(hq)
    stick.mkdir()
    async with running_hq(hq) as facts:
        lost, wanted = await _live_and_be_lost(tmp_path / "lost", facts, hq)
        async with living_box(tmp_path / "new", facts, hq) as new:
            card = await hq_folder.cards(hq).get(lost)
            assert card is not None
            await hq_folder.cards(hq).put(Card(card.facts, revoked=AT, reason="burnt", replaced_by=new.id))
            told = await _give(hq, lost, new.id)
            assert (told.records, told.troubles) == (len(wanted), [])
            await _fetch(new, hq, stick, carriage, told.packs)
            assert await new.came_back() == sorted(wanted)

            assert (await _give(hq, lost, new.id)).records == 0
            shutil.rmtree(hq / "objects" / "returned")  # HQ forgot that it had given: then it gives all of it again
            again = await _give(hq, lost, new.id)
            await _fetch(new, hq, stick, carriage, told.packs + again.packs)
            assert again.records == len(wanted) and await new.came_back() == sorted(wanted)
    assert _answers(hq) == told.packs + (again.packs if carriage == "line" else 0)  # a stick's go with the next one


async def _live_and_be_lost(folder: Path, facts: HqFacts, hq: Path) -> tuple[bytes, Wanted]:
    """A box that sends records of several classes, in two lives of its log; then there is nothing left of it."""
    async with living_box(folder, facts, hq) as box:
        await box.db.write(lambda tx: _add(tx, 60))
        first = await box.records()
        async with box.on_the_line():
            await until(lambda: box.forwarder.state().state == "up_to_date")
            await box.db.write(lambda tx: tx.execute("UPDATE sqlite_sequence SET seq = 1 << 40 WHERE name = 'outbox'"))
            await box.db.write(lambda tx: _add(tx, 30))
            second = [one for one in await box.records() if one[0] > 1 << 40]
            box.forwarder.wake()
            await until(lambda: box.forwarder.state().queued == 30)
            await until(lambda: box.forwarder.state().state == "up_to_date")
    shutil.rmtree(folder)
    assert len(first + second) == 90
    return box.id, first + second


def _add(tx: Transaction, count: int) -> None:
    for number in range(count):
        rows.add(
            tx, CLASSES[number % 3], b'{"made": "up", "of": "%s"}' % os.urandom(20 + 17 * number).hex().encode(), AT
        )


async def _give(hq: Path, lost: bytes, to: bytes) -> Told:
    return await Giver(hq, lambda: datetime.now(UTC)).give(lost, to, RUN)


def _answers(hq: Path) -> int:
    """How many packs HQ has heard to be applied."""
    found = (one for one in open_all(hq) if isinstance(one, Opened))
    return sum(one.record.record_class == "pack_applied" for one in found)


async def _fetch(new: LivingBox, hq: Path, stick: Path, carriage: Carriage, packs: int) -> None:
    """Until the box has applied that many packs."""
    if carriage == "line":
        await new.db.write(
            lambda tx: rows.add(tx, "session_ended", b"{}", AT)
        )  # something to say, so HQ tells of packs
        async with new.on_the_line():
            await until(lambda: new.applier.told().applied == packs)
            await until(lambda: _answers(hq) == packs)
        return
    await new.applier.look()
    await new.carry("export", stick)
    desk = Desk(hq)
    assert [one.refused async for one in hq_stick.import_all(desk, Stick(stick))] == [[]]
    await hq_stick.export(desk, Stick(stick), new.id)
    await new.carry("import", stick)
    await new.applier.look()
    assert new.applier.told().applied == packs
