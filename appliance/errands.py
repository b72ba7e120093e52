"""Errands: what only the machine's system may do, asked of it by a file and answered by a file.

The appliance has no right to change network, clock, release or power of the machine it runs on. It writes what it
wants into `/run/hearth/ask`, where a path unit of systemd starts the one oneshot program (`appliance/steward/`) that
may do this, checks every word of the request, does it, and writes `/run/hearth/told`. Nothing secret stays: a request
is overwritten and deleted as it is read, and taken back when nobody came for it; both folders are in memory.

    ask/WORD.json    Asked: written here under another name, renamed; one at a time for each word
    told/WORD.json   Told: written by the steward; several times while something takes long (`state` working)

On a machine without the steward (a checkout, `hearth up`) every errand is Fault("not_the_machine"): such a box is not
the machine's master, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from appliance.faults import Fault

FOLDER = Path("/run/hearth")
LOOK_SECONDS = 0.1  # between two looks for the answer
Word = Literal["network", "clock", "update", "power", "reset", "stick", "slots", "credential"]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request. `id`: 16 hex digits that come back in the answer. `what`: the word's own, checked by the steward."""

    id: str
    what: dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """An answer. `code`: of the fault if `state` is failed. `percent`: of what takes long. `facts`: the word's own."""

    id: str
    state: Literal["working", "done", "failed"]
    code: str = ""
    percent: int = 0
    facts: dict[str, Any] = {}


class Errands:
    """The appliance's side. One object a box; `folder` is another one in tests."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @property
    def possible(self) -> bool:
        """Whether this machine has a steward."""
        return os.access(self._folder / "ask", os.W_OK)

    def told(self, word: Word) -> Told | None:
        """The newest answer to that word, also to an errand that was asked for before this process began."""
        try:
            return msgspec.json.decode((self._folder / "told" / f"{word}.json").read_bytes(), type=Told)
        except (OSError, msgspec.DecodeError):
            return None

    async def ask(self, word: Word, what: dict[str, Any], seconds: float = 30.0) -> Told:
        """Ask and wait for `done`. Faults: not_the_machine, machine_busy (no answer in time), the steward's own."""
        if not self.possible:
            raise Fault("not_the_machine")
        asked = Asked(id=secrets.token_hex(8), what=what)
        content = msgspec.json.encode(asked)
        try:
            await asyncio.to_thread(self._write, word, content)
            return await self._answer(word, asked.id, seconds)
        finally:
            self._take_back(word, content)

    async def _answer(self, word: Word, identifier: str, seconds: float) -> Told:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            told = await asyncio.to_thread(self.told, word)
            if told is not None and told.id == identifier and told.state != "working":
                if told.state == "failed":
                    raise Fault(told.code or "internal")
                return told
            await asyncio.sleep(LOOK_SECONDS)
        raise Fault("machine_busy")

    def _write(self, word: str, content: bytes) -> None:
        """Whole or not at all: the path unit looks for the final name only. The steward may write it: it overwrites."""
        beside = self._folder / "ask" / f".{word}"
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660), "wb") as file:
            file.write(content)
        beside.rename(self._folder / "ask" / f"{word}.json")

    def _take_back(self, word: str, content: bytes) -> None:
        """What nobody came for is not done later, when nobody waits for it, and does not lie there with a secret in it.
        A request that took its place meanwhile stays."""
        path = self._folder / "ask" / f"{word}.json"
        with contextlib.suppress(OSError), path.open("r+b") as file:
            if file.read(len(content) + 1) == content:
                file.seek(0)
                file.write(bytes(len(content)))
                file.flush()
                path.unlink()
