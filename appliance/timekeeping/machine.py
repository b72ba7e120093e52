"""What the machine knows of its own clock: whether a time server sets it, whether it runs without power. Looks only."""

from __future__ import annotations

import ctypes
from pathlib import Path

ROOT = Path("/")
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of adjtimex(2)
_SIZE, _STATUS = 208, 40  # bytes of struct timex on 64-bit Linux, and where its status stands


def synchronised(root: Path = ROOT) -> bool:
    """Whether a time server has set the clock since the machine started. Unknown counts as no."""
    return (root / "run/systemd/timesync/synchronized").exists() or _kernel_says_so()


def has_battery(root: Path = ROOT) -> bool:
    """Whether there is a clock that runs without power. Unknown (a container) counts as yes: its host has one."""
    clocks = root / "sys/class/rtc"
    try:
        return any(clocks.iterdir())
    except OSError:
        return True


def boot_name(root: Path = ROOT) -> str:
    """A name for this start of the machine; "" where the kernel tells none."""
    try:
        return (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _kernel_says_so() -> bool:
    """adjtimex(2), which chrony, ntpd and systemd-timesyncd all tell; modes 0 changes nothing and needs no rights."""
    answer = ctypes.create_string_buffer(_SIZE)
    try:
        state = ctypes.CDLL(None).adjtimex(answer)
    except (OSError, AttributeError):
        return False
    status = int.from_bytes(answer.raw[_STATUS : _STATUS + 4], "little")
    return bool(0 <= state < 5 and not status & _UNSYNCHRONISED)  # 5 is TIME_ERROR
