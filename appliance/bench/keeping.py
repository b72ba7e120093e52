"""What keeping a store of some size costs: opening, a backup while it is written to, another key."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path

from appliance.bench.timing import p50_p99, since
from appliance.clock import now_text
from appliance.copies import backup
from appliance.copies.backup import Source
from appliance.home import Home
from appliance.store.database import Database, Transaction, store_path
from appliance.store.key import SIZE, StoreKey

OPENINGS = 5


async def measure(root: Path, place: Path, key: StoreKey) -> dict[str, float]:
    """Of the closed store in the home `root`; `place` gets the backup. Afterwards the store has another key."""
    home = Home(root)
    place.mkdir()  # noqa: ASYNC240 - nothing else runs here
    opening = []
    for _ in range(OPENINGS):
        start = time.perf_counter()
        db = await Database.open(home.store, key)
        opening.append(since(start))
        await db.close()
    db = await Database.open(home.store, key)
    try:
        figures = {"open_ms": statistics.median(opening), **await _backup(db, home, place, key)}
        figures["rekey_s"] = await db.rekey(StoreKey(os.urandom(SIZE)))
    finally:
        await db.close()
    return {**figures, "store_mb": store_path(home.store).stat().st_size / 1e6}


async def _backup(db: Database, home: Home, place: Path, key: StoreKey) -> dict[str, float]:
    """A backup, and how long commits took beside it: one caller, one row each, for as long as it runs."""
    box = await backup.box_id(db)
    commits: list[float] = []
    done = asyncio.Event()

    async def write_on() -> None:
        while not done.is_set() or len(commits) < 2:
            start = time.perf_counter()
            await db.write(_count)
            commits.append(since(start))

    writing = asyncio.create_task(write_on())
    start = time.perf_counter()
    await asyncio.to_thread(backup.build, Source(home, db, key), place, box, 0, now_text(), lambda _step, _done: None)
    took = since(start) / 1000
    done.set()
    await writing
    return {"backup_s": took, "backup_commit_p99_ms": p50_p99(commits)[1]}


def _count(tx: Transaction) -> None:
    tx.execute("INSERT INTO box_secrets VALUES ('bench', x'01') ON CONFLICT (name) DO UPDATE SET value = zeroblob(400)")
