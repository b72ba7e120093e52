"""The machines that an image is made for: what differs between them is said here, and nowhere else.

Leaves out how each starts: `boot.py` has the PC's way.
"""

from __future__ import annotations

from dataclasses import dataclass

PYTHON = "3.13"  # Debian 13's
SUITE = "trixie"


@dataclass(frozen=True)
class Target:
    """One kind of box. `under` goes before every command that runs a program of the box itself."""

    name: str  # Debian's word for the architecture, and the last part of file names
    machine: str  # the kernel's word for it: `uname -m` on the box
    kernel: str  # Debian package
    wheels: tuple[str, ...]  # pip's platforms that Debian 13's C library carries, best first
    compiler: str
    under: tuple[str, ...] = ()
    more_suites: tuple[str, ...] = ()

    @property
    def compatible(self) -> str:
        """What a bundle must say before this box takes it."""
        return f"hearth-{self.name}"


def _platforms(machine: str) -> tuple[str, ...]:
    glibc = (41, 39, 38, 36, 35, 34, 31, 28, 27, 26, 24, 17)
    named = [f"manylinux_2_{minor}_{machine}" for minor in glibc]
    return (*named, f"manylinux2014_{machine}")


AMD64 = Target("amd64", "x86_64", "linux-image-amd64", (*_platforms("x86_64"), "manylinux2010_x86_64"), "cc")
TARGETS = {target.name: target for target in (AMD64,)}
