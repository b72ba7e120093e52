"""The machine itself: processor, memory, disk, kernel's limits, clock. Looks only, but for small files in the home."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from pathlib import Path

import psutil

from appliance.carrying import cores, machine_name
from appliance.control.health import temperature, throttled
from appliance.doctor.facts import Machine

WRITES = 20
WRITE_SIZE = 4096  # bytes: a page of the store


def look(home: Path, root: Path = Path("/")) -> Machine:
    """One look; takes as long as twenty safe writes."""
    memory, disk, writes = psutil.virtual_memory(), _disk(home), _writes(home)
    return Machine(
        name=machine_name(root),
        processor=_processor(root),
        cores=cores(),
        temperature=temperature(),
        throttled=_throttled(root),
        memory_available=memory.available,
        memory_total=memory.total,
        disk_free=disk[0],
        disk_total=disk[1],
        write_ms=statistics.median(writes) if writes else None,
        write_worst_ms=max(writes) if writes else None,
        receive_buffer=_number(root / "proc/sys/net/core/rmem_max"),
        clock_ok=time.time() > _made_at(),
        clock_synchronised=_synchronised(root),
    )


def _writes(home: Path) -> list[float]:
    """Milliseconds of each write that is on the disk when it returns; empty where nothing can be written."""
    path, taken = home / ".doctor", list[float]()
    with contextlib.suppress(OSError):
        with path.open("wb", buffering=0) as file:
            for _ in range(WRITES):
                began = time.monotonic()
                file.write(bytes(WRITE_SIZE))
                os.fsync(file.fileno())
                taken.append((time.monotonic() - began) * 1000)
        path.unlink()
    return taken


def _disk(home: Path) -> tuple[int, int]:
    try:
        disk = psutil.disk_usage(os.fspath(home))
    except OSError:
        return 0, 0
    return disk.free, disk.total


def _processor(root: Path) -> str:
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(named, "")[:80]


def _throttled(root: Path) -> bool | None:
    """Whether it was slowed down since the start; None where nobody tells."""
    found = throttled(root)
    return None if found is None else found != "never"


def _synchronised(root: Path) -> bool | None:
    """systemd-timesyncd leaves this file when a server has answered; other programs leave nothing to see."""
    if not (root / "run/systemd/timesync").is_dir():
        return None
    return (root / "run/systemd/timesync/synchronized").exists()


def _made_at() -> float:
    """When this version was installed, at the earliest: no clock that is right is before it."""
    return Path(__file__).stat().st_mtime


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
