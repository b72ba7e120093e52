"""Power cuts: what was confirmed is there. `make test-power` (`python -m tests.image.power`): 100, and the proof.

A small machine (tiny.py) writes to the store on a disk with a volatile cache (volatile.py) and tells each row once its
commit returned; another time its key slots change meanwhile. The disk's log is then done again, and cut behind writes
drawn by lot; each time the file system is mended as at a start (e2fsck -p), the store opened by the box's own code, and
the rows counted that had been told before the cut and are not there. The same with ways of writing that are known to
lose some shows that it would be seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.store import connection
from appliance.store.database import Database, store_path
from tests.fakes.waiting import until
from tests.image import keychanges, nbd, tiny
from tests.image.volatile import Entry, Volatile, draw, said
from tests.image.workload import HOWS, KEY, kept

SIZE = 96 * 1024 * 1024
ROWS = 1500  # told before a run ends
LONGEST = 600.0  # seconds for that
KEYS = "keys"  # the box's own way, while its key slots change
OURS = ("ours", KEYS)
FIXED = 1  # e2fsck: errors were corrected; the start goes on


@dataclass
class Told:
    """What came of a way of writing."""

    how: str
    rows: int = 0
    writes: int = 0
    cuts: int = 0
    confirmed: int = 0  # rows told before a cut, over all cuts
    lost: int = 0  # of those not there
    lossy_cuts: int = 0
    by_mode: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds_running: float = 0.0
    seconds_a_cut: float = 0.0

    def add(self, mode: str, at: int, confirmed: set[int], there: set[int], wrong: list[str]) -> None:
        missing = len(confirmed - there)
        self.cuts += 1
        self.confirmed += len(confirmed)
        self.lost += missing
        self.lossy_cuts += missing > 0
        self.by_mode[mode] = self.by_mode.get(mode, 0) + missing
        self.wrong += [f"cut behind entry {at}, {mode}: {one}" for one in wrong]


def formatted(folder: Path, how: str) -> Path:
    """A file system with a new store on it, closed."""
    content, disk = folder / "content", folder / "disk"
    (content / "hearth").mkdir(parents=True)
    asyncio.run((keychanges.born if how == KEYS else _born)(content / "hearth/store"))
    with disk.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", content, disk], check=True)
    return disk


async def _born(folder: Path) -> None:
    await (await Database.create(folder, KEY)).close()


async def live(folder: Path, disk: Path, how: str) -> list[Entry]:
    """One run of the small machine until ROWS rows are told; the disk's log."""
    log: list[Entry] = []
    under = Volatile(disk, log)
    server, told = nbd.Server(under, seed=1), 0

    def hear(line: str) -> None:
        nonlocal told
        under.note(int(line))
        told += 1

    hearing = await nbd.told(folder / "said", hear)
    await server.start(folder / "nbd")
    module = "tests.image.keychanges" if how == KEYS else "tests.image.workload"
    work = ("-m", module, "/mnt/hearth/store", "/dev/said", how)
    machine = await tiny.start(folder, folder / "nbd", folder / "said", *work)
    try:
        await until(lambda: told >= ROWS or machine.returncode is not None, LONGEST)
        if machine.returncode is not None:
            raise RuntimeError((folder / "serial").read_text()[-2000:])
    finally:
        server.cut()
        if machine.returncode is None:
            machine.kill()
        await machine.wait()
        hearing.close()
        await server.close()
        under.close()
    return log


def mended(disk: Path, folder: Path) -> list[str]:
    """As at a start: the journal played back, what is safe to mend mended; then the folder copied out of it."""
    checked = subprocess.run(["e2fsck", "-p", disk], capture_output=True, text=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    taken = ["debugfs", "-R", f"rdump /hearth {folder}", str(disk)]
    subprocess.run(taken, capture_output=True, check=True)
    again = subprocess.run(["e2fsck", "-fn", disk], capture_output=True, text=True, check=False)
    wrong = [f"e2fsck -p: {checked.returncode} {checked.stdout[-200:]}"] if checked.returncode > FIXED else []
    return wrong + ([f"still wrong after e2fsck -p: {again.stdout[-200:]}"] if again.returncode else [])


async def look(folder: Path, how: str, confirmed: set[int]) -> tuple[set[int], list[str]]:
    """Rows that the store has; what is wrong with it."""
    if how == KEYS:
        return await keychanges.check(folder, confirmed)
    if how.startswith("delete"):
        return _plainly(folder)
    try:
        database = await Database.open(folder, KEY, accepting=how != "ours")
    except Fault as fault:
        return set(), [f"not opened: {fault.code}"]
    try:
        wrong = ["the audit does not verify"] if await database.read(audit.verify) else []
        return await database.read(kept), wrong + (["pages are damaged"] if await database.damaged_pages() else [])
    finally:
        await database.close()


def _plainly(folder: Path) -> tuple[set[int], list[str]]:
    store = connection.connect(store_path(folder), KEY, "mode=rw")
    try:
        names = [row["name"] for row in store.execute("SELECT name FROM box_secrets WHERE name LIKE 'kept-%'")]
        return {int(name.removeprefix("kept-")) for name in names}, []
    except connection.StoreError as error:
        return set(), [f"not opened: {error}"]
    finally:
        store.close()


async def cuts(folder: Path, disk: Path, log: list[Entry], how: str, count: int, seed: int) -> Told:
    """Cut `count` times; `disk` is as it was before the log."""
    told = Told(how, rows=len(said(log, len(log))), writes=sum(entry.kind == "write" for entry in log))
    going, done, cut_disk = Volatile(disk), 0, folder / "cut"
    first = next(index for index, entry in enumerate(log) if entry.kind == "said")
    began = time.perf_counter()
    for cut in draw(log, count, seed, first):
        for entry in log[done : cut.at]:
            going.do(entry)
        done = cut.at
        going.copy_cut(cut_disk, cut.mode, cut.seed)
        told_by_then = said(log, cut.at)
        wrong = mended(cut_disk, folder / "found")
        there, more = await look(folder / "found/hearth/store", how, told_by_then)
        told.add(cut.mode, cut.at, told_by_then, there, wrong + more)
    told.seconds_a_cut = round((time.perf_counter() - began) / count, 2)
    going.close()
    return told


def tried(how: str, count: int, seed: int) -> Told:
    """One way of writing, run once and cut `count` times."""
    with tempfile.TemporaryDirectory(prefix="hearth-power-") as name:
        folder = Path(name)
        disk = formatted(folder, how)
        before = folder / "before"
        shutil.copy(disk, before)
        began = time.perf_counter()
        log = asyncio.run(live(folder, disk, how))
        ran = time.perf_counter() - began
        told = asyncio.run(cuts(folder, before, log, how, count, seed))
        told.seconds_running = round(ran, 1)
        return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.image.power", description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--how", choices=(*HOWS, KEYS), action="append", help="one way of writing alone; may be given again"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    bad = 0
    for how in asked.how or (*HOWS, KEYS):
        told = tried(how, asked.cuts, asked.seed)
        print(json.dumps(asdict(told)) if asked.json else _line(told), flush=True)
        bad += bool(told.lost or told.wrong) if how in OURS else not told.lost
    return int(bad > 0)


def _line(told: Told) -> str:
    return (
        f"{told.how:14} {told.cuts} cuts, {told.confirmed} confirmed rows, {told.lost} lost in {told.lossy_cuts} cuts "
        f"{told.by_mode}; wrong {len(told.wrong)} {told.wrong[:3]}; {told.rows} rows by {told.writes} writes in "
        f"{told.seconds_running} s, {told.seconds_a_cut} s a cut"
    )


if __name__ == "__main__":
    sys.exit(main())
