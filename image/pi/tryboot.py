"""Compiles `tryboot/hearth_tryboot.c` for the image's kernel, with Debian 13's own compiler and the kernel's headers.

Both run in a small Debian root for this machine's processor, kept until kernel or source changes: modules want exactly
the compiler that their kernel was made with, and emulating one would take minutes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from image.targets import KEYRING, SUITE
from image.tools import CACHE, HERE, STAGE_EPOCH, Step, digest, fresh, run

SOURCES = (
    f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main",
    f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE}-backports main",
)
COMPILER = ("make", "gcc-14-aarch64-linux-gnu", "libc6-dev-arm64-cross")
# The headers of another architecture would ask for its compiler: they are unpacked, not installed.
HEADERS = "chroot \"$1\" sh -ec 'cd /tmp; apt-get -q download {0}:arm64; dpkg -x {0}_*.deb /; rm {0}_*.deb'"
NAME = "hearth_tryboot"


def module(kernel: str) -> Path:
    """The compiled module for a kernel's version, as `uname -r` will say it."""
    source = HERE / "pi/tryboot"
    files = sorted(path for path in source.iterdir() if path.is_file())
    key = digest(kernel, repr((SOURCES, COMPILER)), *(path.read_bytes() for path in files))
    made = CACHE / f"{NAME}-{key}.ko"
    if not made.exists():
        with Step("compiling what tells the Raspberry Pi of a trial"):
            _compile(kernel, files, made)
    return made


def _compile(kernel: str, files: list[Path], made: Path) -> None:
    root = fresh(CACHE / "tryboot.part")
    common, headers = kernel.rsplit("-", 1)[0], f"linux-headers-{kernel}"
    names = (*COMPILER, f"linux-headers-{common}-common", f"linux-kbuild-{common}")
    flags = ("--architectures=amd64,arm64", "--variant=apt", "--mode=root", "--dpkgopt=path-exclude=/usr/share/doc/*")
    hook = f"--customize-hook={HEADERS.format(headers)}"
    run("mmdebstrap", *flags, hook, f"--include={','.join(names)}", SUITE, root, *SOURCES)
    for path in files:
        shutil.copy(path, fresh(root / "src") if path is files[0] else root / "src")
    words = ("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-", "KBUILD_BUILD_USER=hearth", "KBUILD_BUILD_HOST=hearth")
    build = ("make", "-C", f"/usr/src/{headers}", "M=/src", *words, f"KBUILD_BUILD_TIMESTAMP=@{STAGE_EPOCH}", "modules")
    run("chroot", root, *build)
    run("chroot", root, "aarch64-linux-gnu-strip", "--strip-debug", f"/src/{NAME}.ko")
    shutil.copy(root / f"src/{NAME}.ko", made.with_suffix(".part"))
    made.with_suffix(".part").rename(made)
    shutil.rmtree(root)
