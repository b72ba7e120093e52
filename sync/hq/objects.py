"""Where headquarters keeps everything but its keys: named objects, made once by conditional create.

Servers that race for one name are told apart by the store itself; there is no lock and no database of ours. Two kinds
with one suite of tests: a local folder (`LocalObjects`) and an S3-compatible bucket (`bucket.py`).

boxes/<box>/<sequence>         envelopes, never changed           packs/<box>/<number>   packs going down, never changed
cards/<box>.json               changed by `swap` alone            seen/<box>.json        what a box last said of itself
codes/…, taken/…               enrolment codes, and who took them; never changed
asked/<box>.json               what a box is to send again (asking.py)
updates/<SHA-256>/<part>       releases and the lists of them, never changed
holes/<box>/<sequence>.json    holes that a person has accepted   alarms/<box>/<sequence>-<hash>.json    forks
torn/…                         bytes that lost their place to the whole object
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore

from sync.faults import SyncFault
from sync.spool import DIGITS, sync_folder, write_whole

P = ParamSpec("P")
T = TypeVar("T")

SETTINGS = "hq.toml"
LISTED_AT_ONCE = 1000  # entries that one look into the store brings
DOUBTFUL = 4096  # files whose flush failed; at so many a disk is dead, and nothing more is called durable
AT_ONCE = 64  # calls to the store in work: a store some milliseconds away is busy only with many
_PATH = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")
_PREFIX = re.compile(r"^([A-Za-z0-9_-][A-Za-z0-9._-]*(/|$))*$")

# Threads for `obstore`'s blocking calls, not its coroutines: with those, the interpreter aborted at exit in 29 of 120
# short runs (obstore 0.12.1: a callback came after Python had gone).
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects")


def object_path(box: bytes, sequence: int) -> str:
    """An envelope's name. Zeros in front, so that a store's sorted listing is the log in order."""
    return numbered_path("boxes", box, sequence)


def numbered_path(kind: str, box: bytes, number: int, ending: str = "") -> str:
    """`packs/<box>/<number>` and the like."""
    return f"{kind}/{box.hex()}/{number:0{DIGITS}d}{ending}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing. `size` in bytes; `modified` by the store's clock, only shown."""

    path: str
    size: int
    modified: datetime


class Objects(Protocol):
    """Every method raises SyncFault `hq_failed` when the store does; ValueError for a path that is none."""

    async def get(self, path: str) -> bytes | None:
        """The object's bytes, or None."""

    async def exists(self, path: str) -> bool:
        """Whether there is such an object, whatever is in it."""

    async def create(self, path: str, raw: bytes) -> bytes | None:
        """Create the object. None when it is new, else what was there before and still is."""

    async def replace(self, path: str, raw: bytes) -> None:
        """Make or change a small object; the last writer wins. Never for what a receipt covers."""

    async def swap(self, path: str, raw: bytes, expected: bytes | None) -> bool:
        """Change the object if it still is `expected` (None: if there is none). Of those that race, one gets True."""

    def entries(self, prefix: str, after: str = "") -> AsyncIterator[Entry]:
        """Everything in the folder `prefix` ("" for all) and below whose path is greater than `after`, in order."""

    async def delete(self, path: str) -> None:
        """Remove the object; nothing to remove is no fault."""

    async def make_durable(self, path: str) -> None:
        """Return only when the object and its name survive a power cut. Also before a duplicate's receipt: the process
        that wrote the object may have died before it got here."""


def open_objects(folder: Path) -> Objects:
    """The store that `folder/hq.toml` names; without one, `folder/objects`. ValueError for a bad file."""
    file = folder / SETTINGS
    if not file.exists():
        return LocalObjects(folder / "objects")
    try:
        store = tomllib.loads(file.read_text("utf-8")).get("store", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ValueError(f"{SETTINGS} does not parse") from fault
    if not store:
        return LocalObjects(folder / "objects")
    from sync.hq.bucket import open_bucket  # beside the default, not below it: a folder needs no S3 client

    return open_bucket(store)


class LocalObjects:
    """The local file system under `root`. `obstore`'s local store never calls fsync, so this class does."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store = LocalStore(root, mkdir=True)
        self._known_folders: set[Path] = set()  # bounded by the enrolled boxes; folders whose own name is durable
        self._doubtful: set[Path] = set()  # bounded by DOUBTFUL; files whose flush failed

    async def get(self, path: str) -> bytes | None:
        return await in_thread(self._get, checked(path))

    async def exists(self, path: str) -> bool:
        return await in_thread((self._root / checked(path)).is_file)

    async def create(self, path: str, raw: bytes) -> bytes | None:
        return await in_thread(self._create, checked(path), raw)

    async def replace(self, path: str, raw: bytes) -> None:
        await in_thread(self._write, checked(path), raw)

    async def swap(self, path: str, raw: bytes, expected: bytes | None) -> bool:
        return await in_thread(self._swap, checked(path), raw, expected)

    async def entries(self, prefix: str, after: str = "") -> AsyncIterator[Entry]:
        walk = self._walk(checked_prefix(prefix), after)
        while some := await in_thread(_take, walk):
            for entry in some:
                yield entry

    async def delete(self, path: str) -> None:
        await in_thread(self._delete, self._root / checked(path))

    async def make_durable(self, path: str) -> None:
        await in_thread(self._fsync, self._root / checked(path))

    def _get(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None

    def _create(self, path: str, raw: bytes) -> bytes | None:
        try:
            obstore.put(self._store, path, raw, mode="create")
        except AlreadyExistsError:
            return self._get(path)
        return None

    def _write(self, path: str, raw: bytes) -> None:
        file = self._root / path
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_whole(file, raw)
        self._fsync_above(file.parent)

    def _swap(self, path: str, raw: bytes, expected: bytes | None) -> bool:
        with self._swapping():
            if self._get(path) != expected:
                return False
            self._write(path, raw)
            return True

    @contextmanager
    def _swapping(self) -> Iterator[None]:
        handle = os.open(self._root / "swap.lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _walk(self, prefix: str, after: str) -> Iterator[Entry]:
        """Depth first; a folder is sorted as if it ended in a slash, so that the order is that of whole paths."""
        top = self._root / prefix
        try:
            names = sorted(f"{one.name}/" if one.is_dir() else one.name for one in os.scandir(top))
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in names:
            path = prefix + name
            if name.endswith("/"):
                if not after.startswith(path) and path < after:
                    continue  # a whole folder before the place to go on from
                yield from self._walk(path, after)
            elif path > after and _PATH.match(path) and path != "swap.lock":
                try:
                    found = (self._root / path).stat()
                except FileNotFoundError:
                    continue
                yield Entry(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def _delete(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        if file.parent.is_dir():
            sync_folder(file.parent)

    def _fsync(self, file: Path) -> None:
        """After a flush that failed Linux counts the pages as written and says yes to the next one: then only writing
        the bytes anew makes them durable."""
        if len(self._doubtful) >= DOUBTFUL:
            raise OSError(errno.EIO, "too many flushes failed")
        if file in self._doubtful:
            with self._swapping():
                write_whole(file, file.read_bytes())
            self._doubtful.discard(file)
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError:
            self._doubtful.add(file)
            raise
        finally:
            os.close(handle)
        sync_folder(file.parent)
        self._fsync_above(file.parent)

    def _fsync_above(self, folder: Path) -> None:
        if folder not in self._known_folders:
            above = folder
            while above != self._root:
                above = above.parent
                sync_folder(above)
            self._known_folders.add(folder)


def checked(path: str) -> str:
    """The path, if it can be one: nothing that climbs, hides or ends in a slash."""
    if not _PATH.match(path):
        raise ValueError("not the path of an object")
    return path


def checked_prefix(prefix: str) -> str:
    """A folder's path with a slash at its end, or "" for everything."""
    if not _PREFIX.match(prefix):
        raise ValueError("not the path of a folder")
    return prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


def _take(walk: Iterator[Entry]) -> list[Entry]:
    return list(islice(walk, LISTED_AT_ONCE))


async def in_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run `work` off the event loop. A full disk, a missing permission, a lost mount: HQ's failure, not the box's."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, lambda: work(*arguments, **named))
    except (OSError, BaseError) as fault:
        raise SyncFault("hq_failed") from fault
