"""How a Raspberry Pi 4 or 5 starts: what its firmware reads, from the root that Debian's packages were unpacked into.

Leaves out who chooses the slot: `rauc/boot-choice-pi`.
"""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from image import boot
from image.layout import ESP, Partition
from image.pi import tryboot
from image.tools import HERE, fresh, run

FIRMWARE = "usr/lib/raspi-firmware"
# The Pi 4 loads these from the card; a Pi 5 has its own in the EEPROM.
LOADED = ("start4.elf", "fixup4.dat")
# Under the name that the firmware looks for: the later Pi 5 has had two.
TREES = {
    "bcm2711-rpi-4-b.dtb": "bcm2711-rpi-4-b.dtb",
    "bcm2711-rpi-400.dtb": "bcm2711-rpi-400.dtb",
    "bcm2712-rpi-5-b.dtb": "bcm2712-rpi-5-b.dtb",
    "bcm2712-d-rpi-5-b.dtb": "bcm2712-d-rpi-5-b.dtb",
    "bcm2712d0-rpi-5-b.dtb": "bcm2712-d-rpi-5-b.dtb",
}


def dress(root: Path, work: Path) -> None:
    """Take out of the root what the firmware reads, put in what Debian's kernel lacks for it, and our files."""
    firmware = fresh(work / "firmware")
    (kernel,) = (root / "usr/lib/modules").iterdir()
    for name in LOADED:
        shutil.copy(root / FIRMWARE / name, firmware / name)
    for name, source in TREES.items():
        shutil.copy(kernel / "dtb/broadcom" / source, firmware / name)
    for path in (root / FIRMWARE, kernel / "dtb", *_foreign(root)):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    extra = kernel / "extra"
    extra.mkdir()
    shutil.copy(tryboot.module(kernel.name), extra / f"{tryboot.NAME}.ko")
    run("depmod", "--basedir", root / "usr", kernel.name)
    shutil.copytree(HERE / "pi/files", root, symlinks=True, dirs_exist_ok=True)


def _foreign(root: Path) -> list[Path]:
    """Firmware for cards that no Raspberry Pi has."""
    brcm = root / "usr/lib/firmware/brcm"
    return [path for path in brcm.glob("*") if not path.name.startswith(("brcmfmac434", "brcmfmac43455"))]


def esp(made: Path, work: Path, epoch: int) -> None:
    """The partition that the firmware looks at first: which of the two it starts."""
    folder = fresh(work / "esp")
    shutil.copy(HERE / "pi/boot/autoboot.txt", folder)
    boot.fat(made, ESP, {"autoboot.txt": folder / "autoboot.txt"}, epoch)


def slot(made: Path, partition: Partition, kernel: Path, initrd: Path, epoch: int) -> None:
    """A boot partition for slot a: the bundle's hook makes it b's where it is written there."""
    firmware = kernel.parent / "firmware"
    packed = kernel.with_name("vmlinuz.gz")
    # The firmware unpacks it: a third of the reading from a slow card.
    packed.write_bytes(gzip.compress(kernel.read_bytes(), 9, mtime=0))
    files = {str(path.relative_to(firmware)): path for path in firmware.rglob("*") if path.is_file()}
    files |= {name: HERE / "pi/boot" / name for name in ("config.txt", "cmdline.txt")}
    boot.fat(made, partition, {**files, "vmlinuz": packed, "initrd.img": initrd}, epoch)
