"""A metered line from the outbox to HQ: what is urgent goes through held hours, with what it stands on and no more."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.outbox import actions, rows
from appliance.outbox.forwarder import URGENT_AHEAD, Forwarder
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import keys, outbox
from sync.__main__ import hold
from sync.courier.purse import Purse
from sync.courier.run import Courier
from sync.limits import Limits, Wall
from sync.spool import Spool
from tests.fakes.parties import AT, enrol, make_hq, objects, running_hq, until_receipted
from tests.fakes.pinning import enrol_here
from tests.fakes.waiting import at_work, there, until

NIGHT = Limits(hours="22:00-06:00")
SEALED = outbox.SEAL_AHEAD


@dataclass
class Clinic:
    db: Database
    spool: Spool
    hq: Path
    wall: Wall

    async def add(self, record_class: str, count: int = 1) -> None:
        for _ in range(count):
            await self.db.write(lambda tx: rows.add(tx, record_class, b"{}", AT))

    @asynccontextmanager
    async def at_work(self, limits: Limits) -> AsyncIterator[Forwarder]:
        running = Forwarder(self.db, self.spool.root, lambda: None, limits=limits)
        courier = Courier(self.spool, jitter=lambda: 0.0, purse=Purse(self.spool.root, wall=lambda: self.wall))
        async with at_work(running.run()):
            await until((self.spool.root / "limits.json").exists)
            lock = await hold(self.spool)
            try:
                async with at_work(courier.run()):
                    yield running
            finally:
                os.close(there(lock))


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    spool = Spool(tmp_path / "spool")
    spool.prepare("in")
    make_hq(tmp_path / "hq")
    enrol(tmp_path / "hq", keys.box_from_json(json.dumps(await db.write(actions.box_public)).encode()))
    yield Clinic(db, spool, tmp_path / "hq", Wall("2026-01-02", 720))
    await db.close()


async def full(clinic: Clinic, running: Forwarder) -> None:
    """As many segments as are ever sealed ahead, one record in each, and some more records."""
    for number in range(1, SEALED + 1):
        await clinic.add("session_ended")
        running.wake()
        await until(lambda wanted=number: len(clinic.spool.segments()) == wanted)  # type: ignore[misc]
    await clinic.add("session_ended", 3)


async def test_an_urgent_record_goes_outside_the_hours_though_all_that_is_sealed_ahead_waits_for_them(
    clinic: Clinic,
) -> None:
    async with running_hq(clinic.hq) as facts, clinic.at_work(NIGHT) as running:
        await enrol_here(clinic.db, clinic.spool, facts)
        await full(clinic, running)
        await until(lambda: clinic.spool.status().state == "hours")
        assert objects(clinic.hq) == []
        await clinic.add("pack_refused")
        running.wake()
        await until_receipted(clinic.spool, SEALED + 1)
        await until(lambda: running.state().queued == 3)
        await until(lambda: clinic.spool.status().state == "hours")
    assert len(objects(clinic.hq)) == SEALED + 1


async def test_urgent_records_that_may_not_pass_either_do_not_make_it_seal_without_end(clinic: Clinic) -> None:
    strict = Limits(hours="22:00-06:00", urgent_always=False)
    async with running_hq(clinic.hq) as facts, clinic.at_work(strict) as running:
        await enrol_here(clinic.db, clinic.spool, facts)
        await full(clinic, running)
        for _ in range(URGENT_AHEAD + 3):
            before = running.state().queued
            await clinic.add("pack_refused")
            running.wake()
            await until(lambda was=before: running.state().queued > was)  # type: ignore[misc]
        assert len(clinic.spool.segments()) == SEALED + URGENT_AHEAD
    assert objects(clinic.hq) == []


async def test_of_many_urgent_envelopes_the_newest_are_told(clinic: Clinic) -> None:
    async with clinic.at_work(NIGHT) as running:
        many = rows.Standing(urgent=tuple(range(1, 20_000)))
        await running._hand_words(many)
        assert clinic.spool.urgent()[-1] == 19_999


async def test_an_envelope_that_was_damaged_in_the_spool_is_put_there_again(clinic: Clinic) -> None:
    async with running_hq(clinic.hq) as facts, clinic.at_work(NIGHT) as running:
        await enrol_here(clinic.db, clinic.spool, facts)
        await clinic.add("session_ended")
        running.wake()
        await until(lambda: clinic.spool.status().state == "hours")
        (segment,) = (clinic.spool.root / "out").iterdir()
        segment.write_bytes(b"HSEG" + bytes(900))
        await until(lambda: len(segment.read_bytes()) > 904)
        clinic.spool.put_urgent([1])
        await until_receipted(clinic.spool, 1)
