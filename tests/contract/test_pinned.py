"""Who headquarters is stands in the store: nothing that lies in the courier's folder changes it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.faults import Fault
from appliance.outbox import actions, headquarters, pinned, rows
from appliance.outbox.forwarder import Forwarder
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import envelope, keys, receipt, suite
from sync.checkpoint import EMPTY, extend
from sync.keys import HqFacts
from sync.spool import Spool
from tests.fakes.pinning import pin_hq
from tests.fakes.waiting import at_work, until

AT = "2026-01-02T03:04:05Z"
RECEIPTS = suite.SigningKey(b"s" * 32)


def facts(record: bytes = b"r" * 32, **fields: object) -> HqFacts:
    known = HqFacts("https://127.0.0.1:8444", (suite.RecordKey(record).public,), (RECEIPTS.public,), (b"certificate",))
    return replace(known, **fields)  # type: ignore[arg-type]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    yield made
    await made.close()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.prepare("in")
    return made


async def test_records_are_sealed_to_the_pinned_key_whatever_the_courier_writes(db: Database, spool: Spool) -> None:
    await pin_hq(db, facts())
    strangers = facts(b"x" * 32, serial=9)
    spool.put_hq_json(keys.hq_to_json(strangers))
    await db.write(lambda tx: rows.add(tx, "session_ended", b"{}", AT))
    async with at_work(Forwarder(db, spool.root, lambda: None).run()):
        await until(lambda: spool.segments() == [1])
        assert spool.hq_facts() == facts()
        spool.put_hq_json(keys.hq_to_json(strangers))
        await until(lambda: spool.hq_facts() == facts())
    assert envelope.parse(spool.segment(1) or b"").key_id == facts().record_key_id
    assert await db.read(headquarters.record_key) == facts().record_key


async def test_a_box_that_pinned_nobody_believes_no_file(db: Database, spool: Spool) -> None:
    spool.put_hq_json(keys.hq_to_json(facts()))
    await db.write(lambda tx: rows.add(tx, "session_ended", b"{}", AT))
    running = Forwarder(db, spool.root, lambda: None)
    async with at_work(running.run()):
        await until(lambda: running.state().queued == 1)
    assert running.state().state == "not_enrolled" and spool.segments() == []


LIES: dict[str, dict[str, Any]] = {
    "its HQ": {},
    "another HQ": {"receipt_keys": (suite.SigningKey(b"x" * 32).public,)},
    "a key to seal to that HQ does not have": {"record_keys": (suite.RecordKey(b"x" * 32).public,)},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_older_box_pins_what_its_own_receipt_vouches_for(db: Database, spool: Spool, lie: str) -> None:
    await db.write(lambda tx: rows.add(tx, "session_ended", b"{}", AT))
    await db.write(lambda tx: actions.seal_next(tx, facts(), AT))
    raw = await db.read(lambda tx: rows.sealed_bytes(tx, 1)) or b""
    box, last = (await db.read(rows.identity)).box, suite.digest(raw)
    signed = receipt.issue(box, last, extend(EMPTY, last), 0, RECEIPTS)
    assert await db.write(lambda tx: actions.settle(tx, signed, facts(), AT))
    theirs = lie == "its HQ"
    found = replace(facts(pack_keys=(b"p" * 32,), serial=7), **LIES[lie])  # keys of packs are nobody's word
    spool.put_hq_json(keys.hq_to_json(found))
    running = Forwarder(db, spool.root, lambda: None)
    async with at_work(running.run()):
        await until(lambda: running.state().state == ("up_to_date" if theirs else "not_enrolled"))
        await until(lambda: running.state().last_receipt_at != "")
    assert await db.read(pinned.pinned) == (facts() if theirs else None)


async def test_older_facts_of_the_same_hq_are_refused(db: Database) -> None:
    permit = decide(BOX, "enrol_box", Facts())
    newer = facts(b"n" * 32, serial=5)
    await db.write(lambda tx: pinned.pin(tx, permit, newer, AT))
    await db.write(lambda tx: pinned.pin(tx, permit, newer, AT))  # told twice: nothing happens
    for serial in (4, 5):
        with pytest.raises(Fault, match="wrong_state"):
            await db.write(lambda tx, serial=serial: pinned.pin(tx, permit, facts(serial=serial), AT))  # type: ignore[misc]
    assert await db.read(pinned.pinned) == newer
    noted = await db.read(lambda tx: tx.all("SELECT action FROM audit WHERE action = 'enrol_box'"))
    assert len(noted) == 1


async def test_the_box_keeps_the_key_that_packs_are_sealed_to(db: Database) -> None:
    first = await db.write(pinned.box_facts)
    assert first.inbox_key == (await db.write(pinned.inbox)).public
    assert await db.write(pinned.box_facts) == first
