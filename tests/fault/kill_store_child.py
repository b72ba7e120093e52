"""One life under load, until it is killed. Run by kill_store.py.

python kill_store_child.py FOLDER KEY_HEX LIFE SITUATION     prints "open MS", then the name of each confirmed row
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from appliance.audit import rows as audit
from appliance.policy import BOX, Facts, decide
from appliance.store import migrate, witness
from appliance.store.connection import Connection
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey

CALLERS = 12
ROW = 500  # bytes
BEFORE_CLOSE = 5  # rows of each caller, where the kill is to meet the closing


def work(name: str, *, audited: bool) -> Callable[[Transaction], None]:
    def do(tx: Transaction) -> None:
        tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (name, ROW))
        if audited:
            audit.append(tx, decide(BOX, "enrol", Facts(thing=name)), "2031-03-04T14:00:00Z")

    return do


def opened(began: float) -> None:
    sys.stdout.write(f"open {(time.perf_counter() - began) * 1000:.1f}\n")
    sys.stdout.flush()


async def write_on(database: Database, life: str, lane: int, rows: int) -> None:
    row = 0
    while not rows or row < rows:
        name = f"kept-{life}-{lane}-{row}"
        await database.write(work(name, audited=lane % 2 == 0))
        sys.stdout.write(name + "\n")
        sys.stdout.flush()
        row += 1


async def bring_together(database: Database) -> None:
    """WAL into the store again and again, beside the writers."""
    while True:
        await database.read(lambda tx: tx.all("PRAGMA wal_checkpoint(PASSIVE)"))


def migrate_on(life: str) -> None:
    """From now on there are many more migrations, each of some size and undone at its end: no trace of them stays."""
    real, began = migrate.apply, time.perf_counter()

    def apply(connection: Connection, migrations: tuple[migrate.Migration, ...]) -> int:
        done = real(connection, migrations)
        opened(began)
        for number in range(1000):
            table = f"passing_{life}_{number}"
            copied = f"INSERT INTO {table} SELECT zeroblob(20000) FROM box_secrets LIMIT 20"  # noqa: S608 - ours
            connection.executescript(
                f"BEGIN IMMEDIATE; CREATE TABLE {table} (x); {copied}; DROP TABLE {table}; COMMIT;"
            )
        return done

    migrate.apply = apply


async def main(folder: Path, key: StoreKey, life: str, situation: str) -> None:
    if situation == "migration":
        migrate_on(life)
    began = time.perf_counter()
    database = await Database.open(folder, key)
    opened(began)
    if situation == "checkpoint":
        together = asyncio.create_task(bring_together(database))
        together.add_done_callback(lambda done: done.cancelled() or done.result())
    rows = BEFORE_CLOSE if situation == "close" else 0
    await asyncio.gather(*(write_on(database, life, lane, rows) for lane in range(CALLERS)))
    await database.close()


if __name__ == "__main__":
    witness.SECONDS = 0.05  # far more often than in life: each witness is one more moment to be killed in
    asyncio.run(main(Path(sys.argv[1]), StoreKey(bytes.fromhex(sys.argv[2])), sys.argv[3], sys.argv[4]))
