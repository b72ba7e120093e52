"""Looks at a store before it is opened, and changes nothing: no byte, no file name.

Opening SQLite for writing makes -wal and -shm files, repairs and deletes them. So a store that is to be refused must be
refused here. Two quiet ways of looking:

- no WAL with a committed transaction: `immutable`, which never looks at a WAL;
- otherwise SQLite reads the WAL into memory: read-only, without lock files (`unix-none`, `locking_mode = EXCLUSIVE`).
  Its attempt to move the WAL into the store at closing fails on the read-only descriptor; a test compares all bytes.

Safe only while nobody else has the store open: the caller holds the home's lock.
"""

from __future__ import annotations

from pathlib import Path

from appliance.faults import Fault
from appliance.store import migrate, wal
from appliance.store.connection import APPLICATION_ID, PAGE, Connection, StoreError, connect
from appliance.store.key import StoreKey


def check(path: Path, key: StoreKey, migrations: tuple[migrate.Migration, ...]) -> None:
    """Returns if the store can be opened. Faults: store_missing, store_truncated, store_foreign, store_newer."""
    size = path.stat().st_size if path.is_file() else 0
    if size == 0:
        raise Fault("store_missing")
    in_wal = wal.pages(path.with_name(path.name + "-wal"), PAGE)
    if size < PAGE and 1 not in in_wal:
        raise Fault("store_truncated", "less than one page")
    try:
        _look(path, key, migrations, in_wal, size // PAGE)
    except StoreError as error:
        raise Fault("store_foreign", str(getattr(error, "sqlite_errorname", ""))) from None


def _look(
    path: Path, key: StoreKey, migrations: tuple[migrate.Migration, ...], in_wal: frozenset[int], whole_pages: int
) -> None:
    connection = connect(path, key, "mode=ro&vfs=unix-none" if in_wal else "mode=ro&immutable=1")
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA writable_schema = ON")  # so that a file cut short can still tell its length
        _identity(connection)
        wanted = connection.execute("PRAGMA page_count").fetchone()[0]
        if any(page not in in_wal for page in range(whole_pages + 1, wanted + 1)):
            raise Fault("store_truncated", f"{whole_pages} pages of {wanted}")
        migrate.check(connection, migrations)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    finally:
        connection.close()


def _identity(connection: Connection) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise Fault("store_foreign", "not a store of ours")
