"""The steward's side of an errand: read what was asked, as bytes of somebody who may have been taken over; answer.

Every program of the steward is a oneshot that systemd starts when `ask/WORD.json` appears. Standard library and msgspec
alone: nothing of the store, the portal or a library that parses what comes from the network runs with its rights.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.steward.erasing import erase

FOLDER = Path("/run/hearth")
MAX_SIZE = 64 * 1024  # bytes of a request

_ID = re.compile("[0-9a-f]{16}")

Tell = Callable[[int, dict[str, Any]], None]  # percent, facts: while it takes long


class Refused(Exception):
    """What was asked cannot be done. `code`: of a fault of `appliance.faults`. No text: it might hold names."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `appliance.errands.Asked`."""

    id: str
    what: dict[str, Any]


def run(word: str, do: Callable[[dict[str, Any], Tell], dict[str, Any]], folder: Path = FOLDER) -> int:
    """One errand: the request is gone before it is begun, so that a crash cannot repeat it. Exit code 0 where
    it was answered, 1 where the program broke."""
    asked = _take(folder / "ask" / f"{word}.json")
    if asked is None:
        return 0
    told = folder / "told" / f"{word}.json"

    def tell(percent: int, facts: dict[str, Any]) -> None:
        _answer(told, {"id": asked.id, "state": "working", "percent": percent, "facts": facts})

    try:
        facts = do(asked.what, tell)
    except Refused as refused:
        _answer(told, {"id": asked.id, "state": "failed", "code": refused.code})
        return 0  # it was answered: no unit of the machine has failed
    except Exception as problem:  # noqa: BLE001 - whatever it is, who asked must not wait for ever
        sys.stderr.write(f"{word}: {type(problem).__name__}\n")
        _answer(told, {"id": asked.id, "state": "failed", "code": "internal"})
        return 1
    _answer(told, {"id": asked.id, "state": "done", "percent": 100, "facts": facts})
    return 0


def _take(path: Path) -> Asked | None:
    """The request, if there is one that can be read; gone from the folder either way, or it would start us for ever."""
    try:
        content = _content(path)
    finally:
        _clear(path)
    if not content or len(content) > MAX_SIZE:
        return None
    try:
        asked = msgspec.json.decode(content, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return asked if _ID.fullmatch(asked.id) else None


def _content(path: Path) -> bytes:
    """Of a regular file, and no more than one byte too many; no link is followed, no pipe waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(handle, MAX_SIZE + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


def _clear(path: Path) -> None:
    """Whatever lies there under that name, overwritten first: it may have been a key or a password.

    A folder with something in it stays, and only its own word suffers.
    """
    erase(path)
    with contextlib.suppress(OSError):
        path.rmdir()


def _answer(path: Path, told: dict[str, Any]) -> None:
    """Whole or not at all."""
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(msgspec.json.encode(told))
    beside.chmod(0o644)
    beside.rename(path)
