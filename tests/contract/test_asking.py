"""Envelopes that HQ signed for and then lost: the box is asked, sends them again, and the log is whole."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from appliance.outbox import actions, rows
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import frames, keys, receipt, suite
from sync.__main__ import main
from sync.checkpoint import EMPTY, extend_all
from sync.hq import asking
from sync.hq.objects import LocalObjects
from sync.hq.verifying import Finding, Report, Verifier
from sync.keys import HqFacts
from sync.spool import Spool
from tests.contract.test_hq_stream import ask
from tests.contract.test_set_back import Box
from tests.fakes.parties import AT, SealingBox, enrol, enrolled_box, make_hq, objects, running_hq
from tests.fakes.pinning import enrol_here
from tests.fakes.streaming import streaming
from tests.fakes.waiting import until

COUNT = 9


@pytest.fixture
async def hq(tmp_path: Path) -> AsyncIterator[HqFacts]:
    make_hq(tmp_path / "hq")
    async with running_hq(tmp_path / "hq") as facts:
        yield facts


async def a_box(tmp_path: Path, hq: HqFacts) -> Box:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    spool = Spool(tmp_path / "spool")
    spool.prepare("in")
    enrol(tmp_path / "hq", keys.box_from_json(json.dumps(await db.write(actions.box_public)).encode()))
    await enrol_here(db, spool, hq)
    return Box(db, spool, tmp_path / "hq")


async def fill(box: Box, count: int) -> None:
    """Records that each take an envelope."""
    for _ in range(count):
        body = json.dumps({"session": os.urandom(30_000).hex()}).encode()
        await box.db.write(partial(rows.add, record_class="session_ended", body=body, at=AT))


def lose(folder: Path, numbers: Sequence[int]) -> list[Path]:
    lost = [path for path in objects(folder) if int(path.name) in numbers]
    for path in lost:
        path.unlink()
    return lost


async def verified(folder: Path) -> tuple[list[tuple[str, int, int]], int]:
    """(what is wrong, how long the log is without a hole)."""
    found = [one async for one in Verifier(folder).all()]
    wrong = [(one.code, one.first, one.last) for one in found if isinstance(one, Finding) and one.wrong]
    (whole,) = [one.tree.size for one in found if isinstance(one, Report)]
    return wrong, whole


async def test_what_hq_lost_in_the_middle_comes_back_from_the_box(tmp_path: Path, hq: HqFacts) -> None:
    box, folder = await a_box(tmp_path, hq), tmp_path / "hq"
    await fill(box, COUNT)
    await box.settle()
    before = [path.read_bytes() for path in objects(folder)]
    assert len(before) == COUNT
    missing = lose(folder, range(3, 6))
    wrong, whole = await verified(folder)
    assert (wrong[0], whole) == (("hole", 3, 5), 2)
    assert await tell(folder, box) == 0
    await fill(box, 1)  # a courier that has nothing to say is asked too, at its next call; this does not wait for that
    async with box.running() as forwarder:
        await until(lambda: all(path.exists() for path in missing), seconds=20)
        await until(lambda: forwarder.state().state == "up_to_date", seconds=20)
        await until(lambda: len(objects(folder)) == COUNT + 1)
    assert [path.read_bytes() for path in objects(folder)][:COUNT] == before
    assert await verified(folder) == ([], COUNT + 1)
    reached = extend_all(EMPTY, [suite.digest(path.read_bytes()) for path in objects(folder)])
    newest = receipt.parse(box.spool.receipt(box.spool.receipts()[-1]) or b"")
    assert (newest.size, newest.checkpoint) == (COUNT + 1, reached)
    await box.db.close()


async def tell(folder: Path, box: Box) -> int:
    public = await box.db.write(actions.box_public)
    name = keys.box_from_json(json.dumps(public).encode()).box.hex()
    return await asyncio.to_thread(main, ["hq", "ask", str(folder), name])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_hq(tmp_path / "other")
    return tmp_path / "other"


@pytest.fixture
def sealing(folder: Path) -> SealingBox:
    return enrolled_box(folder)


async def test_a_box_that_has_it_no_more_is_asked_a_few_times_and_then_goes_on(
    folder: Path, sealing: SealingBox
) -> None:
    store = LocalObjects(folder / "objects")
    for _ in range(5):
        sealing.seal()
    async with running_hq(folder) as hq:
        async with streaming(hq, sealing.facts.box) as line:
            line.send(sealing.sealed[:4])
            got = await line.receipts(4)
        lose(folder, [2])
        asked = await asking.look(folder, store, sealing.facts)
        assert asked is not None
        await store.replace(asking.path(sealing.facts.box), asking.encode(asked))
        for _ in range(asking.TRIES):
            async with streaming(hq, sealing.facts.box, handed=got[-1]) as line:
                told = await line.refusal()
            assert (told["code"], told["next_wanted"]) == ("gap", 2)
        async with streaming(hq, sealing.facts.box, handed=got[-1]) as line:
            line.send(sealing.sealed[4:])
            assert receipt.parse((await line.receipts(1))[0]).size == 5


@pytest.mark.parametrize("rotten", [False, True], ids=["gone", "rotten"])
async def test_hq_need_not_walk_the_whole_log_for_what_comes_again(
    folder: Path, sealing: SealingBox, rotten: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalObjects(folder / "objects")
    for _ in range(6):
        sealing.seal()
    async with running_hq(folder) as hq:
        async with streaming(hq, sealing.facts.box) as line:
            line.send(sealing.sealed)
            got = await line.receipts(6)
        (lost,) = lose(folder, [5])
        if rotten:
            lost.write_bytes(sealing.sealed[4][:-1] + b"?")
        asked = await asking.look(folder, store, sealing.facts)
        assert asked is not None and (asked.first, asked.last) == (5, 5)
        await store.replace(asking.path(sealing.facts.box), asking.encode(asked))
        monkeypatch.setattr("sync.hq.ingest.WALK_LIMIT", 1)
        async with streaming(hq, sealing.facts.box, handed=got[-1]) as line:
            assert (await line.refusal())["next_wanted"] == 5
        async with streaming(hq, sealing.facts.box) as line:
            line.send(sealing.sealed[4:])
            assert [receipt.parse(raw).size for raw in await line.receipts(2)] == [5, 6]
    assert lost.read_bytes() == sealing.sealed[4]
    assert len(list((folder / "objects" / "torn").rglob("*-*"))) == rotten


async def test_no_head_is_signed_below_a_hole_and_the_hint_never_goes_back(folder: Path, sealing: SealingBox) -> None:
    """A restored box would take up its log at that head, beside what is behind the hole."""
    for _ in range(4):
        sealing.seal()
    hint = folder / "objects" / "heads" / sealing.facts.box.hex()
    async with running_hq(folder) as hq:
        async with streaming(hq, sealing.facts.box) as line:
            line.send(sealing.sealed)
            await line.receipts(4)
        await until(lambda: hint.exists() and receipt.parse(hint.read_bytes()).size == 4)
        async with streaming(hq, sealing.facts.box) as line:
            line.send(sealing.sealed[:1])
            await line.receipts(1)
            line.say(frames.BEAT)
        assert receipt.parse(hint.read_bytes()).size == 4
        hint.unlink()
        lose(folder, [2])
        status, body = await ask(hq, f"/v1/boxes/{sealing.facts.box.hex()}/head", sealing.facts.box)
        assert (status, json.loads(body)["code"]) == (500, "receipt_store_differs")
