"""Looks at every page of the store before somebody meets a damaged one: in the background, on a connection of its own.

A checkpoint that writes a page while the check reads it looks like damage, so only what two looks in a row find counts.
What stands in the WAL is not looked at: it is checked when it is read, and moves into the store soon.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from appliance.faults import Fault
from appliance.store.connection import StoreError, connect_reader
from appliance.store.database import Database, store_path

FIRST_SECONDS = 60.0  # after the start: by then pages and relay are back, and the card is idle
AGAIN_SECONDS = 24 * 3600.0
_NICE = 19  # the least of all: a session's pictures go first


async def run(database: Database) -> None:
    """Until cancelled: once after the start, then daily."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        await look(database)
        await asyncio.sleep(AGAIN_SECONDS)


async def look(database: Database) -> int:
    """How many pages are damaged; `trouble.damaged` is set by it. Takes as long as reading the file twice at most."""
    with ThreadPoolExecutor(1, "store-checkup") as own:  # its niceness stays on the thread, so no other work may get it
        found = await asyncio.get_running_loop().run_in_executor(own, _look, database)
    database.trouble.damaged = found > 0
    return found


def _look(database: Database) -> int:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    first = _damaged(database)
    return len(first & _damaged(database)) if first else 0


def _damaged(database: Database) -> set[str]:
    try:
        connection = connect_reader(store_path(database.folder), database.key)
        try:
            return {str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")}
        finally:
            connection.close()
    except StoreError:
        raise Fault("store_failed", "checkup") from None
