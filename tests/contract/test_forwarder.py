"""From the outbox to HQ and back, with the real store, the real courier and a real HQ."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance import clock
from appliance.outbox import actions, rows
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.rows import Standing
from appliance.outbox.telling import Seen, SyncFacts, facts_of
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import keys, suite
from sync.__main__ import hold
from sync.courier.run import Courier
from sync.hq import folder as hq_folder
from sync.hq import opening as hq_open
from sync.spool import CourierStatus, Spool
from tests.fakes.parties import AT, enrol, make_hq, objects, running_hq
from tests.fakes.pinning import enrol_here
from tests.fakes.waiting import at_work, until


@dataclass
class Party:
    """A box with its spool and the HQ that knows it."""

    db: Database
    spool: Spool
    hq: Path
    told: list[SyncFacts]

    async def add(self, count: int = 1) -> None:
        for _ in range(count):
            await self.db.write(lambda tx: rows.add(tx, "session_ended", b'{"session":"4f"}', AT))

    def opened(self) -> list[int]:
        found = hq_open.open_all(self.hq)
        return [one.record.number for one in found if isinstance(one, hq_open.Opened)]

    @asynccontextmanager
    async def forwarding(self) -> AsyncIterator[Forwarder]:
        running = Forwarder(self.db, self.spool.root, lambda: self.told.append(running.state()))
        async with at_work(running.run()):
            yield running

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        lock = await hold(self.spool)
        assert lock is not None
        try:
            async with at_work(Courier(self.spool, jitter=lambda: 0.0).run()):
                yield
        finally:
            os.close(lock)


async def until_it_holds(running: Forwarder, count: int) -> None:
    await until(lambda: running.state().queued == count)


@pytest.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    spool = Spool(tmp_path / "spool")
    spool.prepare("in")
    make_hq(tmp_path / "hq")
    enrol(tmp_path / "hq", keys.box_from_json(json.dumps(await db.write(actions.box_public)).encode()))
    yield Party(db, spool, tmp_path / "hq", [])
    await db.close()


async def test_a_record_is_opened_at_hq_and_settled_on_the_box(party: Party) -> None:
    await party.add()
    async with running_hq(party.hq) as facts, party.forwarding() as running, party.carrying():
        await until(lambda: running.state().queued == 1)
        assert running.state().state == "not_enrolled"
        await enrol_here(party.db, party.spool, facts)
        await until(lambda: running.state().state == "up_to_date")
        await until(lambda: party.spool.segments() == [])
    assert party.opened() == [1]
    assert running.state().last_receipt_at and running.state().fault == ""


async def test_an_old_receipt_under_a_high_number_does_not_hide_those_that_come(party: Party) -> None:
    """A courier that was taken over, and mended since, leaves the box no word that stands in the way for ever."""
    await party.add()
    async with running_hq(party.hq) as facts, party.forwarding() as running, party.carrying():
        await enrol_here(party.db, party.spool, facts)
        await until(lambda: running.state().state == "up_to_date" and party.spool.receipts() == [1])
        party.spool.put_receipt(10**15, party.spool.receipt(1) or b"")
        await party.add()
        running.wake()
        await until(lambda: running.state().state == "up_to_date" and party.spool.receipts() == [2])


async def test_a_pipe_for_a_receipt_does_not_stop_the_box(party: Party) -> None:
    await party.add()
    async with running_hq(party.hq) as facts, party.forwarding() as running, party.carrying():
        os.mkfifo(party.spool.root / "in" / f"{10**15:016d}.receipt")
        await enrol_here(party.db, party.spool, facts)
        await until(lambda: running.state().state == "up_to_date")


async def test_with_hq_down_the_queue_grows_and_says_so_and_drains_by_itself(party: Party) -> None:
    async with running_hq(party.hq) as facts:
        port = int(facts.url.rsplit(":", 1)[1])
    await enrol_here(party.db, party.spool, facts)
    async with party.forwarding() as running, party.carrying():
        for count in (1, 2, 3):
            await party.add()
            running.wake()
            await until_it_holds(running, count)
        await until(lambda: running.state().fault == "hq_unreachable")
        assert running.state().state == "hq_unreachable" and running.state().last_attempt_at
        assert running.state().unreachable_since
        async with running_hq(party.hq, port):
            await until(lambda: running.state().state == "up_to_date")
    assert party.opened() == [1, 2, 3]
    assert running.state().unreachable_since == ""
    assert party.told[-1] == running.state()


async def test_what_is_sealed_bears_the_boxs_own_time_and_not_the_machines(party: Party) -> None:
    """Staff set the box's clock where the machine's cannot be believed; HQ's records go by it too."""
    clock.follow(clock.parse("2036-05-06T07:08:09Z").timestamp())
    try:
        await party.add()
        async with running_hq(party.hq) as facts, party.forwarding() as running, party.carrying():
            await enrol_here(party.db, party.spool, facts)
            await until(lambda: running.state().state == "up_to_date")
            assert running.state().last_receipt_at.startswith("2036-05-06T07:08")
        row = await party.db.read(lambda tx: tx.one("SELECT sealed_at FROM segments"))
        assert row is not None
        assert row["sealed_at"].startswith("2036-05-06T07:08")
    finally:
        clock.let_go()


async def test_a_long_queue_goes_through_the_window(party: Party) -> None:
    await party.add(700)
    async with running_hq(party.hq) as facts, party.forwarding() as running, party.carrying():
        await enrol_here(party.db, party.spool, facts)
        await until(lambda: running.state().state == "up_to_date")
    assert party.opened() == list(range(1, 701))


async def test_a_spool_that_was_lost_is_filled_again(party: Party) -> None:
    async with running_hq(party.hq) as facts:
        await enrol_here(party.db, party.spool, facts)
        await party.add()
        async with party.forwarding() as running, party.carrying():
            await until(lambda: running.state().state == "up_to_date")
        await party.add()
        async with party.forwarding():
            await until(lambda: party.spool.segments() == [2])
        party.spool.drop_segment(2)
        party.spool.drop_receipt(1)
        async with party.forwarding() as running, party.carrying():
            await until(lambda: running.state().state == "up_to_date")
    assert party.opened() == [1, 2]


async def test_a_spool_that_was_damaged_is_mended_at_the_next_start(party: Party) -> None:
    await enrol_here(party.db, party.spool, hq_folder.public(party.hq))
    await party.add()
    async with party.forwarding():
        await until(lambda: party.spool.segments() == [1])
    good = party.spool.segment(1)
    party.spool.put_segment(1, b"damaged")
    async with party.forwarding():
        await until(lambda: party.spool.segment(1) == good)


async def test_bytes_that_are_no_receipt_are_thrown_away_and_told(party: Party) -> None:
    async with running_hq(party.hq) as facts, party.forwarding() as running:
        await enrol_here(party.db, party.spool, facts)
        await party.add()
        await until(lambda: party.spool.segments() == [1])
        party.spool.put_receipt(1, b"no receipt")
        await until(lambda: running.state().fault == "malformed_receipt")
        assert party.spool.receipts() == [] and running.state().queued == 1
        async with party.carrying():
            await until(lambda: running.state() and running.state().state == "up_to_date")
        assert running.state().fault == ""


async def test_what_another_life_left_in_the_spool_keeps_the_box_from_sealing_until_hq_was_heard(party: Party) -> None:
    await enrol_here(party.db, party.spool, hq_folder.public(party.hq))
    party.spool.prepare("out")
    party.spool.put_segment(7, b"sealed before the box was set back")
    await party.add()
    async with party.forwarding() as running:
        await until(lambda: running.state().trouble == "restored")
        await until(lambda: (party.spool.root / "ask" / "head.request").exists())
    assert party.spool.segments() == [7]
    assert (await party.db.read(rows.standing)).waiting == 1


async def test_without_a_courier_the_box_says_so(party: Party) -> None:
    await enrol_here(party.db, party.spool, hq_folder.public(party.hq))
    await party.add()
    async with party.forwarding() as running:
        await until(lambda: running.state().fault == "courier_away")
        async with party.carrying():
            await until(lambda: running.state().fault == "hq_unreachable")


async def test_nothing_in_spool_and_hq_is_readable_but_by_hq(party: Party) -> None:
    phrase = b"a phrase that nobody else may read"
    await party.db.write(lambda tx: rows.add(tx, "session_ended", phrase, AT))
    async with running_hq(party.hq) as facts:
        await enrol_here(party.db, party.spool, facts)
        async with party.forwarding() as running:
            await until(lambda: party.spool.segments() == [1])
            async with party.carrying():
                await until(lambda: running.state().state == "up_to_date")
    files = [path for root in (party.spool.root, party.hq) for path in root.rglob("*") if path.is_file()]
    assert len(objects(party.hq)) == 1
    for path in files:
        content = path.read_bytes()
        assert phrase not in content and b"session_ended" not in content
    seed = (await party.db.read(rows.identity)).signing_key
    assert seed.public != suite.SigningKey((party.hq / "keys" / "receipts.key").read_bytes()).public


@pytest.mark.parametrize(
    ("enrolled", "queued", "courier", "own", "state", "fault"),
    [
        (False, 3, "", "", "not_enrolled", ""),
        (True, 0, "", "", "up_to_date", ""),
        (True, 0, "hq_unreachable", "", "up_to_date", ""),
        (True, 1, "", "", "sending", ""),
        (True, 1, "hq_unreachable", "", "hq_unreachable", "hq_unreachable"),
        (True, 1, "wrong_certificate", "", "hq_unreachable", "wrong_certificate"),
        (True, 1, "courier_away", "", "hq_unreachable", "courier_away"),
        (True, 1, "fork", "", "sending", "fork"),
        (True, 1, "hq_unreachable", "set_back", "sending", "set_back"),
    ],
)
def test_the_state_says_what_stands_in_the_way(
    enrolled: bool, queued: int, courier: str, own: str, state: str, fault: str
) -> None:
    standing = Standing(queued=queued, waiting=queued)
    said = CourierStatus(fault=courier, last_attempt_at=AT)
    facts = facts_of(Seen(enrolled=enrolled, standing=standing, courier=said, at=AT, fault=own))
    assert (facts.state, facts.queued, facts.last_attempt_at, facts.fault) == (state, queued, AT, fault)
