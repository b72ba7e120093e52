"""kill -9 at every step from the outbox to the settled receipt: nothing is lost, doubled or stuck."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from appliance.outbox import actions, rows
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import keys
from sync.hq import opening as hq_open
from tests.fakes.parties import enrol, make_hq, objects, running_hq
from tests.fakes.pinning import pin_hq
from tests.fault import outbox_child

CHILD = Path(outbox_child.__file__)
ROUNDS = (2, 1, 3)  # records put in before each life of the process


async def live(step: str, key: bytes, home: Path, add: int) -> int:
    """One life of the box; its exit code, negative for a signal."""
    child = await asyncio.create_subprocess_exec(sys.executable, CHILD, step, key.hex(), home, str(add))
    async with asyncio.timeout(30):
        return await child.wait()


@pytest.mark.slow
@pytest.mark.parametrize("step", ["after_outbox_row", *outbox_child.STEPS])
async def test_a_kill_at_any_step_loses_and_doubles_nothing(step: str, tmp_path: Path) -> None:
    key, hq = os.urandom(32), tmp_path / "hq"
    db = await Database.create(tmp_path / "store", StoreKey(key))
    make_hq(hq)
    enrol(hq, keys.box_from_json(json.dumps(await db.write(actions.box_public)).encode()))
    async with running_hq(hq) as facts:
        await pin_hq(db, facts)
        await db.close()
        for add in ROUNDS:
            assert await live(step, key, tmp_path, add) == -signal.SIGKILL
        assert await live("none", key, tmp_path, 0) == 0
    found = list(hq_open.open_all(hq))
    assert not [one for one in found if isinstance(one, hq_open.Trouble)]
    numbers = Counter(one.record.number for one in found if isinstance(one, hq_open.Opened))
    assert numbers == Counter(range(1, sum(ROUNDS) + 1))
    db = await Database.open(tmp_path / "store", StoreKey(key))
    standing = await db.read(rows.standing)
    await db.close()
    assert (standing.queued, standing.settled) == (0, len(objects(hq)))
