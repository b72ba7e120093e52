"""How a store is left: WAL into the store, then the witness, then the WAL's file goes. Killed anywhere, they fit."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from appliance.faults import Fault
from appliance.store import witness
from appliance.store.connection import Connection, StoreError


def leave(folder: Path, writer: Connection) -> None:
    """Close the last connection to the store in `folder`. Never fails: what a disk refuses here is found at the next
    start, by a WAL that is still there and a witness that says so.
    """
    seen = _empty_wal(writer)
    told = seen is not None and _tell(folder, seen)
    with suppress(StoreError):
        writer.close()  # the last one: SQLite removes the WAL's file if it could empty it
    wal = folder / "hearth.db-wal"
    if not told and not wal.exists() and not (seen is not None and _tell(folder, seen)):
        with suppress(OSError):
            wal.touch(mode=0o600)  # the witness still says open: an empty WAL is what it then looks for


def _empty_wal(writer: Connection) -> witness.Seen | None:
    """How far the store has come once the WAL is empty, None if it would not be emptied."""
    try:
        busy = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return None if busy else witness.look(lambda sql: writer.execute(sql).fetchone())
    except StoreError:
        return None


def _tell(folder: Path, seen: witness.Seen) -> bool:
    try:
        witness.write(folder, "closed", seen)
    except Fault:
        return False
    return True
