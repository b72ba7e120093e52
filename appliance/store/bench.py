"""`hearth bench store`: what the store costs on this disk. Makes a store in a temporary folder and removes it.

commit_p50_ms, commit_p99_ms   one caller after the other, one row each: what a person waits for
grouped_writes_s               64 callers at once, one row each: what group commit gives
group_p99_ms                   how long one of those waited
reads_s                        single rows by key, 8 callers at once
open_ms, unlock_ms             opening with the key; the passphrase's derivation (Argon2id)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from appliance.store import birth, keyslots
from appliance.store.database import Database, Transaction

ROW = 400  # bytes, about a consent or an audit entry
ALONE, TOGETHER, CALLERS, READS = 500, 20_000, 64, 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 0."""
    parser = argparse.ArgumentParser(prog="hearth bench store", description="measure the store on this disk")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix=".bench-") as folder:
        figures = asyncio.run(_measure(Path(folder) / "store"))
    if asked.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.writelines(f"{name:<18}{value:>10,.2f}\n" for name, value in figures.items())
    return 0


async def _measure(folder: Path) -> dict[str, float]:
    await (await birth.give_birth(folder, "a passphrase for measuring")).close()
    figures: dict[str, float] = {}
    start = time.perf_counter()
    key = await asyncio.to_thread(keyslots.unlock, folder, "a passphrase for measuring")
    figures["unlock_ms"] = _since(start)
    start = time.perf_counter()
    database = await Database.open(folder, key)
    figures["open_ms"] = _since(start)
    alone = await _timed(ALONE, 1, lambda index: database.write(_keep(f"a{index}")))
    figures["commit_p50_ms"], figures["commit_p99_ms"] = _p50_p99(alone)
    start = time.perf_counter()
    together = await _timed(TOGETHER, CALLERS, lambda index: database.write(_keep(f"b{index}")))
    figures["grouped_writes_s"] = TOGETHER / _since(start) * 1000
    figures["group_p99_ms"] = _p50_p99(together)[1]
    start = time.perf_counter()
    await _timed(READS, 8, lambda index: database.read(_look(f"b{index * 7919 % TOGETHER}")))
    figures["reads_s"] = READS / _since(start) * 1000
    await database.close()
    return {name: round(value, 2) for name, value in figures.items()}


def _keep(name: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (name, ROW))


def _look(name: str) -> Callable[[Transaction], object]:
    return lambda tx: tx.one("SELECT value FROM box_secrets WHERE name = ?", (name,))


async def _timed(count: int, callers: int, act: Callable[[int], Awaitable[object]]) -> list[float]:
    """Milliseconds of each of `count` acts, shared out to `callers` that work side by side."""
    numbers = iter(range(count))
    taken: list[float] = []

    async def caller() -> None:
        for index in numbers:
            start = time.perf_counter()
            await act(index)
            taken.append(_since(start))

    await asyncio.gather(*(caller() for _ in range(callers)))
    return taken


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _p50_p99(taken: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    sys.exit(main())
