"""How a store is entered and left, so that store, WAL and witness fit together wherever one is killed.

In: the WAL's file is there to stay, then the witness says "open", then something may be committed.
Out: the WAL goes into the store, then the witness says "closed", then the WAL's file goes.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from appliance.faults import Fault
from appliance.store import witness
from appliance.store.connection import Connection, StoreError
from appliance.store.files import sync_file, sync_folder


def enter(folder: Path, writer: Connection) -> None:
    """Before the first commit on `writer`, the only connection that writes. Raises StoreError, OSError, Fault."""
    seen = witness.look(lambda sql: writer.execute(sql).fetchone())  # the first read makes the WAL's file
    sync_folder(folder)
    witness.write(folder, "open", seen)


def leave(folder: Path, writer: Connection) -> None:
    """Close the last connection to the store in `folder`. Never fails: what a disk refuses here is found at the next
    start, by a WAL that is still there and a witness that says so.
    """
    wal = folder / "hearth.db-wal"
    seen = _empty_wal(wal, writer)
    told = seen is not None and _tell(folder, seen)
    with suppress(StoreError):
        writer.close()  # the last one: SQLite removes the WAL's file if it could empty it
    if not told and not wal.exists() and not (seen is not None and _tell(folder, seen)):
        with suppress(OSError):
            wal.touch(mode=0o600)  # the witness still says open: an empty WAL is what it then looks for


def _empty_wal(wal: Path, writer: Connection) -> witness.Seen | None:
    """How far the store has come once the WAL is empty, also after a power cut; None if it would not be emptied."""
    try:
        busy = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        sync_file(wal)  # SQLite does not: what is in the store already would be found in the WAL again, as foreign
        return None if busy else witness.look(lambda sql: writer.execute(sql).fetchone())
    except (StoreError, OSError):
        return None


def _tell(folder: Path, seen: witness.Seen) -> bool:
    try:
        witness.write(folder, "closed", seen)
    except Fault:
        return False
    return True
