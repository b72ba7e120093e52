"""SIGKILL in the middle of a rekey, at a moment of chance: one key opens the store, and every row is there."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.keeping import Keeper
from appliance.store import birth, keyslots, slotpair
from appliance.store.database import Database, Transaction
from appliance.store.slotfile import Slots
from tests.fakes.stores import CHEAP, PASSPHRASE

KILLS = int(os.environ.get("HEARTH_REKEY_KILLS", "4"))
AT = "2031-03-04T14:00:00Z"
ROWS = 1500  # of 4 KB: the rekey itself takes about 0.2 s

REKEYER = """
import asyncio, sys
from pathlib import Path
from appliance.keeping import Keeper
from appliance.policy import Actor
from appliance.store import keyslots
from appliance.store.database import Database

async def write_on(database, run):
    row = 0
    while True:
        name = f"run-{run}-{row}"
        await database.write(lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, x'00')", (name,)))
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()
        row += 1

async def main():
    folder = Path(sys.argv[1])
    opened = await asyncio.to_thread(keyslots.open_with, folder, sys.argv[2])
    database = await Database.open(folder, opened.key)
    keeper = Keeper(folder, database, opened.key, opened.number)
    await keeper.reconcile("2031-03-04T14:00:00Z")
    writing = asyncio.ensure_future(write_on(database, sys.argv[3]))
    print("ready", flush=True)
    while True:
        await keeper.rekey(Actor("p", "administrator", "console"), "2031-03-04T14:00:00Z")
        print("rekeyed", flush=True)

asyncio.run(main())
"""


def rekey_until_killed(folder: Path, run: int, chance: random.Random) -> tuple[set[str], int]:
    """What was confirmed, and how many rekeys came to their end."""
    arguments = [sys.executable, "-c", REKEYER, str(folder), PASSPHRASE, str(run)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        while child.stdout.readline() not in ("ready\n", ""):
            continue
        try:
            said, _ = child.communicate(timeout=chance.uniform(0.0, 0.5))
            raise AssertionError(f"it ended by itself: {said[-500:]}")
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            said, _ = child.communicate()
    lines = said.splitlines(keepends=True)
    return {line.strip() for line in lines if line.startswith("run-") and line.endswith("\n")}, lines.count("rekeyed\n")


def keys_in_slots(folder: Path) -> tuple[int, ...]:
    file = slotpair.load(folder)
    assert isinstance(file, Slots)
    return file.keys()


def names(tx: Transaction) -> set[str]:
    return {row["name"] for row in tx.all("SELECT name FROM box_secrets")}


@pytest.mark.skipif(sys.platform != "linux", reason="kills processes")
async def test_a_rekey_killed_at_any_moment_leaves_one_working_key_and_every_row(tmp_path: Path) -> None:
    folder, chance = tmp_path / "store", random.Random(7)  # noqa: S311 - no secret: which moment is tried
    database = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    await database.write(
        lambda tx: [
            tx.execute("INSERT INTO box_secrets VALUES (?, randomblob(4000))", (f"before-{row}",))
            for row in range(ROWS)
        ]
    )
    await database.close()
    confirmed, ended, halfway = {f"before-{row}" for row in range(ROWS)}, 0, 0
    for run in range(KILLS):
        told, rekeyed = await asyncio.to_thread(rekey_until_killed, folder, run, chance)
        confirmed, ended = confirmed | told, ended + rekeyed
        halfway += len(keys_in_slots(folder)) == 2
        opened = keyslots.open_with(folder, PASSPHRASE)
        database = await Database.open(folder, opened.key)
        await Keeper(folder, database, opened.key, opened.number).reconcile(AT, opened.slot)
        assert keys_in_slots(folder) == (opened.number,)
        assert confirmed - await database.read(names) == set()
        assert await database.damaged_pages() == []
        await database.close()
    print(f"{KILLS} kills, {halfway} of them with two keys in the slots, {ended} rekeys came to their end")
    assert halfway > 0 or KILLS < 8  # a matter of chance
