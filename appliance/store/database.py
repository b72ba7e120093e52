"""The store: opened with its key, written by one thread in groups, read by others, never touched from the event loop.

`write` resolves after the commit is on disk. Whoever is told "done" finds it after any crash; whoever was not told may
find it too, so works are written to be repeatable. One store belongs to one process (`HomeLock`) and one event loop.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from appliance.faults import Fault
from appliance.store import migrate, probe
from appliance.store.connection import (
    APPLICATION_ID,
    Connection,
    IntegrityError,
    StoreError,
    connect_reader,
    connect_writer,
    fault_of,
)
from appliance.store.files import fault_of_os, sync_file, sync_folder
from appliance.store.key import StoreKey
from appliance.store.threads import Job, start_reader, start_writer
from appliance.store.transaction import Row, Transaction

__all__ = ["Database", "IntegrityError", "Row", "Transaction", "create_file", "store_path"]

T = TypeVar("T")

READERS = 2  # threads: a long list must not hold up a sign-in
MAX_WAITING = 1024  # works queued; beyond that callers wait before they queue


def store_path(folder: Path) -> Path:
    """Where the store in `folder` is."""
    return folder / "hearth.db"


class Database:
    """An open store. Make one with `open` or `create`; `close` leaves one clean file."""

    def __init__(self, writer: Connection, readers: list[Connection]) -> None:
        self._connections = (*readers, writer)
        self._writes: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._closed = False
        self._writer = start_writer(writer, self._writes)
        self._readers = [start_reader(reader, self._reads) for reader in readers]

    @classmethod
    async def open(cls, folder: Path, key: StoreKey) -> Database:
        """Faults that leave every byte on disk as it was: store_missing, store_truncated, store_foreign, store_newer.

        Then runs the migrations that the store has not seen. store_failed if the disk refuses.
        """
        return cls(*await asyncio.to_thread(_open, store_path(folder), key))

    @classmethod
    async def create(cls, folder: Path, key: StoreKey) -> Database:
        """A new store, whole or not there at all. Faults: store_exists, home_not_writable, store_failed."""
        await asyncio.to_thread(create_file, store_path(folder), key)
        return await cls.open(folder, key)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on the writer thread; resolves after the commit.

        Raises what `work` raised (it is rolled back alone), or Fault("store_failed") if nothing was kept. Being
        cancelled does not take the work back.
        """
        return await self._do(self._writes, work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a reader thread, on one snapshot that has every write resolved before."""
        return await self._do(self._reads, work)

    async def damaged_pages(self) -> list[str]:
        """What a check of every page against its seal finds, in SQLCipher's words; empty for a sound store. Slow."""
        return await self.read(lambda tx: [str(row[0]) for row in tx.all("PRAGMA cipher_integrity_check")])

    async def close(self) -> None:
        """Finish what is queued, move the WAL into the store, leave one file. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for _ in self._readers:
            self._reads.put(None)
        self._writes.put(None)
        await asyncio.to_thread(self._finish)

    async def _do(self, jobs: queue.SimpleQueue[Job | None], work: Callable[[Transaction], T]) -> T:
        async with self._room:
            if self._closed:
                raise Fault("box_locked", "the store is closed")
            future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            jobs.put(Job(work, future))
            return await future

    def _finish(self) -> None:
        for worker in (*self._readers, self._writer):
            worker.join()
        for connection in self._connections:
            connection.close()  # the last one checkpoints and removes the WAL


def _open(path: Path, key: StoreKey) -> tuple[Connection, list[Connection]]:
    migrations = migrate.load()
    probe.check(path, key, migrations)
    with ExitStack() as undo:
        writer = connect_writer(path, key)
        undo.callback(writer.close)
        try:
            migrate.apply(writer, migrations)
            readers = [connect_reader(path, key) for _ in range(READERS)]
        except StoreError as error:
            raise fault_of(error) or error from error
        undo.pop_all()
    return writer, readers


def create_file(path: Path, key: StoreKey) -> None:
    """The file of a new store, built beside its place and renamed: a power cut leaves none rather than half of one."""
    if path.exists():
        raise Fault("store_exists")
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in path.parent.glob(fresh.name + "*"):
            leftover.unlink()
        fresh.touch(mode=0o600)
        _build(fresh, key)
        sync_file(fresh)
        fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise fault_of_os(error) from error
    except StoreError as error:
        raise fault_of(error) or error from error


def _build(path: Path, key: StoreKey) -> None:
    connection = connect_writer(path, key, create=True)
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate.apply(connection, migrate.load())
    finally:
        connection.close()
