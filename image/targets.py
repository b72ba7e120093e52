"""The machines that an image is made for: what differs between them is said here, and nowhere else.

Leaves out how each starts: `boot.py` has the PC's way.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = "3.13"  # Debian 13's
SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Target:
    """One kind of box. `under` goes before every command that runs a program of the box itself."""

    name: str  # Debian's word for the architecture, and the last part of file names
    machine: str  # the kernel's word for it: `uname -m` on the box
    kernel: str  # Debian package, "" when a hook brings it
    wheels: tuple[str, ...]  # pip's platforms that Debian 13's C library carries, best first
    compiler: str
    under: tuple[str, ...] = ()
    more_suites: tuple[str, ...] = ()
    # Programs below image/ that mmdebstrap runs when all is unpacked, with the root as their argument.
    hooks: tuple[str, ...] = field(default=(), repr=False)

    # Which of `rauc/boot-choice-…` tells its boot loader.
    chooser: str = field(default="grub", repr=False)

    # Below image/: what this machine has besides, under the names that the lists of all have.
    folder: str = field(default="", repr=False)

    def listed(self, name: str) -> str:
        """A list of `image/` with this machine's own after it, where later lines win."""
        own = HERE / self.folder / name
        return (HERE / name).read_text() + (own.read_text() if self.folder and own.exists() else "")

    @property
    def compatible(self) -> str:
        """What a bundle must say before this box takes it."""
        return f"hearth-{self.name}"


def _platforms(machine: str) -> tuple[str, ...]:
    glibc = (41, 39, 38, 36, 35, 34, 31, 28, 27, 26, 24, 17)
    named = [f"manylinux_2_{minor}_{machine}" for minor in glibc]
    return (*named, f"manylinux2014_{machine}")


AMD64 = Target(
    "amd64",
    "x86_64",
    "linux-image-amd64",
    (*_platforms("x86_64"), "manylinux2010_x86_64"),
    "cc",
    hooks=("console-data",),
)
ARM64 = Target(
    name="arm64",
    machine="aarch64",
    kernel="",
    wheels=_platforms("aarch64"),
    compiler="aarch64-linux-gnu-gcc",
    under=(sys.executable, str(HERE / "pi/within.py")),
    more_suites=(
        f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} non-free-firmware",
        f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE}-backports main non-free-firmware",
    ),
    hooks=("console-data", "pi/unpack"),
    chooser="pi",
    folder="pi",
)
TARGETS = {target.name: target for target in (AMD64, ARM64)}
