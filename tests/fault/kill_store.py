"""SIGKILL in a loop while the store is under load. `make kill` (`python -m tests.fault.kill_store`): 500 times.

Each life opens the store, and 12 callers write: an action with its audit entry, or a plain row. It is killed at a
moment drawn by lot, in one of four situations: under load; while WAL and store are brought together again and again;
while it closes; while it runs a migration. The next life says how long its start took. All confirmed rows are looked
for after every 25th life and at the end, and the audit is verified then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.audit import rows as audit
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey
from tests.fault import kill_store_child

KEY = StoreKey(bytes(range(32)))
CHILD = Path(kill_store_child.__file__)
SITUATIONS = ("load", "load", "load", "checkpoint", "close", "migration")  # load counts half
LONGEST = {"load": 0.3, "checkpoint": 0.3, "close": 0.06, "migration": 0.1}  # seconds until the kill
LOOK_EVERY = 25  # lives


@dataclass
class Loop:
    """What came of it so far."""

    folder: Path
    chance: random.Random
    kills: dict[str, int] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    opened_ms: list[float] = field(default_factory=list)
    started_ms: list[float] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    unconfirmed: int = 0
    entries: int = 0

    def live_and_die(self, life: int) -> None:
        """One life, killed. Its confirmed rows are added."""
        situation = SITUATIONS[life % len(SITUATIONS)]
        began = time.perf_counter()
        command = [sys.executable, str(CHILD), str(self.folder), KEY.raw().hex(), str(life), situation]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None and child.stderr is not None
            first = child.stdout.readline()
            self.started_ms.append((time.perf_counter() - began) * 1000)
            time.sleep(self.chance.uniform(0.0, LONGEST[situation]))  # the moment of the kill is what is tried
            os.kill(child.pid, signal.SIGKILL)
            said = child.stdout.readlines()
            if not first.startswith("open "):
                self.wrong.append(f"life {life} did not open: {child.stderr.read()[-300:]}")
                return
        self.opened_ms.append(float(first.split()[1]))
        if child.returncode == -signal.SIGKILL:  # not one that had ended by then
            self.kills[situation] = self.kills.get(situation, 0) + 1
        self.confirmed |= {line.strip() for line in said if line.startswith("kept-") and line.endswith("\n")}

    async def look(self) -> None:
        """Whether all that was confirmed is there and the audit is one whole."""
        database = await Database.open(self.folder, KEY)
        try:
            found = await database.read(names)
            self.lost |= self.confirmed - found
            self.unconfirmed, self.entries = len(found - self.confirmed), len(await database.read(audit.entries))
            if await database.read(audit.verify):
                self.wrong.append("the audit does not verify")
            if await database.damaged_pages():
                self.wrong.append("pages are damaged")
        finally:
            await database.close()

    def figures(self) -> dict[str, Any]:
        return {
            "kills": sum(self.kills.values()),
            "kills_by_situation": self.kills,
            "confirmed_rows": len(self.confirmed),
            "confirmed_rows_lost": len(self.lost),
            "unconfirmed_rows_found": self.unconfirmed,
            "audit_entries": self.entries,
            "open_ms_p50": round(statistics.median(self.opened_ms), 1),
            "open_ms_max": round(max(self.opened_ms), 1),
            "start_ms_p50": round(statistics.median(self.started_ms)),
            "start_ms_max": round(max(self.started_ms)),
            "wrong": self.wrong,
        }


def names(tx: Transaction) -> set[str]:
    """Rows of either kind by the name that was confirmed."""
    return {row["name"] for row in tx.all("SELECT name FROM box_secrets WHERE name LIKE 'kept-%'")}


async def loop(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill `kills` lives of a new store in `folder`; the figures."""
    await (await Database.create(folder, KEY)).close()
    going = Loop(folder, random.Random(seed))  # noqa: S311
    life = 0
    while sum(going.kills.values()) < kills and not going.wrong:
        going.live_and_die(life)
        life += 1
        if life % LOOK_EVERY == 0:
            await going.look()
    await going.look()
    return going.figures()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fault.kill_store", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="on the disk to try; a temporary folder if it is not given")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hearth-kill-", dir=asked.folder) as folder:
        figures = asyncio.run(loop(Path(folder) / "store", asked.kills, asked.seed))
    if asked.json:
        print(json.dumps(figures))
    else:
        print(*(f"{name:24}{value}" for name, value in figures.items()), sep="\n")
    return int(bool(figures["confirmed_rows_lost"] or figures["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
