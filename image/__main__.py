"""`python -m image make|bundle|again`: builds what a box is flashed with, and what it is updated with. See README.md."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from image import boot, disk, initrd, layout, rootfs
from image.pi import board
from image.targets import ARM64, TARGETS, Target
from image.tools import CACHE, OUT, PROJECT, Failed, Step, fresh, say


def version() -> str:
    found = re.search(r'(?m)^version = "(.*)"$', (PROJECT / "pyproject.toml").read_text())
    return os.environ.get("VERSION") or (found.group(1) if found else "0")


def epoch() -> int:
    """When this release was made: SOURCE_DATE_EPOCH, or the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    log = ("git", "-C", str(PROJECT), "log", "-1", "--format=%ct")
    return int(subprocess.run(log, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def parts(target: Target, release: str, when: int, broken: str, work: Path) -> Path:
    """Build the root and what starts it: `root-a.img` and `boot-a.img` in the folder that is returned."""
    made = fresh(work / "parts")
    root = work / "root"
    with Step("laying out the root"):
        busybox = rootfs.build(target, release, when, root, work, broken)
    with Step("packing the initrd"):
        initrd.build(root, target, busybox, work / "initrd.img", work, when)
    with Step("packing the root"):
        rootfs.squash(root, made / "root-a.img", when)
    if (made / "root-a.img").stat().st_size > layout.ROOT_A.size:
        raise Failed("The root does not fit its partition any more.")
    way = board if target == ARM64 else boot
    way.slot(made / "boot-a.img", layout.BOOT_A, work / "vmlinuz", work / "initrd.img", when)
    return made


def make(target: Target, release: str, when: int, broken: str) -> Path:
    work = CACHE / f"work-{target.name}"
    work.mkdir(parents=True, exist_ok=True)
    OUT.mkdir(exist_ok=True)
    made = parts(target, release, when, broken, work)
    with Step("putting the disk together"):
        (board if target == ARM64 else boot).esp(made / "esp.img", work, when)
        disk.data(made / "data.img", work, when)
        image = OUT / f"hearth-{release}-{target.name}.img"
        table = layout.genimage_mbr if target == ARM64 else layout.genimage
        disk.join(made, image, work, table(image.name))
    say(f"{image.relative_to(PROJECT)}: root {(made / 'root-a.img').stat().st_size / 2**20:.0f} MiB")
    return image


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m image")
    parser.add_argument("what", choices=("make",))
    parser.add_argument("--target", choices=sorted(TARGETS), default="amd64")
    parser.add_argument("--break", dest="broken", choices=sorted(rootfs.BROKEN), default="")
    given = parser.parse_args()
    try:
        make(TARGETS[given.target], version(), epoch(), given.broken)
    except Failed as fault:
        say(str(fault))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
