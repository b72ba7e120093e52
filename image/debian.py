"""Debian's part of the root, as a tar: made by mmdebstrap, kept until the list of packages changes.

`FRESH=1` makes it anew, which is how security updates come in. Needs root.
"""

from __future__ import annotations

import os
from pathlib import Path

from image.targets import KEYRING, SUITE, Target
from image.tools import CACHE, HERE, Failed, Step, digest, run

SOURCES = (
    f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main",
    f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE}-updates main",
    f"deb [signed-by={KEYRING}] http://deb.debian.org/debian-security {SUITE}-security main",
)
# Never unpacked at all. Copyright files stay: licences ask for them.
LEFT_OUT = (
    *("/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*", "/usr/share/bug/*"),
    *("/usr/share/doc/*", "/usr/share/bash-completion/*", "/usr/share/zsh/*", "/usr/share/fish/*"),
)
KEPT = ("/usr/share/doc/*/copyright",)
ARCHITECTURES = ("amd64", "arm64")


def packages(text: str, architecture: str) -> tuple[list[str], list[str]]:
    """The names in `packages.txt` for an architecture: those of the box, and those that only building needs."""
    box: list[str] = []
    build: list[str] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words or any(word in ARCHITECTURES and word != architecture for word in words[:-1]):
            continue
        words = [word for word in words if word not in ARCHITECTURES]
        (build if words[0] == "build" else box).append(words[-1])
    return box, build


def wanted(target: Target) -> tuple[list[str], list[str]]:
    box, build = packages((HERE / "packages.txt").read_text(), target.name)
    return [*([target.kernel] if target.kernel else []), *box], build


def root_tar(target: Target) -> Path:
    """The cached tar, made if it is not there."""
    box, build = wanted(target)
    key = digest(repr((target, SOURCES, LEFT_OUT, box, build)), *((HERE / hook).read_bytes() for hook in target.hooks))
    made = CACHE / f"debian-{target.name}-{key}.tar"
    if made.exists() and not os.environ.get("FRESH"):
        return made
    if os.geteuid() != 0:
        raise Failed("Making the root of an image needs root: files in it belong to several users.")
    made.parent.mkdir(parents=True, exist_ok=True)
    part = made.with_suffix(".part.tar")
    with Step("fetching and unpacking Debian's packages"):
        run(*_command(target, [*box, *build], part), INITRD="No")
    for old in CACHE.glob(f"debian-{target.name}-*[0-9a-f].tar"):
        old.unlink()
    part.rename(made)
    return made


def _command(target: Target, names: list[str], made: Path) -> list[str]:
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    included = [f"--dpkgopt=path-include={pattern}" for pattern in KEPT]
    hooks = [f'--customize-hook={HERE / hook} "$1"' for hook in target.hooks]
    program = [*target.under, "mmdebstrap"]
    return [
        *(*program, f"--architectures={target.name}", "--variant=essential", "--mode=root"),
        *('--aptopt=Acquire::Retries "3"', *excluded, *included, *hooks, f"--include={','.join(names)}"),
        *(SUITE, str(made), *SOURCES, *target.more_suites),
    ]
