"""Builds the same release twice and says whether they are the same, bit for bit; if not, which files differ.

The second one starts from nothing: Debian's packages and the wheels are fetched anew. So it also finds that Debian has
published something in between, and names it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from image.targets import Target
from image.tools import CACHE, fresh, say

Build = Callable[[Target, str, int, str, Path], Path]


def compare(target: Target, release: str, when: int, build: Build) -> int:
    """0 when the packed root and the boot partition are the same twice, otherwise 1."""
    found = []
    for turn in ("first", "second"):
        if turn == "second":
            os.environ["FRESH"] = "1"
        work = fresh(CACHE / f"again-{target.name}-{turn}")
        made = build(target, release, when, "", work)
        found.append({name: _digest(made / name) for name in ("root-a.img", "boot-a.img")})
        found[-1]["packages"] = _digest(work / "packages.status")
    same = found[0] == found[1]
    for name, digest in found[0].items():
        say(f"{name}: {digest} {'twice' if digest == found[1][name] else 'and then ' + found[1][name]}")
    if not same:
        trees = [contents(CACHE / f"again-{target.name}-{turn}/root") for turn in ("first", "second")]
        for path in differences(*trees):
            say(f"differs: {path}")
    else:
        for turn in ("first", "second"):
            shutil.rmtree(CACHE / f"again-{target.name}-{turn}")
    return 0 if same else 1


def contents(root: Path) -> dict[str, str]:
    """Path to what it is: the mode, and a digest or the link's target."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        about = f"{status.st_mode:o} {status.st_uid} {status.st_gid}"
        if path.is_symlink():
            about += f" {path.readlink()}"
        elif path.is_file():
            about += f" {_digest(path)}"
        found[str(path.relative_to(root))] = about
    return found


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Paths that only one has, or that are not the same in both."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
