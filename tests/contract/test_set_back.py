"""A box whose store is older than it was, or a copied one: noticed, told, and with a way out."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from appliance.copies import rows as copies
from appliance.copies.rows import Restoration
from appliance.faults import Fault
from appliance.outbox import actions, rows
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.lives import rows as log
from appliance.outbox.lives.rows import Life
from appliance.policy import BOX, Actor, Facts, decide
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import keys
from sync.__main__ import hold
from sync.courier.run import Courier
from sync.faults import SyncFault
from sync.hq import opening as hq_open
from sync.hq.walking import Trouble
from sync.keys import HqFacts
from sync.spool import CourierStatus, Spool
from tests.fakes.parties import AT, enrol, make_hq, objects, running_hq
from tests.fakes.pinning import enrol_here
from tests.fakes.waiting import at_work, until

KEY = StoreKey(os.urandom(32))
WHY = "restored from Tuesday's backup"
RUTH = Actor("ruth", "administrator", "console")


@dataclass
class Box:
    """One box with its store, spool and courier; `bodies` are the records that its store ever confirmed."""

    db: Database
    spool: Spool
    hq: Path
    bodies: list[bytes] = field(default_factory=list)

    async def add(self, count: int = 1) -> None:
        for _ in range(count):
            body = json.dumps({"session": os.urandom(8).hex()}).encode()
            await self.db.write(partial(rows.add, record_class="session_ended", body=body, at=AT))
            self.bodies.append(body)

    @asynccontextmanager
    async def running(self, *, courier: bool = True) -> AsyncIterator[Forwarder]:
        forwarder = Forwarder(self.db, self.spool.root, lambda: None)
        if not courier:
            async with at_work(forwarder.run()):
                yield forwarder
            return
        lock = await hold(self.spool)
        assert lock is not None
        try:
            async with at_work(forwarder.run()), at_work(Courier(self.spool, jitter=lambda: 0.0).run()):
                yield forwarder
        finally:
            os.close(lock)

    async def settle(self) -> None:
        async with self.running() as forwarder:
            await until(lambda: forwarder.state().state == "up_to_date", seconds=20)

    async def unlock(self) -> None:
        """As the appliance does it."""
        self.db = await Database.open(self.spool.root.parent / "store", KEY)
        await self.db.write(log.skip_numbers)

    async def back_up(self) -> Path:
        """The store as it is, copied aside."""
        await self.db.close()
        aside = self.spool.root.parent / "copy"
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(self.spool.root.parent / "store", aside)
        await self.unlock()
        return aside

    async def restore(self, copy: Path, bodies: list[bytes], *, marked: bool) -> None:
        """That copy in place of the store; `marked` as `hearth restore` leaves it, else as an image of the card."""
        await self.db.close()
        store = self.spool.root.parent / "store"
        shutil.rmtree(store)
        for witness in self.spool.root.parent.glob("store*"):
            witness.unlink()
        shutil.copytree(copy, store)
        shutil.rmtree(self.spool.root / "in" if marked else self.spool.root / "out")  # another machine, or its card
        self.spool.prepare("out")
        await self.unlock()
        self.bodies = list(bodies)
        if marked:
            permit = decide(BOX, "restore", Facts(thing="copy"))
            await self.db.write(lambda tx: copies.restored(tx, permit, Restoration(AT, "copy", AT)))

    def opened(self) -> list[hq_open.Opened]:
        return [one for one in hq_open.open_all(self.hq) if isinstance(one, hq_open.Opened)]

    def all_is_at_hq(self) -> None:
        """Every record that the store ever confirmed is there, and no number belongs to two different ones."""
        found = {(one.record.number, one.record.body) for one in self.opened()}
        assert not Counter(self.bodies) - Counter(body for _, body in found)
        assert len({number for number, _ in found}) == len(found)
        assert len({body for _, body in found}) == len(found)
        assert len([one for one in hq_open.open_all(self.hq) if isinstance(one, Trouble)]) == 0


@pytest.fixture
async def hq(tmp_path: Path) -> AsyncIterator[HqFacts]:
    make_hq(tmp_path / "hq")
    async with running_hq(tmp_path / "hq") as facts:
        yield facts


@pytest.fixture
async def life(tmp_path: Path, hq: HqFacts) -> AsyncIterator[Box]:
    db = await Database.create(tmp_path / "store", KEY)
    spool = Spool(tmp_path / "spool")
    spool.prepare("in")
    enrol(tmp_path / "hq", keys.box_from_json(json.dumps(await db.write(actions.box_public)).encode()))
    await enrol_here(db, spool, hq)
    made = Box(db, spool, tmp_path / "hq")
    yield made
    await made.db.close()


@pytest.mark.parametrize("marked", [True, False], ids=["by hearth restore", "by an image of the card"])
async def test_a_box_that_was_set_back_is_told_and_goes_on_after_hqs_head_once_a_person_says_so(
    life: Box, marked: bool
) -> None:
    await life.add(2)
    await life.settle()
    await life.add(1)  # in the backup, not sent yet
    copy, bodies = await life.back_up(), list(life.bodies)
    for _ in range(2):
        await life.add(1)
        await life.settle()
    lost, at_hq = set(life.bodies) - set(bodies), len(objects(life.hq))
    await life.restore(copy, bodies, marked=marked)
    await life.add(2)
    async with life.running() as forwarder:
        await until(lambda: forwarder.state().trouble == "set_back", seconds=20)
        assert forwarder.state().queued and forwarder.state().trouble_since
        noted = await life.db.read(lambda tx: tx.all("SELECT role FROM audit WHERE action = 'doubt_log'"))
        assert [row["role"] for row in noted] == ["box"]
        await life.add(1)
        assert len(objects(life.hq)) == at_hq
        adopted = await forwarder.adopt(RUTH, WHY)
        assert (adopted.size, adopted.life, adopted.actor, adopted.reason) == (at_hq, 1, "ruth", WHY)
        await until(lambda: forwarder.state().state == "up_to_date", seconds=20)
        assert forwarder.state().trouble == "" and forwarder.state().fault == ""
    life.all_is_at_hq()
    assert lost <= {one.record.body for one in life.opened()}
    told = [json.loads(one.record.body) for one in life.opened() if one.record.record_class == "log_adopted"]
    assert [one["size"] for one in told] == [at_hq]
    assert [one.life for one in await life.db.read(log.lives)] == [1]


async def test_a_restored_box_makes_no_fork_where_there_is_a_line(life: Box, caplog: pytest.LogCaptureFixture) -> None:
    await life.add(1)
    await life.settle()
    copy, bodies = await life.back_up(), list(life.bodies)
    await life.add(1)
    await life.settle()
    await life.restore(copy, bodies, marked=True)
    await life.add(1)
    async with life.running() as forwarder:
        await until(lambda: forwarder.state().trouble == "set_back", seconds=20)
    assert "fork" not in caplog.text


async def test_a_restored_box_that_lost_nothing_goes_on_by_itself(life: Box) -> None:
    await life.add(2)
    await life.settle()
    await life.restore(await life.back_up(), life.bodies, marked=True)
    await life.add(1)
    async with life.running() as forwarder:
        await until(lambda: forwarder.state().state == "up_to_date", seconds=20)
    assert forwarder.state().trouble == "" and await life.db.read(log.lives) == []
    life.all_is_at_hq()


async def test_a_restored_box_without_a_line_seals_nothing_until_an_administrator_says_go_on(life: Box) -> None:
    await life.add(1)
    await life.settle()
    await life.restore(await life.back_up(), life.bodies, marked=True)
    await life.add(1)
    async with life.running(courier=False) as forwarder:
        await until(lambda: forwarder.state().trouble == "restored")
        with pytest.raises(SyncFault, match="restored"):
            await forwarder.seal_all()
        assert (await life.db.read(rows.standing)).waiting == 1
        await forwarder.adopt(RUTH, WHY)
        await until(lambda: life.spool.segments() == [2, 3])
        await until(lambda: forwarder.state().trouble == "")
    await life.settle()
    life.all_is_at_hq()


async def test_the_head_on_a_stick_is_an_answer_too(life: Box) -> None:
    await life.add(1)
    await life.settle()
    copy, bodies = await life.back_up(), list(life.bodies)
    await life.add(1)
    await life.settle()
    head = await life.db.read(rows.last_receipt)
    await life.restore(copy, bodies, marked=True)
    async with life.running(courier=False) as forwarder:
        await until(lambda: forwarder.state().trouble == "restored")
        assert head is not None
        assert await forwarder.take_head(head) == "set_back"
        await until(lambda: forwarder.state().trouble == "set_back")


async def test_only_an_administrator_lets_the_log_go_on_and_says_why(life: Box) -> None:
    await life.restore(await life.back_up(), life.bodies, marked=True)
    for role in ("operator", "facilitator", "clinical_lead", "billing", "auditor"):
        with pytest.raises(Fault, match="refused"):
            await life.db.write(lambda tx, role=role: actions.adopt(tx, Actor("p", role, "console"), WHY, AT))  # type: ignore[misc]
    with pytest.raises(Fault, match="bad_request"):
        await life.db.write(lambda tx: actions.adopt(tx, RUTH, "why not", AT))
    await life.db.write(lambda tx: actions.adopt(tx, RUTH, WHY, AT))
    with pytest.raises(Fault, match="wrong_state"):
        await life.db.write(lambda tx: actions.adopt(tx, RUTH, WHY, AT))
    found = await life.db.read(lambda tx: tx.all("SELECT actor FROM audit WHERE action = 'adopt_log'"))
    assert [row["actor"] for row in found] == ["ruth"]
    assert isinstance((await life.db.read(log.lives))[0], Life)


async def test_what_hq_lost_goes_again_while_its_bytes_are_here(life: Box) -> None:
    for _ in range(3):
        await life.add(1)
        await life.settle()
    async with life.running(courier=False) as forwarder:
        life.spool.put_status(CourierStatus(fault="gap", next_wanted=2))
        await until(lambda: life.spool.segments() == [2, 3])
        assert forwarder.state().missing == ()
        life.spool.put_status(CourierStatus())
        await until(lambda: life.spool.segments() == [])


async def test_what_hq_lost_and_nobody_has_is_named(life: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "KEEP_SEGMENTS", 1)
    for _ in range(3):
        await life.add(1)
        await life.settle()
    async with life.running(courier=False) as forwarder:
        life.spool.put_status(CourierStatus(fault="gap", next_wanted=1))
        await until(lambda: forwarder.state().missing == (1, 2))
        assert forwarder.state().fault == "gap"


async def test_hq_has_again_what_its_store_lost(life: Box) -> None:
    for _ in range(3):
        await life.add(1)
        await life.settle()
    for lost in objects(life.hq)[1:]:
        lost.unlink()
    await life.add(1)
    await life.settle()
    assert len(objects(life.hq)) == 4
    life.all_is_at_hq()
