"""The Raspberry Pi's image in a virtual machine for its processor. `make test-image-pi`, after `make image-pi`.

The machine is QEMU's `virt`: kernel, initrd and command line are those of the image's boot partition, but QEMU loads
them, and disk and network are virtio. What a Raspberry Pi's firmware would do is not tried: image/README.md lists it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.machine import Machine, asks, overlay, raw

pytestmark = [pytest.mark.image, pytest.mark.slow]

SECTOR = 512
OUT = Path(__file__).parents[2] / "image/out"


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


def read(image: Path, name: str, into: Path) -> Path:
    """A file of the first boot partition."""
    place = f"{image}@@{table(image)[2].start}"
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
        await box.off()
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
    return disk


async def test_the_other_slot_starts_too(updated: Path, started: tuple[str, ...], tmp_path: Path) -> None:
    """As after an update, with the command line that the bundle's hook writes there."""
    line = started[-1].replace("root=PARTLABEL=root-a", "root=PARTLABEL=root-b")
    assert line != started[-1]
    async with Virt(tmp_path / "pi", updated, direct=(*started[:-1], line)) as box:
        await box.answers()
