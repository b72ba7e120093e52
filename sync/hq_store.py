"""Envelopes as objects `boxes/<box>/<sequence>`, made once by conditional create and never changed.

Two servers that race for one number are told apart by the store itself; there is no lock and no database of ours.
`obstore`'s local store never calls fsync, so this file does, before anybody signs a receipt.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore

from sync.faults import SyncFault
from sync.spool import DIGITS, sync_folder


def object_path(box: bytes, sequence: int) -> str:
    """The object's name. Zeros in front, so that a store's sorted listing is the log in order."""
    return f"boxes/{box.hex()}/{sequence:0{DIGITS}d}"


class Objects:
    """The local file system under `root`. Every method raises SyncFault `hq_failed` when the machine does."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store = LocalStore(root, mkdir=True)
        self._known_folders: set[Path] = set()  # bounded by the enrolled boxes; folders whose own name is durable

    async def probe(self) -> None:
        """Raise `store_overwrites` unless a second create under one name is refused and changes nothing."""
        path = f"probe/{secrets.token_hex(8)}"
        with _machine_faults():
            await obstore.put_async(self._store, path, b"first", mode="create")
            try:
                await obstore.put_async(self._store, path, b"second", mode="create")
                honoured = False
            except AlreadyExistsError:
                honoured = await self._read(path) == b"first"
            await obstore.delete_async(self._store, path)
        if not honoured:
            raise SyncFault("store_overwrites")

    async def get(self, box: bytes, sequence: int) -> bytes | None:
        """The object's bytes, or None."""
        with _machine_faults():
            return await self._read(object_path(box, sequence))

    async def exists(self, box: bytes, sequence: int) -> bool:
        with _machine_faults():
            try:
                await obstore.head_async(self._store, object_path(box, sequence))
            except FileNotFoundError:
                return False
            return True

    async def create(self, box: bytes, sequence: int, raw: bytes) -> bytes | None:
        """Create the object. None when it is new, else what was there before and still is."""
        with _machine_faults():
            try:
                await obstore.put_async(self._store, object_path(box, sequence), raw, mode="create")
            except AlreadyExistsError:
                return await self._read(object_path(box, sequence))
            return None

    async def make_durable(self, box: bytes, sequence: int) -> None:
        """Return only when the object, its name and its folder's name survive a power cut. Also before a duplicate's
        receipt: the process that wrote the object may have died before it got here."""
        with _machine_faults():
            await asyncio.to_thread(self._fsync, self._root / object_path(box, sequence))

    async def set_aside(self, box: bytes, sequence: int, torn: Callable[[bytes], bool]) -> None:
        """Move a torn object to `torn/`, out of the good one's way. Looks again under a lock: it may be good now."""
        with _machine_faults():
            await asyncio.to_thread(self._set_aside, object_path(box, sequence), torn)

    async def _read(self, path: str) -> bytes | None:
        try:
            found = await obstore.get_async(self._store, path)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
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


@contextlib.contextmanager
def _machine_faults() -> Iterator[None]:
    """A full disk, a missing permission, a lost mount: HQ's failure, not the box's."""
    try:
        yield
    except (OSError, BaseError) as fault:
        raise SyncFault("hq_failed") from fault
