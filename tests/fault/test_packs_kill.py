"""kill -9 at every step from the spool to the effect: a pack is applied whole, once, and HQ is told once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from appliance.audit import rows as audit
from appliance.packs import rows
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import items
from tests.fakes.packs import open_office
from tests.fault import packs_child

CHILD = Path(packs_child.__file__)
# Those that tell most; `make kill` takes all of them.
TOLD = ("after_taken", "amid_items", "after_applied_commit")
STEPS = tuple(packs_child.STEPS) if os.environ.get("HEARTH_EVERY_STEP") else TOLD


async def live(step: str, key: bytes, home: Path) -> int:
    child = await asyncio.create_subprocess_exec(
        sys.executable, CHILD, step, key.hex(), home, stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(30):
        return await child.wait()


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_at_any_step_applies_each_pack_once_and_whole(step: str, tmp_path: Path) -> None:
    key = os.urandom(32)
    db = await Database.create(tmp_path / "store", StoreKey(key))
    office = await open_office(db, tmp_path)
    words = items.Text(language="en", title="Rules", body="Be kind.")
    await office.publish(
        items.Policy(version=1, hold_back=("session_ended",)), items.Agreement(version=1, texts=(words,))
    )
    await office.publish(items.Policy(version=2), items.TlsName(version=2, name="box7.clinic.example"))
    await office.bring(1, 2)
    await db.close()
    assert await live(step, key, tmp_path) == -signal.SIGKILL
    assert await live("none", key, tmp_path) == 0
    db = await Database.open(tmp_path / "store", StoreKey(key))
    standing = await db.read(rows.standing)
    told = await db.read(lambda tx: tx.all("SELECT record_class, body FROM outbox ORDER BY number"))
    texts = await db.read(lambda tx: tx.all("SELECT version FROM agreements"))
    entries = [one.thing for one in await db.read(audit.entries) if one.action == "apply_pack"]
    await db.close()
    assert (standing.applied, standing.waiting, standing.refused) == (2, 0, "")
    fates = [json.loads(one["body"])["number"] for one in told if one["record_class"] == "pack_applied"]
    assert fates == [1, 2]
    assert [one["record_class"] for one in told].count("tls_request") == 1
    assert [one["version"] for one in texts] == [1]
    assert (entries.count("1"), entries.count("2")) == (2, 1)  # the agreement, and each pack's end
    assert office.waiting_files() == []
    assert json.loads((office.spool / "packs.json").read_text()) == {"applied": 2, "next": 3}
