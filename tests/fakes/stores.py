"""Stores for tests: real ones, with a key derivation that costs nothing."""

from __future__ import annotations

from pathlib import Path

from appliance.store.keyslots import Cost

CHEAP = Cost(memory=64, iterations=1, lanes=1)
PASSPHRASE = "correct horse battery staple"


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file name below `folder` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
