"""Another key for the store's file, in its place: after a power cut at any moment exactly one of the two keys opens it.

`PRAGMA rekey` seals every page anew in ONE transaction of the WAL: before its commit frame is on the disk the old key
opens the store, after it the new one. README, decision 9, has why not an export to a second file.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from appliance.faults import Fault
from appliance.store.connection import Connection, StoreError, connect_reader, fault_of
from appliance.store.files import fault_of_os
from appliance.store.key import StoreKey

BYTES_PER_SECOND = 50_000_000  # measured: 207 MB in 4.1 s on a server core; what one is told before it begins
SLOWEST = 8  # how many times longer a Raspberry Pi 4 with a card may take
_SPARE = 16 * 1024 * 1024  # bytes beyond the store's size: the WAL's frames have headers, and others write too


def estimate(path: Path) -> tuple[float, float]:
    """Seconds that a rekey takes: on a fast machine, and on a slow one."""
    with suppress(OSError):
        quick = 0.5 + path.stat().st_size / BYTES_PER_SECOND
        return quick, quick * SLOWEST
    return 0.5, 0.5 * SLOWEST


def change(path: Path, writer: Connection, new: StoreKey) -> None:
    """Blocks. `writer` is the only connection to the store, and of no use afterwards: open another one before it is
    closed, since with the last one the WAL's file goes. Faults: disk_full (before it begins), store_failed and the
    like: then `fits` tells which key it is.
    """
    try:
        if shutil.disk_usage(path.parent).free < path.stat().st_size + _SPARE:
            raise Fault("disk_full", "a rekey needs as much room again as the store takes")
        writer.execute(f'PRAGMA rekey = "{new.pragma()}"')
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except StoreError as error:
        raise fault_of(error) or error from error
    except OSError as error:
        raise fault_of_os(error) from error
    if not fits(path, new):  # the library tells a rekey's failure by saying nothing
        raise Fault("store_failed", "rekey")


def fits(path: Path, key: StoreKey) -> bool:
    """Whether the key opens the store, which others of this process have open."""
    reader: Connection = None
    try:
        reader = connect_reader(path, key)
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except StoreError:
        return False
    finally:
        if reader is not None:
            reader.close()
    return True
