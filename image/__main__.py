"""`python -m image make`: what a box is flashed with and what updates it; `bundle`: the latter alone; `again`: twice;
`try`: in a virtual machine.

VERSION names a release other than pyproject.toml's, SOURCE_DATE_EPOCH its moment. See README.md.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image import again, boot, bundle, debian, disk, initrd, layout, rootfs, sbom, trying, wheels
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
    return int(subprocess.run(log, check=True, capture_output=True, text=True).stdout)


@contextmanager
def alone(target: str) -> Iterator[None]:
    """One build of a kind at a time: a second one waits for the first."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{target}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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


def make(target: Target, release: str, when: int, broken: str, disk_too: bool) -> None:
    """Write the image, the bundle and the list of what is in them to `image/out`."""
    work = CACHE / f"work-{target.name}"
    work.mkdir(parents=True, exist_ok=True)
    OUT.mkdir(exist_ok=True)
    name = OUT / f"hearth-{release}{'-broken-' + broken if broken else ''}-{target.name}"
    made = parts(target, release, when, broken, work)
    if disk_too:
        with Step("putting the disk together"):
            image(target, made, named(name, "img"), work, when)
    with Step("signing the bundle"):
        bundle.pack(made, target, release, named(name, "raucb"), work, when)
    if not broken:
        bill(target, release, work, name, made / "root-a.img")
    for file in [named(name, "raucb"), *([named(name, "img")] if disk_too else [])]:
        say(f"image/out/{file.name}: {file.stat().st_blocks * 512 / 2**20:.0f} MiB on this disk")


def named(name: Path, ending: str) -> Path:
    return name.with_name(f"{name.name}.{ending}")


def image(target: Target, made: Path, file: Path, work: Path, when: int) -> None:
    (board if target == ARM64 else boot).esp(made / "esp.img", work, when)
    disk.data(made / "data.img", work, when)
    table = layout.genimage_mbr if target == ARM64 else layout.genimage
    disk.join(made, file, work, table(file.name))


def bill(target: Target, release: str, work: Path, name: Path, root: Path) -> None:
    """What is in it, beside it."""
    _, build_only = debian.wanted(target)
    lock = wheels.wanted((PROJECT / "requirements.lock").read_text(), target.machine)
    found = [*sbom.debian((work / "packages.status").read_text(), build_only), *sbom.wheels(lock.values())]
    if target != ARM64:  # a Pi's firmware starts the kernel itself
        machine = platform.freedesktop_os_release()
        distro = f"{machine['ID']}-{machine.get('VERSION_ID', '')}"
        found += sbom.loader(Path("/var/lib/dpkg/status").read_text(), distro)
    digest = hashlib.sha256(root.read_bytes()).hexdigest()
    sbom.write(name, found, target.compatible, release, digest)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m image")
    parser.add_argument("what", choices=("make", "bundle", "again", "try"))
    parser.add_argument("--target", choices=sorted(TARGETS), default="amd64")
    parser.add_argument("--break", dest="broken", choices=["", *sorted(rootfs.BROKEN)], default="")
    parser.add_argument("--stick", type=Path, action="append", default=[], help="try: a file that is a USB stick")
    given = parser.parse_args()
    try:
        if given.what == "try":
            return trying.run(version(), given.stick)
        with alone(given.target):
            if given.what == "again":
                return again.compare(TARGETS[given.target], version(), epoch(), parts)
            make(TARGETS[given.target], version(), epoch(), given.broken, given.what == "make")
    except Failed as fault:
        say(str(fault))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
