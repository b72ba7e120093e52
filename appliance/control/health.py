"""How the machine is doing, for the console."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Literal

import psutil

from appliance.control.types import Health
from appliance.doctor import card

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
            throttled=throttled(),
            card=card.look(self._home).wear,
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


# Where a Raspberry Pi's firmware tells that it slowed the processor down, now (bits 0 to 3) or since the start (16 to
# 19); and where others count how often.
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
THERMAL_THROTTLES = "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"


def throttled(root: Path = Path("/")) -> Literal["never", "before", "now"] | None:
    """Whether the processor was slowed down; None where nobody tells."""
    with contextlib.suppress(OSError, ValueError):
        bits = int((root / THROTTLED).read_text().strip(), 16)
        return "now" if bits & 0xF else "before" if bits else "never"
    with contextlib.suppress(OSError, ValueError):
        return "before" if int((root / THERMAL_THROTTLES).read_text()) else "never"
    return None
