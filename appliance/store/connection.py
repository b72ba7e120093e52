"""One SQLCipher connection: how it is opened, what it promises, and which fault its errors are.

The only file that imports the library.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlcipher3 import dbapi2

from appliance.faults import Fault
from appliance.store.key import StoreKey

Connection = Any  # dbapi2.Connection; the library has no types
StoreError: type[Exception] = dbapi2.Error
IntegrityError: type[Exception] = dbapi2.IntegrityError

APPLICATION_ID = 0x48525448  # "HRTH", in the header of every store of ours
PAGE = 4096  # bytes

# One setting a line; what differs from SQLite's defaults has its reason.
_SETTINGS = (
    "PRAGMA cipher_compatibility = 4",  # the file format stays, whatever the library's next default is
    # Pages are kept out of swap and wiped when freed. Costs 3 times the processor time of a write and twice that of a
    # read (README, decision 6): microseconds, where a commit costs milliseconds.
    "PRAGMA cipher_memory_security = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # else INSERT OR REPLACE takes a row away past what keeps a table append-only
    "PRAGMA secure_delete = ON",  # what was deleted is overwritten, so that a later leak of the key finds less
    "PRAGMA temp_store = MEMORY",  # temporary tables and sorts are never encrypted on disk, so they never go there
    "PRAGMA trusted_schema = OFF",  # the schema of a file is no reason to run a function
    "PRAGMA cell_size_check = ON",
    "PRAGMA busy_timeout = 5000",  # ms; only a checkpoint can hold a lock against us
)
_WRITING = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # fsync at each commit: with NORMAL a power cut takes back what was confirmed
    "PRAGMA journal_size_limit = 16777216",  # bytes: the WAL shrinks to this after a checkpoint
)

# What SQLite calls trouble with the machine, and trouble with the bytes. Anything else is a mistake of ours.
_MACHINE = (
    "IOERR",
    "READONLY",
    "CANTOPEN",
    "BUSY",
    "LOCKED",
    "NOMEM",
    "PROTOCOL",
    "PERM",
    "INTERRUPT",
    "NOLFS",
)
_BYTES = ("CORRUPT", "NOTADB")


def connect(path: Path, key: StoreKey, options: str) -> Connection:
    """A connection by SQLite URI `options` such as "mode=rw", keyed but not yet read. For one thread at a time."""
    uri = f"file:{quote(os.fspath(path))}?{options}"
    connection = dbapi2.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.row_factory = dbapi2.Row
    connection.execute("PRAGMA cipher_log_level = NONE")  # faults are told by us, not by the library on stderr
    connection.execute(f'PRAGMA key = "{key.pragma()}"')
    for setting in _SETTINGS:
        connection.execute(setting)
    return connection


def connect_writer(path: Path, key: StoreKey, *, create: bool = False) -> Connection:
    """The connection that writes: WAL, every commit synced."""
    connection = connect(path, key, "mode=rwc" if create else "mode=rw")
    for setting in _WRITING:
        connection.execute(setting)
    return connection


def connect_reader(path: Path, key: StoreKey) -> Connection:
    """A connection that cannot write. Not `mode=ro`: a WAL reader must be able to take its place in the -shm file."""
    connection = connect(path, key, "mode=rw")
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect_memory() -> Connection:
    """An empty database in memory that never touches the disk. For one thread at a time."""
    connection = dbapi2.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute("PRAGMA cipher_memory_security = ON")  # kept out of swap as far as allowed, wiped when freed
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def fault_of(error: BaseException) -> Fault | None:
    """The fault for an error of the store, None for any other error (a constraint, bad SQL, the caller's own)."""
    if not isinstance(error, StoreError):
        return None
    name = str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_")
    if name.startswith(_BYTES):
        return Fault("store_damaged", name)
    if name.startswith("FULL"):
        return Fault("disk_full", name)
    return Fault("store_failed", name) if name.startswith(_MACHINE) else None
