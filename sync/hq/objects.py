"""Envelopes as objects `boxes/<box>/<sequence>`, made once by conditional create and never changed.

Two servers that race for one number are told apart by the store itself; there is no lock and no database of ours.
`obstore`'s local store never calls fsync, so this file does, before anybody signs a receipt.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore

from sync.faults import SyncFault
from sync.spool import DIGITS, sync_folder

P = ParamSpec("P")
T = TypeVar("T")


def object_path(box: bytes, sequence: int) -> str:
    """The object's name. Zeros in front, so that a store's sorted listing is the log in order."""
    return f"boxes/{box.hex()}/{sequence:0{DIGITS}d}"


class Objects:
    """The local file system under `root`. Every method raises SyncFault `hq_failed` when the machine does.

    `obstore`'s blocking calls in threads, not its coroutines: with those, the interpreter aborted at exit in 29 of 120
    short runs (obstore 0.12.1: a callback came after Python had gone).
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store = LocalStore(root, mkdir=True)
        self._known_folders: set[Path] = set()  # bounded by the enrolled boxes; folders whose own name is durable

    async def probe(self) -> None:
        """Raise `store_overwrites` unless a second create under one name is refused and changes nothing."""
        if not await _in_thread(self._probe):
            raise SyncFault("store_overwrites")

    async def get(self, box: bytes, sequence: int) -> bytes | None:
        """The object's bytes, or None."""
        return await _in_thread(self._get, object_path(box, sequence))

    async def exists(self, box: bytes, sequence: int) -> bool:
        """Whether there is such an object, whatever is in it."""
        return await _in_thread(self._exists, object_path(box, sequence))

    async def create(self, box: bytes, sequence: int, raw: bytes) -> bytes | None:
        """Create the object. None when it is new, else what was there before and still is."""
        return await _in_thread(self._create, object_path(box, sequence), raw)

    async def make_durable(self, box: bytes, sequence: int) -> None:
        """Return only when the object, its name and its folder's name survive a power cut. Also before a duplicate's
        receipt: the process that wrote the object may have died before it got here."""
        await _in_thread(self._fsync, self._root / object_path(box, sequence))

    async def set_aside(self, box: bytes, sequence: int, torn: Callable[[bytes], bool]) -> None:
        """Move a torn object to `torn/`, out of the good one's way. Looks again under a lock: it may be good now."""
        await _in_thread(self._set_aside, object_path(box, sequence), torn)

    def _probe(self) -> bool:
        path = f"probe/{secrets.token_hex(8)}"
        try:
            return self._create(path, b"first") is None and self._create(path, b"second") == b"first"
        finally:
            obstore.delete(self._store, path)

    def _get(self, path: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None

    def _exists(self, path: str) -> bool:
        try:
            obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def _create(self, path: str, raw: bytes) -> bytes | None:
        try:
            obstore.put(self._store, path, raw, mode="create")
        except AlreadyExistsError:
            return self._get(path)
        return None

    def _fsync(self, file: Path) -> None:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_folder(file.parent)
        if file.parent not in self._known_folders:
            sync_folder(file.parent.parent)
            sync_folder(self._root)
            self._known_folders.add(file.parent)

    def _set_aside(self, name: str, torn: Callable[[bytes], bool]) -> None:
        handle = os.open(self._root / "set-aside.lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            file = self._root / name
            if torn(file.read_bytes()):
                aside = self._root / "torn" / f"{name.replace('/', '-')}-{secrets.token_hex(4)}"
                aside.parent.mkdir(exist_ok=True)
                file.rename(aside)
        finally:
            os.close(handle)


async def _in_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run `work` off the event loop. A full disk, a missing permission, a lost mount: HQ's failure, not the box's."""
    try:
        return await asyncio.to_thread(work, *arguments, **named)
    except (OSError, BaseError) as fault:
        raise SyncFault("hq_failed") from fault
