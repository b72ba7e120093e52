"""The card or disk that the box's folder lies on, as far as it tells how it is. Looks only, in sysfs.

SD card             tells no wear at all; what counts is the file system's own list of errors
eMMC                life_time and pre_eol_info (JESD84-B51, EXT_CSD 267 to 269): steps of 10 percent
NVMe, SATA, USB     they would tell, by commands that need rights over the disk; nothing here has them
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["other", "sd", "emmc", "nvme", "disk"]
Wear = Literal["", "worn", "failing"]

WORN = 80  # percent of its life: order another one
_NEARLY_OVER = {"0x02": 80, "0x03": 90}  # of its spare blocks: warning, urgent


@dataclass(frozen=True, slots=True)
class Card:
    """`used`: percent of its life; `errors`: that the file system met; `written`: KiB since it was made, `since`: of
    them since it was mounted. None where nobody tells."""

    kind: Kind = "other"
    used: int | None = None
    errors: int | None = None
    written: int | None = None
    since: int | None = None

    @property
    def wear(self) -> Wear:
        """What a person should know of it."""
        if self.errors:
            return "failing"
        return "worn" if self.used is not None and self.used >= WORN else ""


def look(home: Path, root: Path = Path("/")) -> Card:
    """The one under `home`. Takes well under a millisecond and never fails."""
    try:
        number = home.stat().st_dev
    except OSError:
        return Card()
    return at(f"{os.major(number)}:{os.minor(number)}", root)


def at(number: str, root: Path) -> Card:
    """The one that holds the block device of that number, as in 179:5."""
    device = root / "sys/dev/block" / number
    with contextlib.suppress(OSError):
        device = device.resolve(strict=True)
        whole = device.parent if (device / "partition").exists() else device
        system = root / "sys/fs/ext4" / device.name
        return Card(
            kind=_kind(whole),
            used=_used(whole / "device"),
            errors=_number(system / "errors_count"),
            written=_number(system / "lifetime_write_kbytes"),
            since=_number(system / "session_write_kbytes"),
        )
    return Card()


def _kind(whole: Path) -> Kind:
    if whole.name.startswith("mmcblk"):
        return "emmc" if _text(whole / "device" / "type") == "MMC" else "sd"
    if whole.name.startswith("nvme"):
        return "nvme"
    return "disk" if whole.name.startswith("sd") else "other"


def _used(device: Path) -> int | None:
    """Of an eMMC: the worse of its two kinds of cells, and of its spare blocks. 0x01 is 0 to 10 percent."""
    found = [_NEARLY_OVER[word] for word in [_text(device / "pre_eol_info")] if word in _NEARLY_OVER]
    for word in _text(device / "life_time").split():
        with contextlib.suppress(ValueError):
            step = int(word, 16)
            if 1 <= step <= 11:
                found.append(10 * step)
    return max(found, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(_text(path))
    except ValueError:
        return None
