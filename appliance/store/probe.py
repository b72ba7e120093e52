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
from appliance.store import migrate, wal, witness
from appliance.store.connection import APPLICATION_ID, PAGE, Connection, StoreError, connect
from appliance.store.key import StoreKey


def check(
    path: Path, key: StoreKey, migrations: tuple[migrate.Migration, ...], known: witness.Witness | None = None
) -> None:
    """Returns if the store can be opened. `known`: what its witness says of it.

    Faults: store_missing, store_truncated, store_foreign, store_damaged, store_newer, store_rolled_back, wal_missing,
    wal_foreign.
    """
    size = path.stat().st_size if path.is_file() else 0
    if size == 0:
        raise Fault("store_missing")
    if size < PAGE:
        raise Fault("store_truncated", "less than one page")
    beside = path.with_name(path.name + "-wal")
    rest = wal.leftover(beside, PAGE)
    connection = connect(path, key, "mode=ro&vfs=unix-none" if rest else "mode=ro&immutable=1")
    code = "store_foreign"  # until the key has opened the first page
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check_identity(connection)
        _check_length(size, rest)
        code = "store_damaged"
        migrate.check(connection, migrations)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        witness.check_wal(known, exists=beside.exists())
        if known is not None and known.state == "closed" and rest is not None:
            _check_without_wal(path, key, known)
        witness.check(lambda sql: connection.execute(sql).fetchone(), known)
    except StoreError as error:
        raise Fault(code, str(getattr(error, "sqlite_errorname", ""))) from None
    finally:
        connection.close()


def _check_without_wal(path: Path, key: StoreKey, known: witness.Witness) -> None:
    """Of a store that was closed and has a WAL all the same: if it is whole alone, that WAL is not its own.

    Otherwise an old copy of an open store was put here, with the WAL that it had: then it is to be judged with it.
    """
    connection = connect(path, key, "mode=ro&immutable=1")
    try:
        witness.check(lambda sql: connection.execute(sql).fetchone(), known)
    except (Fault, StoreError):
        return
    finally:
        connection.close()
    raise Fault("wal_foreign")


def opens(path: Path, key: StoreKey) -> bool:
    """Whether this is the store's key, of which nothing else is said. A rekey that was cut short leaves two to try."""
    if not path.is_file():
        return False
    rest = wal.leftover(path.with_name(path.name + "-wal"), PAGE)
    connection = connect(path, key, "mode=ro&vfs=unix-none" if rest else "mode=ro&immutable=1")
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except StoreError:
        return False
    finally:
        connection.close()
    return True


def opens_alone(path: Path, key: StoreKey) -> bool:
    """As `opens`, and no WAL is needed for that."""
    return wal.leftover(path.with_name(path.name + "-wal"), PAGE) is None and opens(path, key)


def _check_identity(connection: Connection) -> None:
    """Reads page 1 only, which is checked against the key first."""
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    except StoreError as error:
        # Page 1 is sound, or it would be "not a database": SQLite misses pages that page 1 speaks of.
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT"):
            raise Fault("store_truncated", "fewer pages than page 1 says") from None
        raise
    if application != APPLICATION_ID:
        raise Fault("store_foreign", "not a store of ours")


def _check_length(size: int, rest: wal.Leftover | None) -> None:
    """Every page must be whole in the store or be in the WAL, which SQLite itself does not look at."""
    whole = size // PAGE
    if rest is None:
        missing = size % PAGE != 0
    else:
        missing = any(page not in rest.pages for page in range(whole + 1, rest.length + 1))
    if missing:
        raise Fault("store_truncated", f"only {whole} whole pages")
