"""`hearth bench store`: what the store costs on this disk, beside plain SQLite in the same run. Makes everything in a
temporary folder of its own and removes it.

Ours is the product's own code, called as a handler calls it. Plain is Python's sqlite3 without a key, with the same
table, WAL and `synchronous=FULL`, in a thread of its own (plain.py). Both work in one folder of one disk, in turn,
round after round, so that what else the machine does meets both. A ratio is the median over the rounds of ours / plain:
**above 1 ours is slower**. ms and s are of one act; writes_s and reads_s are counts in one second.

commit_p50_ms, commit_p99_ms    one caller after the other, one row of 400 bytes each, until it is on the disk
plain_commit_p50_ms, …_p99_ms   the same, plain
commit_ratio_to_plain           of the medians of a round
grouped_writes_s, group_p99_ms  64 callers at once, one row each: group commit; and how long one of them waited
plain_writes_s                  64 callers at once, plain: one commit a row
read_p50_ms, read_p99_ms        one row by key that is in memory, one caller
plain_read_p50_ms, …_p99_ms     the same, plain
read_ratio_to_plain             of the medians of a round
reads_s                         single rows by key, 8 callers at once
miss_ratio_to_plain             rows by key on a bare connection that keeps next to no page: each is decrypted anew
scan_ratio_to_plain             every row once on such a connection
unlock_ms                       the passphrase's derivation (Argon2id), the median of 3
open_ms                         opening the store of `store_mb` with its key, look beforehand included, the median of 5
search_100k_ms, …_p99_ms        one search over all notes of a clinician, as the page asks it, audit included
find_100k_ms, …_p99_ms          of that the index alone: which notes; the rest is opening 20 of them and their audit
index_100k_s                    making that search possible after a sign-in: every note opened, the index made in memory
notes                           how many notes that were: 100,000 unless --notes says otherwise
backup_s, backup_commit_p99_ms  a whole backup of the store to the same disk, checked; commits of the box meanwhile
rekey_s                         another key for that store, until it is used
store_mb                        its size in 10^6 bytes
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.bench import keeping, plain, searching
from appliance.bench.plain import Plain
from appliance.bench.timing import p50_p99, repeated, since, timed
from appliance.store import birth, keyslots
from appliance.store.connection import connect_reader
from appliance.store.database import Database, Transaction, store_path
from appliance.store.key import StoreKey
from appliance.store.keyslots import BOX_COST, Cost

PASSPHRASE = "a passphrase for measuring"  # noqa: S105 - of a store that is gone in a minute
ROW = 400  # bytes, about a consent or an audit entry
ROUNDS, COMMITS, READS, TOGETHER, CALLERS = 10, 100, 500, 20_000, 64
MISSES, SMALL_CACHE = 2_000, 8  # reads of a round, and the pages that a connection keeps while they miss
NOTES = 100_000

Figures = dict[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 0."""
    parser = argparse.ArgumentParser(prog="hearth bench store", description="measure the store on this disk")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--notes", type=int, default=NOTES, help="notes to search (100000 takes a few minutes to make)")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix=".bench-") as folder:
        figures = asyncio.run(measure(Path(folder), asked.notes))
    if asked.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.writelines(f"{name:<24}{value:>12,.3f}\n" for name, value in figures.items())
    return 0


async def measure(
    folder: Path, notes: int, rounds: int = ROUNDS, together: int = TOGETHER, cost: Cost = BOX_COST
) -> Figures:
    """All figures, measured in `folder`, which stays full."""
    home = folder / "home"
    home.mkdir()
    store = home / "store"
    await (await birth.give_birth(store, PASSPHRASE, cost)).close()
    unlocking = [repeated(1, lambda _: keyslots.unlock(store, PASSPHRASE)) for _ in range(3)]
    key = keyslots.unlock(store, PASSPHRASE)
    figures: Figures = {"unlock_ms": statistics.median(unlocking)}
    db, beside = await Database.open(store, key), Plain(folder / "plain.db")
    try:
        figures |= await _side_by_side(db, beside, rounds)
        figures |= await _at_once(db, beside, together)
        figures |= _bare(store, folder / "plain.db", key, together, rounds)
        figures |= await searching.measure(db, notes)
    finally:
        beside.close()
        await db.close()
    figures |= await keeping.measure(home, folder / "copies", key)
    return {name: round(value, 3) for name, value in figures.items()}


async def _side_by_side(db: Database, beside: Plain, rounds: int) -> Figures:
    """Commits and reads of one caller, ours and plain in turn."""
    commits: tuple[list[float], list[float]] = [], []
    reads: tuple[list[float], list[float]] = [], []
    commit_ratios, read_ratios = [], []
    for number in range(rounds):
        ours = await timed(COMMITS, 1, lambda i, n=number: db.write(_keep(f"a{n}-{i}")))  # type: ignore[misc]
        theirs = await timed(COMMITS, 1, lambda i, n=number: beside.keep(f"a{n}-{i}", ROW))  # type: ignore[misc]
        commit_ratios.append(statistics.median(ours) / statistics.median(theirs))
        commits[0].extend(ours)
        commits[1].extend(theirs)
        ours = await timed(READS, 1, lambda i, n=number: db.read(_look(f"a{n}-{i % COMMITS}")))  # type: ignore[misc]
        theirs = await timed(READS, 1, lambda i, n=number: beside.look(f"a{n}-{i % COMMITS}"))  # type: ignore[misc]
        read_ratios.append(statistics.median(ours) / statistics.median(theirs))
        reads[0].extend(ours)
        reads[1].extend(theirs)
    return {
        **_named("commit", commits[0]),
        **_named("plain_commit", commits[1]),
        "commit_ratio_to_plain": statistics.median(commit_ratios),
        **_named("read", reads[0]),
        **_named("plain_read", reads[1]),
        "read_ratio_to_plain": statistics.median(read_ratios),
    }


async def _at_once(db: Database, beside: Plain, together: int) -> Figures:
    """Many callers: ours share commits, plain makes one for each row and so gets a tenth of the rows."""
    start = time.perf_counter()
    taken = await timed(together, CALLERS, lambda index: db.write(_keep(f"b{index}")))
    grouped = together / since(start) * 1000
    few = max(together // 10, CALLERS)
    start = time.perf_counter()
    await timed(few, CALLERS, lambda index: beside.keep(f"b{index}", ROW))
    alone = few / since(start) * 1000
    start = time.perf_counter()
    await timed(together, 8, lambda index: db.read(_look(f"b{index * 7919 % together}")))
    return {
        "grouped_writes_s": grouped,
        "group_p99_ms": p50_p99(taken)[1],
        "plain_writes_s": alone,
        "reads_s": together / since(start) * 1000,
    }


def _bare(store: Path, beside: Path, key: StoreKey, rows: int, rounds: int) -> Figures:
    """What reading costs without threads in between: misses and scans, on the same rows."""
    ours, theirs = connect_reader(store_path(store), key), plain.connect(beside, SMALL_CACHE)
    ours.execute(f"PRAGMA cache_size = {SMALL_CACHE:d}")
    filling = plain.connect(beside)
    filling.execute("BEGIN")
    filling.executemany("INSERT OR IGNORE INTO kept VALUES (?, zeroblob(?))", ((f"b{i}", ROW) for i in range(rows)))
    filling.execute("COMMIT")
    filling.close()
    names = [(f"b{index * 7919 % rows}",) for index in range(MISSES)]
    look = "SELECT value FROM box_secrets WHERE name = ?"
    scan = "SELECT count(*), sum(length(value)) FROM box_secrets"
    misses, scans = [], []
    for _ in range(rounds):
        misses.append(
            repeated(len(names), lambda i: ours.execute(look, names[i]).fetchone())
            / repeated(len(names), lambda i: theirs.execute(plain.LOOK, names[i]).fetchone())
        )
        scans.append(
            repeated(1, lambda _: ours.execute(scan).fetchone())
            / repeated(1, lambda _: theirs.execute(plain.SCAN).fetchone())
        )
    ours.close()
    theirs.close()
    return {"miss_ratio_to_plain": statistics.median(misses), "scan_ratio_to_plain": statistics.median(scans)}


def _keep(name: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (name, ROW))


def _look(name: str) -> Callable[[Transaction], object]:
    return lambda tx: tx.one("SELECT value FROM box_secrets WHERE name = ?", (name,))


def _named(name: str, taken: Sequence[float]) -> Figures:
    p50, p99 = p50_p99(taken)
    return {f"{name}_p50_ms": p50, f"{name}_p99_ms": p99}


if __name__ == "__main__":
    sys.exit(main())
