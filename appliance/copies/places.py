"""Where a copy can go: the folder of the settings, and removable disks that are mounted.

Looks at what is mounted and writes nothing. A stick that is not mounted is the image's business, or the person's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

# Where desktops (udisks) and people put what they plug in. A disk of the box itself is mounted elsewhere.
MOUNTS = ("/media/", "/run/media/", "/mnt/")
MOST = 16  # places; more sticks than a box has sockets


@dataclass(frozen=True, slots=True)
class Place:
    """One place. Sizes in bytes. `same_disk`: the box's own disk, so it is lost together with the box.

    `fault`: why no copy can go there now, a fault's code, else "".
    """

    path: str
    kind: Literal["folder", "stick"]
    free: int
    total: int
    same_disk: bool
    fault: str = ""


def found(folder: str, home: Path, mounted: Sequence[Any] | None = None) -> list[Place]:
    """The folder of the settings first, if there is one, then sticks by their path. Blocking: for a thread.

    `mounted`: as psutil.disk_partitions tells it.
    """
    places = [look(Path(folder), home, "folder")] if folder else []
    disks = psutil.disk_partitions(all=False) if mounted is None else mounted
    sticks = sorted({disk.mountpoint for disk in disks if is_stick(disk.mountpoint)})
    return [*places, *(look(Path(path), home, "stick") for path in sticks if path != folder)][:MOST]


def is_stick(mountpoint: str) -> bool:
    """Whether something mounted there was plugged in."""
    return mountpoint.startswith(MOUNTS)


def look(path: Path, home: Path, kind: Literal["folder", "stick"]) -> Place:
    """A place as it is now."""
    try:
        usage, same = shutil.disk_usage(path), path.stat().st_dev == home.stat().st_dev
    except OSError:
        return Place(str(path), kind, 0, 0, False, "backup_no_place")
    fault = "" if path.is_dir() and os.access(path, os.W_OK | os.X_OK) else "backup_failed"
    return Place(str(path), kind, usage.free, usage.total, same, fault)
