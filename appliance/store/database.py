"""The store: opened with its key, written by one thread in groups, read by others, never touched from the event loop.

`write` resolves after the commit is on disk. Whoever is told "done" finds it after any crash; whoever was not told may
find it too, so works are written to be repeatable. One store belongs to one process (`HomeLock`) and one event loop.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from appliance.faults import Fault
from appliance.store import migrate, probe, rekey, witness
from appliance.store.connection import (
    APPLICATION_ID,
    Connection,
    IntegrityError,
    StoreError,
    connect_reader,
    connect_writer,
    fault_of,
)
from appliance.store.files import HomeLock, fault_of_os, give_to_owner, sync_file, sync_folder
from appliance.store.key import StoreKey
from appliance.store.leaving import enter, leave
from appliance.store.runners import Reader, Writer
from appliance.store.threads import Job, start_reader, start_writer
from appliance.store.transaction import Row, Transaction
from appliance.store.trouble import Reserve, Trouble

__all__ = ["Database", "IntegrityError", "Row", "Transaction", "create_file", "store_path"]

T = TypeVar("T")

OVERRULED = frozenset({"store_rolled_back", "wal_missing"})  # what a person may accept
READERS = 2  # threads: a long list must not hold up a sign-in
MAX_WAITING = 1024  # works queued; beyond that callers wait before they queue


def store_path(folder: Path) -> Path:
    """Where the store in `folder` is."""
    return folder / "hearth.db"


@dataclass(frozen=True, slots=True)
class _Opened:
    """What `Database.open` hands to the constructor."""

    folder: Path
    lock: HomeLock
    writer: Connection
    readers: list[Connection]
    accepting: bool


class Database:
    """An open store. Make one with `open` or `create`; `close` leaves one clean file.

    `trouble.code` says what ails its disk. `key` is what new connections are opened with: a rekey replaces it.
    """

    def __init__(self, opened: _Opened, key: StoreKey) -> None:
        self.key = key
        self.folder = opened.folder
        self.trouble = Trouble(opened.folder)
        self._lock = opened.lock
        self._accepting = opened.accepting
        path = store_path(opened.folder)
        self._writing = Writer(opened.writer, lambda: connect_writer(path, self.key), self.trouble)
        self._reading = [
            Reader(reader, lambda: connect_reader(path, self.key), self.trouble) for reader in opened.readers
        ]
        self._writes: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._closed = False
        self._changing = asyncio.Lock()  # held while there is no connection: by a rekey, and by the end
        self._start()
        self._written = asyncio.Event()  # since the witness was written last
        self._witness = asyncio.get_running_loop().create_task(self._keep_witness())

    @classmethod
    async def open(cls, folder: Path, key: StoreKey, *, accepting: bool = False, reserve: bool = False) -> Database:
        """Faults that leave every byte on disk as it was: store_missing, store_truncated, store_foreign, store_damaged,
        store_newer, store_rolled_back, wal_missing, wal_foreign, home_in_use.

        Then runs the migrations that the store has not seen. store_failed, disk_full or home_read_only if the disk
        refuses. `accepting`: whatever the witness says, and it goes on saying it until `close`: for one who accepts
        that something is missing, and notes it before that. `reserve`: put room aside for when the disk is full.
        """
        room = Reserve.of(folder) if reserve else None
        try:
            opened = await asyncio.to_thread(_open, folder, key, accepting)
        except Fault as fault:
            if fault.code != "disk_full" or room is None or not await asyncio.to_thread(room.free):
                raise
            opened = await asyncio.to_thread(_open, folder, key, accepting)
        else:
            if room is not None:
                await asyncio.to_thread(room.make)
        database = cls(opened, key)
        database.trouble.reserve = room
        return database

    @classmethod
    async def create(cls, folder: Path, key: StoreKey) -> Database:
        """A new store, whole or not there at all. Faults: store_exists, home_not_writable, store_failed."""
        await asyncio.to_thread(create_file, store_path(folder), key)
        return await cls.open(folder, key)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on the writer thread; resolves after the commit.

        Raises what `work` raised (it is rolled back alone), or a fault if nothing was kept: store_failed, disk_full,
        home_read_only, store_damaged. Being cancelled does not take the work back.
        """
        done = await self._do(self._writes, work)
        self._written.set()
        return done

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a reader thread, on one snapshot that has every write resolved before.

        Fault("store_damaged") if it met a damaged page; other pages can be read on.
        """
        return await self._do(self._reads, work)

    async def damaged_pages(self) -> list[str]:
        """What a check of every page against its seal finds, in SQLCipher's words; empty for a sound store. Slow."""
        return await self.read(lambda tx: [str(row[0]) for row in tx.all("PRAGMA cipher_integrity_check")])

    async def tend(self) -> None:
        """Look whether a disk that refused takes writes again, and put the reserve aside (again). Cheap when well."""
        if self.trouble.writing:
            with suppress(Fault):
                await self.write(_try_out)
        if self.trouble.reserve is not None and not self.trouble.writing:
            await asyncio.to_thread(self.trouble.reserve.make)

    def accepted(self) -> None:
        """That something is missing is noted in the store: from now on its witness goes by it."""
        self._accepting = False

    async def close(self) -> None:
        """Finish what is queued, move the WAL into the store, leave one file. May be called twice."""
        async with self._changing:
            if self._closed:
                return
            self._closed = True
            self._witness.cancel()
            await asyncio.gather(self._witness, return_exceptions=True)
            self._stop()
            await asyncio.to_thread(self._finish)

    async def rekey(self, new: StoreKey) -> float:
        """Seal the store anew, for the key `new`; how many seconds that took. Works that come meanwhile wait.

        The caller has sealed `new` into the slots before that. After a fault (disk_full, store_failed) the store is
        open as before, by whichever key `key` is then. Being cancelled does not stop it.
        """
        return await asyncio.shield(asyncio.ensure_future(self._rekey(new)))

    async def _rekey(self, new: StoreKey) -> float:
        async with self._changing:
            if self._closed:
                raise Fault("box_locked", "the store is closed")
            start = time.perf_counter()
            self._stop()
            try:
                await asyncio.to_thread(self._change_key, new)
            finally:
                self._start()  # also over connections that could not be opened again: works are told, not kept waiting
            return time.perf_counter() - start

    def _change_key(self, new: StoreKey) -> None:
        """Between two lives of the threads."""
        path = store_path(self.folder)
        for worker in (*self._readers, self._writer):
            worker.join()
        for reader in self._reading:
            reader.close()
        try:
            rekey.change(path, self._writing.connection, new)
        finally:
            if rekey.fits(path, new):
                self.key = new
            self._writing.reopen()
            for reader in self._reading:
                reader.reopen()

    def _start(self) -> None:
        self._writer = start_writer(self._writing, self._writes)
        self._readers = [start_reader(reader, self._reads) for reader in self._reading]

    def _stop(self) -> None:
        """Each thread ends when it comes to its None; what was queued before is done, what comes after waits."""
        for _ in self._readers:
            self._reads.put(None)
        self._writes.put(None)

    async def _do(self, jobs: queue.SimpleQueue[Job | None], work: Callable[[Transaction], T]) -> T:
        async with self._room:
            if self._closed:
                raise Fault("box_locked", "the store is closed")
            future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            jobs.put(Job(work, future))
            return await future

    async def _keep_witness(self) -> None:
        """Until cancelled. What a reader sees is on the disk already, so the witness is never ahead of it.

        Works that looked and changed nothing, or nothing that it speaks of, wear no card out.
        """
        kept: witness.Seen | None = None
        while True:
            await self._written.wait()
            await asyncio.sleep(witness.SECONDS)
            self._written.clear()
            if self._accepting:
                continue
            try:
                seen = await self.read(lambda tx: witness.look(tx.one))
                if seen == kept:
                    continue
                await asyncio.to_thread(witness.write, self.folder, "open", seen)
                kept = seen
            except Fault:  # an older witness is a weaker one, not a wrong one; the next commit tries again
                continue

    def _finish(self) -> None:
        for worker in (*self._readers, self._writer):
            worker.join()
        for reader in self._reading:
            reader.close()
        try:
            if self._accepting:
                self._writing.close()
            else:
                leave(self.folder, self._writing.connection)
        finally:
            self._lock.release()


def _try_out(tx: Transaction) -> None:
    """A change that reaches the disk: SQLite leaves out one that puts the same value."""
    tx.execute("INSERT OR REPLACE INTO keeping VALUES ('tried', hex(randomblob(8)))")


def _open(folder: Path, key: StoreKey, accepting: bool) -> _Opened:
    path, migrations = store_path(folder), migrate.load()
    if not path.is_file():
        raise Fault("store_missing")
    with ExitStack() as undo:
        lock = HomeLock.of_store(folder)
        undo.callback(lock.release)
        try:
            # Where nothing is to be overruled the store is entered as always, or a kill would leave a foreign WAL.
            accepting = not _as_witnessed(path, key, migrations, accepting=accepting)
            writer = connect_writer(path, key)
            if accepting:
                undo.callback(writer.close)
            else:
                undo.callback(leave, folder, writer)
                enter(folder, writer)
            # A rekey that was cut short after its commit has sealed the pages in the WAL only.
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            migrate.apply(writer, migrations)
            migrate.note_program(writer, version("hearth"))
            readers = [connect_reader(path, key) for _ in range(READERS)]
        except StoreError as error:
            raise Trouble(folder).explain(fault_of(error) or Fault("store_failed")) from error
        except OSError as error:
            raise fault_of_os(error) from error
        undo.pop_all()
    return _Opened(folder, lock, writer, readers, accepting)


def _as_witnessed(path: Path, key: StoreKey, migrations: tuple[migrate.Migration, ...], *, accepting: bool) -> bool:
    """Whether the store is what its witness says; if not, it must be accepted. Faults: those of the probe."""
    try:
        probe.check(path, key, migrations, witness.read(path.parent))
    except Fault as fault:
        if not accepting or fault.code not in OVERRULED:
            raise
        return False
    return True


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
        give_to_owner(fresh, path.parent)
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
