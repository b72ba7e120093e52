"""Runs other programs, and says where what they make belongs. No shell, and no output but of what fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent
OUT = HERE / "out"
CACHE = Path(os.environ.get("HEARTH_IMAGE_CACHE", HERE / ".cache"))

# The moment that every file of the cached stages claims to be from. Only the whole image says when it was made.
STAGE_EPOCH = 1_750_000_000


class Failed(Exception):
    """A program ended with an error; its last words are the text."""


def say(sentence: str) -> None:
    sys.stderr.write(f"image: {sentence}\n")
    sys.stderr.flush()


def run(*command: str | Path, epoch: int = STAGE_EPOCH, cwd: Path | None = None, **environment: str) -> str:
    """Run a command, return what it printed. Raises Failed with the end of what it complained about."""
    words = [str(word) for word in command]
    given = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(epoch), **environment}
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=cwd, env=given)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise Failed(f"{' '.join(words[:6])} … ended with {done.returncode}:\n{last}")
    return done.stdout


def digest(*parts: bytes | str) -> str:
    """Names a stage by what goes into it."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()[:16]


def fresh(folder: Path) -> Path:
    """An empty folder of that name."""
    if folder.is_symlink() or folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


class Step:
    """`with Step("packing the root"):` says what is done and how long it took."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            say(f"{self._sentence}: {time.monotonic() - self._began:.0f} s")
