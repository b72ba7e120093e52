"""A box is lost for good; HQ gives all of it back to the one in its place, by line and by stick, each record once."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from appliance.outbox import rows
from appliance.store.database import Transaction
from sync.hq import folder as hq_folder
from sync.hq import stick as hq_stick
from sync.hq.by_stick import Desk
from sync.hq.cards import Card
from sync.hq.opening import Opened, open_all
from sync.hq.reseal import Giver, Run, Told
from sync.keys import HqFacts
from sync.stick import Stick
from tests.fakes.living import LivingBox, Wanted, living_box, look_often
from tests.fakes.parties import AT, make_hq, running_hq
from tests.fakes.waiting import until

RUN = Run(at=AT, by="ada", reason="burnt with the clinic")
CLASSES = ("session_ended", "audit_checkpoint", "notes_recovery_share")
Carriage = Literal["line", "stick"]


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    look_often(monkeypatch)


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
