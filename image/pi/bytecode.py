"""Compiles the modules of a root for another processor with this processor's own Python of the same release.

Python's bytecode is the same on every processor; emulating the compiler would take ten minutes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from image import debian
from image.targets import AMD64, PYTHON
from image.tools import CACHE, fresh, run

# $1 the other root, $2 this processor's: seen there as /mnt, in a mount namespace of its own.
# Its workers share a semaphore in /dev/shm.
INSIDE = 'mount --bind "$1" "$2/mnt"; mount --rbind /dev "$2/dev"; root=$2; shift 2; exec chroot "$root" "$@"'


def build(root: Path, flags: tuple[str, ...], places: list[str]) -> None:
    """`places` as the box names them; the compiled modules say where they will lie, not where they were made."""
    tar = debian.root_tar(AMD64)
    native = CACHE / f"native-{tar.stem}"
    if not native.exists():
        part = fresh(CACHE / "native-part")
        run(
            "tar",
            "--extract",
            "-f",
            tar,
            "-C",
            part,
            "--exclude=./dev/*",
            "--exclude=./usr/lib/modules",
            "--exclude=./var",
        )
        (part / "mnt").mkdir(exist_ok=True)
        for old in CACHE.glob("native-*"):
            if old != part:
                shutil.rmtree(old)
        part.rename(native)
    python = (f"/usr/bin/python{PYTHON}", "-B", *flags, "-s", "/mnt", "-p", "/")
    there = [f"/mnt{place}" for place in places]
    run("unshare", "--mount", "--propagation=private", "sh", "-ec", INSIDE, "sh", root, native, *python, *there)
