"""What a machine does until its power is cut: rows with their entry in the audit, each told once its commit returned.

python -m tests.image.workload FOLDER TOLD HOW    HOW: how the store is written; `ours` is the box's own way, the others
are what a test of power cuts has to tell from it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.audit import rows as audit
from appliance.policy import BOX, Facts, decide
from appliance.store import connection
from appliance.store.database import Database, Transaction, store_path
from appliance.store.key import StoreKey

KEY = StoreKey(bytes(range(32)))
AT = "2031-03-04T14:00:00Z"
CALLERS = 4
CHECKPOINT = 200  # pages of the WAL instead of 1000: it is moved into the store every few seconds
LARGE = 30_000  # bytes of every 16th row
# How the writer's connection is set: journal, synchronous.
HOWS: dict[str, tuple[str, str] | None] = {
    "ours": None,
    "wal-normal": ("WAL", "NORMAL"),
    "delete-full": ("DELETE", "FULL"),
    "delete-normal": ("DELETE", "NORMAL"),
}


def row(number: int) -> Callable[[Transaction], None]:
    def do(tx: Transaction) -> None:
        size = 300 if number % 16 else LARGE
        tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (f"kept-{number}", size))
        audit.append(tx, decide(BOX, "enrol", Facts(thing=f"kept-{number}")), AT)

    return do


def kept(tx: Transaction) -> set[int]:
    """The numbers of the rows that are there."""
    names = [one["name"] for one in tx.all("SELECT name FROM box_secrets WHERE name LIKE 'kept-%'")]
    return {int(name.removeprefix("kept-")) for name in names}


async def write(folder: Path, how: str, tell: Callable[[int], None], first: int = 0) -> None:
    """The box's own code: one writer thread, several callers. Never ends."""
    if how != "ours":
        journal, synchronous = HOWS[how] or ("", "")
        limit = connection._WRITING[2]
        connection._WRITING = (f"PRAGMA journal_mode = {journal}", f"PRAGMA synchronous = {synchronous}", limit)
    database = await Database.open(folder, KEY, accepting=how != "ours")
    database._writing.connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")

    async def caller(number: int) -> None:
        while True:
            await database.write(row(number))
            tell(number)
            number += CALLERS

    await asyncio.gather(*(caller(first + lane) for lane in range(CALLERS)))


def write_plainly(folder: Path, how: str, tell: Callable[[int], None]) -> None:
    """Without the box's code, which knows no other journal than the WAL. Never ends."""
    journal, synchronous = HOWS[how] or ("", "")
    store = connection.connect(store_path(folder), KEY, "mode=rw")
    store.execute(f"PRAGMA journal_mode = {journal}")
    store.execute(f"PRAGMA synchronous = {synchronous}")
    number = 0
    while True:
        store.execute("INSERT INTO box_secrets VALUES (?, zeroblob(300))", (f"kept-{number}",))
        tell(number)
        number += 1


def main() -> None:
    folder, told, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    line = os.open(told, os.O_WRONLY)

    def tell(number: int) -> None:
        os.write(line, b"%d\n" % number)

    if how.startswith("delete"):
        write_plainly(folder, how, tell)
    asyncio.run(write(folder, how, tell))


if __name__ == "__main__":
    main()
