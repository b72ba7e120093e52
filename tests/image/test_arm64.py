"""The Raspberry Pi's image in a virtual machine for its processor. `make test-image-pi`, after `make image-pi`.

The machine is QEMU's `virt`: kernel, initrd and command line are those of the image's boot partition, but QEMU loads
them, and disk and network are virtio. What a Raspberry Pi's firmware would do is not tried: image/README.md lists it.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.machine import Machine, asks, overlay, raw

pytestmark = [pytest.mark.image, pytest.mark.slow]

SECTOR = 512
IMAGE = Path(__file__).parents[2] / "image"
OUT, CACHE = IMAGE / "out", IMAGE / ".cache"


@dataclass(frozen=True)
class Place:
    """A partition of an image, in bytes."""

    start: int
    size: int


def table(disk: Path) -> dict[int, Place]:
    """Partitions by their numbers."""
    said = subprocess.run(["sfdisk", "--dump", disk], check=True, capture_output=True, text=True).stdout
    lines = re.findall(r"(?m)^\S*?(\d) : start= *(\d+), size= *(\d+)", said)
    return {int(number): Place(int(start) * SECTOR, int(size) * SECTOR) for number, start, size in lines}


class Virt(Machine):
    def _board(self) -> list[str]:
        return ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72"]


def read(image: Path, name: str, into: Path, number: int = 2) -> Path:
    """A file of a boot partition."""
    place = f"{image}@@{table(image)[number].start}"
    (into / name).unlink(missing_ok=True)
    subprocess.run(["mcopy", "-n", "-i", place, f"::{name}", into / name], check=True)
    return into / name


@pytest.fixture(scope="module")
def image() -> Path:
    images = sorted(OUT.glob("hearth-*-arm64.img"), key=lambda path: path.stat().st_mtime)
    images = [path for path in images if "broken" not in path.name]
    if not images:
        pytest.fail("there is no image: run `make image-pi` first")
    return images[-1]


@pytest.fixture
def started(image: Path, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """What QEMU starts in the firmware's place, for slot a."""
    kernel, initrd = (read(image, name, tmp_path) for name in ("vmlinuz", "initrd.img"))
    line = read(image, "cmdline.txt", tmp_path).read_text().strip()
    yield ("-kernel", str(kernel), "-initrd", str(initrd), "-append", f"{line} console=ttyAMA0")


async def test_the_portal_answers_and_the_data_reach_to_the_end_of_the_card(
    image: Path, started: tuple[str, ...], tmp_path: Path
) -> None:
    disk = overlay(image, tmp_path / "card.qcow2", "8G")
    async with Virt(tmp_path / "pi", disk, direct=started) as box:
        first = await box.answers()
        print(f"first start to the portal: {first:.0f} s, load {os.getloadavg()[0]:.1f}")
    after = table(raw(disk, tmp_path / "card.img"))
    assert after[7].start + after[7].size > 7.9 * 2**30
    assert {number: after[number] for number in (1, 2, 3, 5, 6)} == {
        number: place for number, place in table(image).items() if number not in (4, 7)
    }
    async with Virt(tmp_path / "pi", disk, direct=started) as box:
        again = await box.answers()
        print(f"second start to the portal: {again:.0f} s, load {os.getloadavg()[0]:.1f}")
        assert await asks(box.ports.portal)


@pytest.fixture
def updated(image: Path, tmp_path: Path) -> Path:
    """A card with the same root in the other slot, too."""
    disk, places = tmp_path / "card.img", table(image)
    subprocess.run(["cp", "--sparse=always", image, disk], check=True)
    words = ("bs=1M", "conv=notrunc,sparse", "iflag=skip_bytes,count_bytes", "oflag=seek_bytes", "status=none")
    where = (f"skip={places[5].start}", f"seek={places[6].start}", f"count={places[5].size}")
    subprocess.run(["dd", f"if={image}", f"of={disk}", *where, *words], check=True)
    boot = (f"skip={places[2].start}", f"seek={places[3].start}", f"count={places[2].size}")
    subprocess.run(["dd", f"if={image}", f"of={disk}", *boot, *words], check=True)
    _hook(disk, places[3], "boot.1")
    return disk


# Stand-ins, since this kernel may not know FAT: the one file is taken out of the partition, and put back.
MOUNT = 'mcopy -n -i "$5" ::cmdline.txt "$6/"'
UMOUNT = 'mcopy -o -i "$RAUC_SLOT_DEVICE" "$1/cmdline.txt" ::cmdline.txt; rm "$1/cmdline.txt"'


def _hook(disk: Path, place: Place, slot: str) -> None:
    """Run the bundle's hook as RAUC does when it has written that slot."""
    programs = disk.parent / "bin"
    programs.mkdir()
    for name, does in (("mount", MOUNT), ("umount", UMOUNT)):
        (programs / name).write_text(f"#!/bin/sh\nset -e\n{does}\n")
        (programs / name).chmod(0o755)
    given = {
        **{"PATH": f"{programs}:{os.environ['PATH']}", "RAUC_SLOT_DEVICE": f"{disk}@@{place.start}"},
        **{"RAUC_SLOT_CLASS": "boot", "RAUC_SLOT_NAME": slot},
    }
    subprocess.run(["sh", IMAGE / "pi/bundle-hook", "slot-post-install"], env=given, check=True)


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    """The device tree of QEMU's machine, and in it what a Raspberry Pi's firmware says of itself."""
    made = tmp_path / "virt.dtb"
    machine = ["qemu-system-aarch64", "-M", f"virt,dumpdtb={made}", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024"]
    subprocess.run([*machine, "-display", "none"], check=True, capture_output=True)
    subprocess.run(["fdtput", "-p", "-t", "x", made, "/chosen/bootloader", "capabilities", "7f"], check=True)
    return made


@pytest.fixture
def waiting(updated: Path, tmp_path: Path) -> Path:
    """That card: slot b is the box's own, and a waits to be tried."""
    words = (IMAGE / "pi/boot/autoboot.txt").read_text().replace("try=-", "try=a")
    (tmp_path / "autoboot.txt").write_text(words.translate(str.maketrans("23", "32")))
    place = f"{updated}@@{table(updated)[1].start}"
    subprocess.run(["mcopy", "-o", "-i", place, tmp_path / "autoboot.txt", "::autoboot.txt"], check=True)
    return updated


async def test_the_other_slot_starts_too(
    waiting: Path, started: tuple[str, ...], firmware: Path, tmp_path: Path
) -> None:
    """As after an update, with the command line that the bundle's hook wrote there.

    A trial waits, and this kernel cannot tell a firmware of it, since there is none: it is given up before anything of
    ours starts, in the one file that is otherwise never written.
    """
    line = read(waiting, "cmdline.txt", tmp_path, 3).read_text().strip()
    assert "root=PARTLABEL=root-b " in line
    direct = (*started[:-1], f"{line} console=ttyAMA0", "-dtb", str(firmware))
    async with Virt(tmp_path / "pi", waiting, direct=direct) as box:
        print(f"slot b to the portal: {await box.answers():.0f} s, load {os.getloadavg()[0]:.1f}")
    assert (
        read(waiting, "autoboot.txt", tmp_path, 1)
        .read_text()
        .startswith("# try=-\n[all]\ntryboot_a_b=1\nboot_partition=3\n")
    )


# -- a restart, as the firmware hears of it

# The first program of an emulated Raspberry Pi 3, which QEMU has: loads the module of the image, and starts anew.
RESTARTS = """
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
    int file = open("/hearth_tryboot.ko", O_RDONLY);
    if (syscall(SYS_finit_module, file, "", 0) == 0)
        syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART2, ARGUMENT);
    for (;;)
        pause();
}
"""
GET_REBOOT_FLAGS, SET_REBOOT_FLAGS = "0x00030064", "0x00038064"  # words of the firmware's mailbox


@pytest.fixture
def module(image: Path, tmp_path: Path) -> Path:
    root = ["unsquashfs", "-q", "-n", "-d", str(tmp_path / "root"), "-o", str(table(image)[5].start), str(image)]
    subprocess.run([*root, "usr/lib/modules/*/extra/hearth_tryboot.ko"], check=True, capture_output=True)
    (found,) = (tmp_path / "root").rglob("hearth_tryboot.ko")
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The device tree of the machine that QEMU has, from the packages that the image was made of."""
    (tar,) = CACHE.glob("debian-arm64-*[0-9a-f].tar")
    path = "./usr/lib/modules/*/dtb/broadcom/bcm2837-rpi-3-b.dtb"
    said = subprocess.run(["tar", "-xOf", tar, "--wildcards", path], check=True, capture_output=True).stdout
    (tmp_path / "tree.dtb").write_bytes(said)
    return tmp_path / "tree.dtb"


@pytest.mark.parametrize(("argument", "told"), [("0 tryboot", True), ("0", False)])
def test_the_firmware_is_told_of_a_trial_and_of_no_other_restart(
    image: Path, module: Path, tree: Path, tmp_path: Path, argument: str, told: bool
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (tmp_path / "init.c").write_text(RESTARTS)
    compiler = ["aarch64-linux-gnu-gcc", "-static", f'-DARGUMENT="{argument}"', str(tmp_path / "init.c")]
    subprocess.run([*compiler, "-o", str(first / "init")], check=True)
    (first / "hearth_tryboot.ko").write_bytes(module.read_bytes())
    packed = "find . | cpio --quiet -o -H newc >../first.cpio"
    subprocess.run(["sh", "-c", packed], cwd=first, check=True)
    log, serial = tmp_path / "firmware.log", tmp_path / "serial.log"
    command = ["qemu-system-aarch64", "-M", "raspi3b", "-m", "1G", "-nodefaults", "-display", "none"]
    command += ["-kernel", str(read(image, "vmlinuz", tmp_path)), "-dtb", str(tree), "-initrd"]
    command += [
        str(tmp_path / "first.cpio"),
        "-append",
        "console=ttyS1,115200 rdinit=/init panic=-1",
        "-serial",
        "null",
    ]
    command += ["-serial", f"file:{serial}", "-d", "unimp", "-D", str(log)]
    with subprocess.Popen(command) as machine:
        try:
            wait(lambda: "reboot: Restarting system" in serial.read_text(errors="replace"), serial)
        finally:
            machine.kill()
    assert GET_REBOOT_FLAGS in log.read_text()
    assert (SET_REBOOT_FLAGS in log.read_text()) is told


def wait(condition: Callable[[], bool], serial: Path, seconds: float = 300.0) -> None:
    until = time.monotonic() + seconds
    while not serial.exists() or not condition():
        assert time.monotonic() < until, serial.read_text(errors="replace")[-2000:]
        time.sleep(0.2)
