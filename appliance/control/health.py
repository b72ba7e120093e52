"""How the machine is doing, for the console."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from appliance.control.types import Health

# The sensor that stands for the processor, by the names Linux gives it: Raspberry Pi, Intel, AMD, virtual machines.
PROCESSOR_SENSORS = ("cpu_thermal", "coretemp", "k10temp", "zenpower", "acpitz")


class Probe:
    """Asks the kernel. `home` is on the disk whose space counts."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def health(self) -> Health:
        """One look; takes well under a millisecond and never fails for a sensor or disk that tells nothing."""
        memory = psutil.virtual_memory()
        used, total, free = _disk(self._home)
        return Health(
            load=round(os.getloadavg()[0], 2),
            cores=os.cpu_count() or 1,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            disk_used=used,
            disk_total=total,
            disk_free=free,
            temperature=temperature(),
            uptime_seconds=int(time.clock_gettime(time.CLOCK_BOOTTIME)),  # not wall clock: that one jumps
        )


def _disk(home: Path) -> tuple[int, int, int | None]:
    try:
        disk = psutil.disk_usage(os.fspath(home))
    except OSError:
        return 0, 0, None
    return disk.used, disk.total, disk.free


def temperature() -> float | None:
    """Of the processor, in °C; None where the machine tells none."""
    try:
        sensors = psutil.sensors_temperatures()
    except (OSError, AttributeError):
        return None
    readings = [sensors[name][0].current for name in PROCESSOR_SENSORS if sensors.get(name)]
    return float(readings[0]) if readings else None
