"""A second store file with all that the first one held at one moment, made while that one is read and written.

`copy` promises a prefix of what was committed: one snapshot, page by page, by a connection of its own (SQLite's online
backup). The writer thread is never waited for and never made to wait; what it costs is that the WAL grows meanwhile,
since the snapshot must stay readable in it. `check` opens a copy and reads every page of it, and changes nothing.

Slow and blocking, both of them: for a thread. They leave out where a copy is kept and what lies beside it (copies/).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from appliance.faults import Fault
from appliance.store import migrate
from appliance.store.connection import APPLICATION_ID, Connection, StoreError, connect, connect_reader
from appliance.store.key import StoreKey
from appliance.store.transaction import Transaction

T = TypeVar("T")
Tell = Callable[[int, int], None]  # pages done, pages in all; may raise to break the copy off

STEP = 256  # pages, 1 MiB: how often `tell` is called, and how soon a copy can be broken off
SYNCED = (
    16 * STEP
)  # pages, 16 MiB: a stick is never asked for all at once, or its fsync would hold up the whole machine


# The library tells a backup's errors by SQLite's own sentences alone, without their names.
_SAID = {
    "database or disk is full": "FULL",
    "database disk image is malformed": "CORRUPT",
    "file is not a database": "NOTADB",
}


class Found(NamedTuple, Generic[T]):
    """What a store says of itself: its last migration, the rows of each table, and what the look saw."""

    schema: int
    counts: dict[str, int]
    seen: T


def copy(path: Path, key: StoreKey, target: Path, look: Callable[[Transaction], T], tell: Tell) -> Found[T]:
    """Write the store at `path` to the new file `target` under the same key; on disk when it returns.

    `look` reads the very snapshot that is copied. Faults: backup_full, backup_failed,
    store_damaged. Not every damaged page of the source is met here: `check` meets them all.
    """
    try:
        target.touch(mode=0o600, exist_ok=False)
        source = connect_reader(path, key)
        try:
            source.execute("BEGIN")
            found = _found(source, look)
            _copy_pages(source, target, key, tell)
        finally:
            source.close()
    except (OSError, StoreError) as error:
        raise fault_of_copy(error) from error
    return found


def check(path: Path, key: StoreKey, look: Callable[[Transaction], T]) -> Found[T]:
    """Open a copy and read all of it: every page against its seal, every row and index, every reference.

    Reads only and leaves no file beside it. Faults: backup_damaged, store_newer.
    """
    try:
        connection = connect(path, key, "mode=ro&immutable=1")
        try:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise Fault("backup_damaged", path.name)
            migrate.check(connection, migrate.load())
            _check_pages(connection, path.name)
            return _found(connection, look)
        finally:
            connection.close()
    except StoreError:
        raise Fault("backup_damaged", path.name) from None


def fault_of_copy(error: OSError | Exception) -> Fault:
    """The fault for what a copy met: the place is full, the source is damaged, or the place is gone."""
    name = _name_of(error)
    if name in ("FULL", "ENOSPC", "EDQUOT"):
        return Fault("backup_full", name)
    return Fault("store_damaged" if name.startswith(("CORRUPT", "NOTADB")) else "backup_failed", name)


def _name_of(error: OSError | Exception) -> str:
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, "unknown")
    name = str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_")
    return name or _SAID.get(str(error), "unknown")


def _copy_pages(source: Connection, target: Path, key: StoreKey, tell: Tell) -> None:
    """`source` is in a transaction, which the backup reads on in: so it never starts anew, whatever is written."""
    copied = connect(target, key, "mode=rw")
    descriptor = os.open(target, os.O_RDWR)
    try:
        # No journal and no fsync by SQLite: a copy that was cut short is thrown away, never repaired.
        copied.execute("PRAGMA journal_mode = OFF")
        copied.execute("PRAGMA synchronous = OFF")
        synced = 0

        def progress(_status: int, remaining: int, total: int) -> None:
            nonlocal synced
            done = total - remaining
            if done - synced >= SYNCED:
                os.fdatasync(descriptor)
                synced = done
            tell(done, total)

        source.backup(copied, pages=STEP, progress=progress)
        copied.close()
        os.fsync(descriptor)
    finally:
        copied.close()
        os.close(descriptor)


def _check_pages(connection: Connection, name: str) -> None:
    for question, well in (("cipher_integrity_check", []), ("integrity_check", ["ok"]), ("foreign_key_check", [])):
        if [row[0] for row in connection.execute(f"PRAGMA {question}")] != well:
            raise Fault("backup_damaged", name)


def _found(connection: Connection, look: Callable[[Transaction], T]) -> Found[T]:
    transaction = Transaction(connection)
    tables = transaction.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    counts = {}
    for table in sorted(str(row["name"]) for row in tables):
        row = transaction.one(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - a name out of our own schema
        counts[table] = int(row[0]) if row else 0
    version = transaction.one("PRAGMA user_version")
    found = Found(int(version[0]) if version else 0, counts, look(transaction))
    transaction.end()
    return found
