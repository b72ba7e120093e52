"""What only the Raspberry Pi's image has: places that must agree with each other say the same."""

from __future__ import annotations

import re
from pathlib import Path

from image import debian, layout
from image.pi import board
from image.targets import AMD64, ARM64

IMAGE = Path(layout.__file__).parent
NUMBERS = {"esp": "01", "boot-a": "02", "boot-b": "03", "root-a": "05", "root-b": "06", "data": "07"}


def test_partitions_have_the_same_numbers_in_the_table_the_initrd_and_udev() -> None:
    # Three are the table's own, the fourth is the extended one, the others lie in it.
    places = ["01", "02", "03", "05", "06", "07"]
    assert dict(zip((part.name for part in layout.TABLE), places, strict=True)) == NUMBERS
    rules = (IMAGE / "pi/files/usr/lib/udev/rules.d/61-hearth-partitions.rules").read_text()
    assert (
        dict((name, number) for number, name in re.findall(r'-(\d\d)", SYMLINK\+="disk/by-partlabel/(.*)"', rules))
        == NUMBERS
    )
    init = (IMAGE / "initrd/init").read_text()
    assert dict(re.findall(r"([a-z-]+)\) echo (\d\d)", init)) == NUMBERS
    signature = f"{layout.MBR_SIGNATURE:08x}"
    assert set(re.findall(r"\b([0-9a-f]{8})-", rules + init)) == {signature}
    assert "disk-signature = 0x48525448" in layout.genimage_mbr("x.img")


def test_the_firmware_s_numbers_are_the_boot_partitions() -> None:
    words = (IMAGE / "pi/boot/autoboot.txt").read_text()
    assert re.findall(r"boot_partition=(\d)", words) == [NUMBERS["boot-a"][1:], NUMBERS["boot-b"][1:]]


def test_what_config_txt_names_is_on_the_boot_partition() -> None:
    config = (IMAGE / "pi/boot/config.txt").read_text()
    assert re.search(r"(?m)^kernel=vmlinuz$", config)
    assert re.search(r"(?m)^initramfs initrd.img ", config)
    assert {name for name in board.TREES if name.startswith("bcm2712")} >= {"bcm2712-rpi-5-b.dtb"}
    assert "root=PARTLABEL=root-a " in (IMAGE / "pi/boot/cmdline.txt").read_text()


def test_only_the_pi_takes_packages_that_are_not_free_or_not_of_debian_13_itself() -> None:
    assert all("non-free" not in line and "backports" not in line for line in (*debian.SOURCES, *AMD64.more_suites))
    assert any("backports" in line for line in ARM64.more_suites)
