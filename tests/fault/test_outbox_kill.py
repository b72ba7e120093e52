"""kill -9 at every step from the outbox to the settled receipt, on both sides: nothing is lost, doubled or stuck."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from appliance.outbox import actions, rows
from appliance.outbox.lives import rows as log
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import keys
from sync.hq import folder as hq_folder
from sync.hq import opening as hq_open
from sync.hq.walking import Trouble
from sync.keys import HqFacts
from sync.spool import Spool
from tests.fakes.parties import enrol, hand_over, make_hq, objects, running_hq
from tests.fault import hq_child, outbox_child

CHILD, HQ_CHILD = Path(outbox_child.__file__), Path(hq_child.__file__)
LIFE_SECONDS = 60
TWICE = ("after_seal_commit", "after_receipt_stored", "after_settle_commit")  # killed there in two lives on end


def some(*steps: str) -> tuple[str, ...]:
    """Every other step, and always the last; `make kill` takes all of them."""
    return steps if os.environ.get("HEARTH_EVERY_STEP") else (*steps[:-1:2], steps[-1])


@dataclass(frozen=True)
class Home:
    """A box's folder, and HQ's beside it."""

    root: Path
    key: bytes

    @property
    def hq(self) -> Path:
        return self.root / "hq"

    async def store(self) -> Database:
        return await Database.open(self.root / "store", StoreKey(self.key))

    async def live(self, step: str, add: int) -> int:
        """One life of the box; its exit code, negative for a signal."""
        arguments = (sys.executable, CHILD, step, self.key.hex(), self.root, str(add))
        child = await asyncio.create_subprocess_exec(*arguments)
        try:
            async with asyncio.timeout(LIFE_SECONDS):
                return await child.wait()
        finally:
            if child.returncode is None:
                child.kill()

    def tell(self, hq: HqFacts, box: bytes) -> None:
        """What enrolment leaves: HQ's keys for the child to pin, and the courier's certificate."""
        (self.root / "hq.json").write_bytes(keys.hq_to_json(hq))
        spool = Spool(self.root / "spool")
        spool.prepare("out")
        hand_over(spool, hq, box)
        (self.root / "spool" / "hq.json").unlink()

    def records(self) -> list[hq_open.Opened]:
        found = list(hq_open.open_all(self.hq))
        assert not [one for one in found if isinstance(one, Trouble)]
        return [one for one in found if isinstance(one, hq_open.Opened)]

    def said(self) -> list[bytes]:
        """The bodies that were put in, each a different one."""
        return (self.root / "bodies").read_bytes().splitlines()


@pytest.fixture
async def home(tmp_path: Path) -> Home:
    made = Home(tmp_path, os.urandom(32))
    db = await Database.create(tmp_path / "store", StoreKey(made.key))
    make_hq(made.hq)
    box = keys.box_from_json(json.dumps(await db.write(actions.box_public)).encode())
    await db.close()
    enrol(made.hq, box)
    (tmp_path / "box").write_bytes(box.box)
    return made


async def all_is_at_hq_once(home: Home, bodies: list[bytes]) -> None:
    """Of those bodies each is there under one number, and nothing waits."""
    numbers: dict[bytes, set[int]] = {}
    for one in home.records():
        numbers.setdefault(one.record.body, set()).add(one.record.number)
    assert {body: len(numbers.get(body, ())) for body in bodies} == dict.fromkeys(bodies, 1)
    taken = Counter(number for found in numbers.values() for number in found)
    assert set(taken.values()) == {1}
    db = await home.store()
    standing = await db.read(rows.standing)
    await db.close()
    assert (standing.queued, standing.settled) == (0, len(objects(home.hq)))


@pytest.mark.slow
@pytest.mark.parametrize("step", some("after_outbox_row", *outbox_child.STEPS))
async def test_a_kill_at_any_step_loses_and_doubles_nothing(step: str, home: Home) -> None:
    async with running_hq(home.hq) as facts:
        home.tell(facts, (home.root / "box").read_bytes())
        rounds = (2, 1) if step in TWICE else (2,)  # records put in before each life of the process
        for add in rounds:
            assert await home.live(step, add) == -signal.SIGKILL
        assert await home.live("none", 0) == 0
    await all_is_at_hq_once(home, home.said())
    assert len(home.records()) == sum(rounds)


@pytest.mark.slow
@pytest.mark.parametrize("step", some(*outbox_child.PIN_STEPS))
async def test_a_kill_while_hqs_keys_are_pinned_leaves_them_pinned_or_not(step: str, home: Home) -> None:
    async with running_hq(home.hq) as facts:
        home.tell(facts, (home.root / "box").read_bytes())
        assert await home.live(step, 1) == -signal.SIGKILL
        assert await home.live("none", 1) == 0
    await all_is_at_hq_once(home, home.said())


@pytest.mark.slow
@pytest.mark.parametrize("step", some(*outbox_child.ADOPT_STEPS))
async def test_a_kill_on_the_way_out_of_an_older_store_loses_and_doubles_nothing(step: str, home: Home) -> None:
    async with running_hq(home.hq) as facts:
        home.tell(facts, (home.root / "box").read_bytes())
        assert await home.live("before_settle_commit", 1) == -signal.SIGKILL  # sealed, at HQ, not settled here
        copy = home.root / "copy"
        shutil.copytree(home.root / "store", copy)
        assert await home.live("none", 1) == 0
        lost = home.said()[1:]
        await _image_of(copy, home)
        assert await home.live(step, 1) == -signal.SIGKILL
        assert await home.live("none", 1) == 0
    await all_is_at_hq_once(home, home.said())
    assert set(lost) <= {one.record.body for one in home.records()}
    db = await home.store()
    assert [one.life for one in await db.read(log.lives)] == [1]
    await db.close()


async def _image_of(copy: Path, home: Home) -> None:
    """The store of then, with the spool of a fresh card; as `hearth restore` marks it."""
    for old in home.root.glob("store*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(copy, home.root / "store")
    for folder in ("in", "out"):
        shutil.rmtree(home.root / "spool" / folder)
    db = await home.store()
    await db.write(
        lambda tx: tx.execute("INSERT INTO restorations (at, name, copied_at) VALUES ('2026-01-02T03:04:05Z', 'c', '')")
    )
    await db.close()


@asynccontextmanager
async def hq_process(step: str, folder: Path, port: int) -> AsyncIterator[tuple[Process, int]]:
    child = await asyncio.create_subprocess_exec(sys.executable, HQ_CHILD, step, folder, str(port), stdout=PIPE)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(LIFE_SECONDS):
            line = await child.stdout.readline()
        yield child, int(line)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@pytest.mark.slow
@pytest.mark.parametrize("step", some(*hq_child.STEPS))
async def test_a_kill_of_hq_at_any_step_loses_and_doubles_nothing(step: str, home: Home) -> None:
    box = (home.root / "box").read_bytes()
    async with hq_process(step, home.hq, 0) as (dying, port):
        home.tell(replace(hq_folder.public(home.hq), url=f"https://127.0.0.1:{port}"), box)
        living = asyncio.create_task(home.live("none", 2))
        async with asyncio.timeout(LIFE_SECONDS):
            assert await dying.wait() == -signal.SIGKILL
        async with hq_process("none", home.hq, port):
            assert await living == 0
    await all_is_at_hq_once(home, home.said())
    assert len(home.records()) == 2
