"""A life of the store on a disk that fails. Started with LD_PRELOAD=bad_disk.so by bad_disk.py; prints JSON lines.

python bad_disk_child.py fail TEMPLATE WORK ERROR HOW FIRST STEP LAST   one life for each n, the nth call fails
python bad_disk_child.py log TEMPLATE WORK LOG                          one life, every call logged with its bytes
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.policy import BOX, Facts, decide
from appliance.store import witness
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey

KEY = StoreKey(bytes(range(32)))
HOW = {"once": 0, "for_good": 1, "half": 2}
CALLERS, ROWS = 4, 6
LARGE = 30_000  # bytes of a caller's third row
CHECKPOINT = 40  # pages of the WAL instead of 1000: it is moved into the store several times in a life
CODES = {
    "EIO": {"store_failed"},
    "ENOSPC": {"disk_full", "store_failed"},
    "EROFS": {"home_read_only", "store_failed"},
}

disk = ctypes.CDLL(None)


@dataclass
class Life:
    """What its callers were told."""

    confirmed: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def work(name: str, size: int) -> Callable[[Transaction], None]:
    def do(tx: Transaction) -> None:
        tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (name, size))
        audit.append(tx, decide(BOX, "enrol", Facts(thing=name)), "2031-03-04T14:00:00Z")

    return do


def names(tx: Transaction) -> set[str]:
    return {row["name"] for row in tx.all("SELECT name FROM box_secrets")}


async def live(folder: Path, life: Life) -> None:
    """Open, write from several callers, read what was confirmed, close."""
    try:
        database = await Database.open(folder, KEY)
    except Fault as fault:
        life.refused.add(fault.code)
        return
    database._writing.connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    try:
        await asyncio.gather(*(write_on(database, life, lane) for lane in range(CALLERS)))
        await look(database, life)
    finally:
        await database.close()


async def write_on(database: Database, life: Life, lane: int) -> None:
    for row in range(ROWS):
        name = f"{lane}-{row}"
        try:
            await database.write(work(name, LARGE if row == 2 and lane < 3 else 300))
        except Fault as fault:
            life.refused.add(fault.code)
        else:
            life.confirmed.append(name)
            disk.bad_disk_say(name.encode())
        if row == 3:
            await asyncio.sleep(0)


async def look(database: Database, life: Life) -> None:
    try:
        found = await database.read(names)
    except Fault as fault:
        life.refused.add(fault.code)
        return
    missing = set(life.confirmed) - found
    if missing:
        life.wrong.append(f"a reader misses {sorted(missing)}")


async def check(folder: Path, confirmed: list[str]) -> list[str]:
    """What is wrong with the store after that life, on a disk that works."""
    try:
        database = await Database.open(folder, KEY)
    except Fault as fault:
        return [f"not opened: {fault.code} {fault.detail}"]
    try:
        found = await database.read(names)
        broken, damaged = await database.read(audit.verify), await database.damaged_pages()
    finally:
        await database.close()
    wrong = [f"lost {sorted(set(confirmed) - found)}"] if set(confirmed) - found else []
    wrong += ["the audit does not verify"] if broken else []
    return wrong + ([f"{len(damaged)} pages are damaged"] if damaged else [])


def fail(template: Path, folder: Path, error: str, how: str, first: int, step: int, last: int) -> None:
    number = first
    while last == 0 or number <= last:
        put(template, folder)
        life, before = Life(), set(CODES[error])
        disk.bad_disk_watch(str(folder.parent).encode())
        disk.bad_disk_fail(ctypes.c_long(number), getattr(errno, error), HOW[how])
        try:
            asyncio.run(live(folder, life))
        except Exception as problem:  # noqa: BLE001 - anything but a fault is a find
            life.wrong.append(f"{type(problem).__name__}: {problem}")
        calls = int(disk.bad_disk_count())
        disk.bad_disk_watch(b"")
        strange = life.refused - before
        wrong = [*life.wrong, *([f"codes {sorted(strange)}"] if strange else [])]
        wrong += asyncio.run(check(folder, life.confirmed))
        told(n=number, calls=calls, confirmed=len(life.confirmed), refused=sorted(life.refused), wrong=wrong)
        if calls < number:
            return  # it passed: there is no nth call any more
        number += step


def log(template: Path, folder: Path, path: Path) -> None:
    put(template, folder)
    life = Life()
    disk.bad_disk_watch(str(folder.parent).encode())
    disk.bad_disk_log(str(path).encode())
    asyncio.run(live(folder, life))
    told(confirmed=len(life.confirmed), refused=sorted(life.refused), wrong=life.wrong)


def put(template: Path, folder: Path) -> None:
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(template, folder.parent)


def told(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main(what: str, template: str, work_folder: str, *rest: str) -> None:
    witness.SECONDS = 0.0
    folder = Path(work_folder) / "home" / "store"
    if what == "log":
        log(Path(template), folder, Path(rest[0]))
    else:
        error, how, first, step, last = rest
        fail(Path(template), folder, error, how, int(first), int(step), int(last))


if __name__ == "__main__":
    main(*sys.argv[1:])
