"""Plain SQLite beside our store: Python's own sqlite3, unencrypted, as an asyncio program uses it without us.

The same table, WAL and `synchronous=FULL`; one thread that writes one row a commit, one thread that reads. It holds
made-up bytes only. The one file of ours that imports sqlite3.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KEEP = "INSERT INTO kept VALUES (?, zeroblob(?))"
LOOK = "SELECT value FROM kept WHERE name = ?"
SCAN = "SELECT count(*), sum(length(value)) FROM kept"


class Plain:
    """An open plain database at `path`. `close` at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing, self._reading = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._writer = connect(path)
        self._writer.execute("CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT")
        self._reader = connect(path)

    async def keep(self, name: str, size: int) -> None:
        """One row, one commit."""
        await asyncio.get_running_loop().run_in_executor(
            self._writing, lambda: self._writer.execute(KEEP, (name, size)).close()
        )

    async def look(self, name: str) -> object:
        """One row by key."""
        return await asyncio.get_running_loop().run_in_executor(
            self._reading, lambda: self._reader.execute(LOOK, (name,)).fetchone()
        )

    def close(self) -> None:
        for executor in (self._writing, self._reading):
            executor.shutdown()
        for connection in (self._reader, self._writer):
            connection.close()


def connect(path: Path, cache_pages: int | None = None) -> sqlite3.Connection:
    """A connection as the store makes them, without the key. `cache_pages`: how many it keeps in memory."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if cache_pages is not None:
        connection.execute(f"PRAGMA cache_size = {cache_pages:d}")
    return connection
