"""Files that held a key: overwritten, cut to nothing and deleted, each step on the disk before the next.

A card may keep older blocks where only its maker can reach them.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

SMALL = 4 * 1024 * 1024  # bytes: what is overwritten whole; keys, settings and lists are a thousandth of it


def erase(path: Path) -> None:
    """Whatever a disk refuses, the rest is tried all the same. Of a link only itself goes; no folder goes."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            overwrite(handle)
        finally:
            os.close(handle)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        sync(path.parent)


def overwrite(handle: int) -> None:
    """A regular file's content. OSError where the disk refuses."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        return
    if found.st_size <= SMALL:
        os.pwrite(handle, os.urandom(found.st_size), 0)
        os.fsync(handle)
    os.ftruncate(handle, 0)
    os.fsync(handle)


def sync(path: Path) -> None:
    """A file, or the names in a folder, on the disk. OSError where the disk refuses."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
