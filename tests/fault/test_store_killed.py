"""SIGKILL in the middle of writing: what was confirmed is there, the store opens, a torn WAL gives a clean prefix."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.store import birth, keyslots
from appliance.store.database import Database, Transaction
from tests.fakes.stores import CHEAP, PASSPHRASE
from tests.fault.kill_store import loop

KILLS = 12  # `make kill` does 500
CONFIRMED_EACH = 40  # rows, then the kill comes while others are under way

WRITER = """
import asyncio, sys
from pathlib import Path
from appliance.store import keyslots
from appliance.store.database import Database

async def write_on(database, run, lane):
    row = 0
    while True:
        name = f"{run}-{lane}-{row}"
        await database.write(lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(500))", (name,)))
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()
        row += 1

async def main():
    folder = Path(sys.argv[1])
    database = await Database.open(folder, keyslots.unlock(folder, sys.argv[2]))
    await asyncio.gather(*(write_on(database, sys.argv[3], lane) for lane in range(8)))

asyncio.run(main())
"""


def write_until_killed(folder: Path, run: int) -> set[str]:
    """The rows that the writer was told are kept."""
    arguments = [sys.executable, "-c", WRITER, str(folder), PASSPHRASE, str(run)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        confirmed = [writer.stdout.readline() for _ in range(CONFIRMED_EACH + run)]
        os.kill(writer.pid, signal.SIGKILL)
        confirmed += writer.stdout.readlines()
    return {line.strip() for line in confirmed if line.endswith("\n")}


def kept(tx: Transaction) -> set[str]:
    return {row["name"] for row in tx.all("SELECT name FROM box_secrets")}


async def test_no_confirmed_row_is_lost_and_no_entry_of_the_audit_when_the_box_is_killed(tmp_path: Path) -> None:
    told = await loop(tmp_path / "store", KILLS, seed=7)
    assert told["kills"] == KILLS
    assert told["confirmed_rows"] > 100 and told["audit_entries"] > 50
    assert (told["confirmed_rows_lost"], told["wrong"]) == (0, [])


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
async def test_a_torn_wal_gives_a_clean_prefix(tmp_path: Path, part: float) -> None:
    folder = tmp_path / "store"
    await (await birth.give_birth(folder, PASSPHRASE, CHEAP)).close()
    write_until_killed(folder, 0)
    wal = folder / "hearth.db-wal"
    os.truncate(wal, int(wal.stat().st_size * part))
    database = await Database.open(folder, keyslots.unlock(folder, PASSPHRASE))
    assert await database.damaged_pages() == []
    for lane in range(8):
        rows = sorted(int(name.split("-")[2]) for name in await database.read(kept) if name.startswith(f"0-{lane}-"))
        assert rows == list(range(len(rows)))
    await database.close()
