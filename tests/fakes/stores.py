"""Stores for tests: real ones, with a key derivation that costs nothing."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.store.keyslots import Cost

CHEAP = Cost(memory=64, iterations=1, lanes=1)
PASSPHRASE = "correct horse battery staple"


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file name below `folder` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def no_room_in_files_beyond(size: int) -> Iterator[None]:
    """The kernel refuses to let any file grow beyond `size` bytes: a full disk, as far as a program can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
