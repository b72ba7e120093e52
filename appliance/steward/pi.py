"""What a Raspberry Pi's firmware says of itself in the device tree, and whether a release can be tried on it.

The folder is an argument; on other machines there is nothing to say. Standard library alone.

    model                                   "Raspberry Pi 4 Model B Rev 1.4"
    chosen/bootloader/capabilities          u32, big-endian: what the boot loader in the EEPROM can
    chosen/bootloader/build-timestamp       u32, Unix seconds: when it was made
    chosen/bootloader/tryboot               u32: 1 when this start is a trial
    chosen/bootloader/partition             u32: which boot partition was taken

Names as in Raspberry Pi's documentation of device trees, "Properties of the bootloader".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TREE = Path("/sys/firmware/devicetree/base")  # what /proc/device-tree leads to; seen by units that do not see /proc
MODEL = b"Raspberry Pi"
TRYBOOT_A_B = 1 << 2  # bit of `capabilities`: of two boot partitions one is tried once. Made since December 2022
MAX_PROPERTY = 4096  # bytes


@dataclass(frozen=True)
class BootLoader:
    """`made`: Unix seconds, 0 when it does not say. `tried`: this start is a trial. `partition`: 2 or 3, 0 unknown."""

    model: str
    made: int
    tried: bool
    partition: int
    can_try: bool


def read(tree: Path = TREE) -> BootLoader | None:
    """What is known of the boot loader, None where the machine is no Raspberry Pi."""
    model = _bytes(tree / "model").rstrip(b"\0")
    if not model.startswith(MODEL):
        return None
    said = tree / "chosen/bootloader"
    return BootLoader(
        model=model.decode("ascii", "replace"),
        made=_number(said / "build-timestamp"),
        tried=_number(said / "tryboot") == 1,
        partition=_number(said / "partition"),
        can_try=bool(_number(said / "capabilities") & TRYBOOT_A_B),
    )


def refusal(found: BootLoader | None) -> str:
    """Why no release can be tried so that the box falls back by itself: a fault's code, "" if nothing is against it."""
    return "update_old_boot_loader" if found is not None and not found.can_try else ""


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_PROPERTY)
    except OSError:
        return b""


def _number(path: Path) -> int:
    """A cell of the device tree; 0 for one that is missing or has another form."""
    content = _bytes(path)
    return int.from_bytes(content, "big") if len(content) == 4 else 0
