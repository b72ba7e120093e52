"""The folder `hearth/` on a removable disk: bundles of many boxes, up to HQ and down again. Used by both sides.

    hearth/up/<box id>/<16 digits>.hsb      envelopes from that number on, with the box's newest receipt
    hearth/up/<box id>/hello.hsb            what the box knows: its newest receipt, the last pack that it applied
    hearth/down/<box id>/head.hsb           HQ's newest receipt
    hearth/down/<box id>/<16 digits>.hsb    packs from that number on

Names differ in letters and digits only, never in case, so that FAT keeps them. A file is written beside its place as
<name>.part, fsynced, renamed, its folder fsynced; a pulled stick leaves a .part, or a file whose digest is wrong, and
both are written over the next time. Links, pipes and devices on a stick are passed over: it may come from anywhere.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sync import bundle, keys, suite
from sync.bundle import Bundle, Part
from sync.faults import SyncFault
from sync.spool import DIGITS

Way = Literal["up", "down"]
TOP = "hearth"
HELLO, HEAD = "hello.hsb", "head.hsb"
MOST_BOXES = 20_000  # folders looked at; the fleet that HQ is made for, twice
MOST_FILES = 4096  # bundles of one box looked at: 16 GiB
UNREAD = 3  # bundles one after another that cannot be read: then the stick is gone, not a piece of it worn out
_NUMBERED = re.compile(r"^([0-9]{16})([a-z]?)\.hsb$")
_DIRECTION = {"up": bundle.UP, "down": bundle.DOWN}


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle that is on the stick now: the numbers of its envelopes or packs, and their bytes."""

    name: str
    numbers: tuple[int, ...]
    size: int

    @property
    def count(self) -> int:
        return len(self.numbers)


def numbered(name: str) -> int | None:
    """The first number in a bundle of this name, None for another name."""
    match = _NUMBERED.match(name)
    return int(match.group(1)) if match else None


def name_of(number: int, taken: frozenset[str] = frozenset()) -> str:
    """A name for a bundle that begins with `number`, none of those `taken`. `stick_full` when 27 are."""
    for letter in ("", *"abcdefghijklmnopqrstuvwxyz"):
        name = f"{number:0{DIGITS}d}{letter}.hsb"
        if name not in taken:
            return name
    raise SyncFault("stick_full")


class Stick:
    """One removable disk, by the folder where it is mounted. Blocking: call it from a thread.

    Raises SyncFault `stick_missing`, `stick_full`, `stick_failed` (read-only, or pulled out) and what `bundle.parse`
    raises; nothing else.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._top = root / TOP
        self._device: int | None = None  # that the folder was on when it was first looked at
        self._unread = 0

    def look(self) -> None:
        """Raise `stick_missing` unless there is such a folder, `stick_failed` when it is another one than at first: a
        stick that was unmounted leaves an empty folder of the machine's own disk behind."""
        try:
            device = self._root.stat().st_dev if self._root.is_dir() else None
        except OSError as problem:
            raise _fault(problem) from None
        if device is None:
            raise SyncFault("stick_missing")
        if self._device not in (None, device):
            raise SyncFault("stick_failed")
        self._device = device

    def boxes(self, way: Way) -> list[bytes]:
        """Boxes that have a folder there, by id."""
        found = (keys.box_from_text(name.lower()) for name in self._names(self._top / way, folders=True))
        return sorted(box for box in found if box is not None)[:MOST_BOXES]

    def names(self, way: Way, box: bytes) -> list[str]:
        """Names of bundles, in their order; whatever else lies there is passed over."""
        found = {name.lower() for name in self._names(self._folder(way, box), folders=False)}
        return sorted(name for name in found if numbered(name) or name in (HELLO, HEAD))[:MOST_FILES]

    def read(self, way: Way, box: bytes, name: str) -> Bundle:
        """A bundle: `bundle_damaged`, `bundle_other_box` (also: of the other direction), `stick_failed`.

        A cheap stick wears out in places: a bundle that cannot be read is damaged, and what else is on it may be whole.
        """
        try:
            raw = self._bytes(self._folder(way, box) / name)
        except SyncFault as fault:
            if fault.code != "stick_failed":
                raise
            self.look()
            self._unread += 1
            if self._unread >= UNREAD:
                raise
            raise SyncFault("bundle_damaged") from None
        self._unread = 0
        found = bundle.parse(raw)
        if found.box != box or found.direction != _DIRECTION[way]:
            raise SyncFault("bundle_other_box")
        return found

    def write(self, way: Way, box: bytes, name: str, raw: bytes) -> None:
        """There whole or not at all. The same bytes again write nothing: cheap sticks wear."""
        folder = self._made(way, box)
        with suppress(SyncFault):
            if self._bytes(folder / name) == raw:
                return
        part = folder / f"{name}.part"
        try:
            _write(part, raw)
            part.replace(folder / name)
            _sync_folder(folder)
        except OSError as problem:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise _fault(problem) from None

    def drop(self, way: Way, box: bytes, name: str) -> None:
        """Remove a bundle that the caller knows to be its own and needed no more."""
        try:
            (self._folder(way, box) / name).unlink(missing_ok=True)
        except OSError as problem:
            raise _fault(problem) from None

    def renew(
        self,
        way: Way,
        box: bytes,
        *,
        kind: int,
        head: Sequence[Part],
        due: Iterable[tuple[int, bytes]],
        over: Callable[[bytes], bool],
    ) -> Iterator[Written]:
        """Write what of `due` (numbers rising, payloads of `kind`) is not whole on the stick yet, each bundle with
        `head` in front; yields each bundle as it is done.

        A bundle is removed when all in it is `over`: the caller's own and needed no more. A damaged one is removed too:
        what was in it is written again. What the caller does not know stays.
        """
        there: set[bytes] = set()
        for name in [one for one in self.names(way, box) if numbered(one) is not None]:
            payloads = self._payloads(way, box, name, kind)
            if payloads is not None and all(over(one) for one in payloads):
                self.drop(way, box, name)
            else:
                there.update(suite.digest(one) for one in payloads or ())
        numbers: deque[int] = deque()

        def missing() -> Iterator[Part]:
            for number, raw in due:
                if suite.digest(raw) not in there:
                    numbers.append(number)
                    yield Part(kind, raw)

        for group in bundle.cut(head, missing()):
            parts = group[len(head) :]
            yield from self._bundles(way, box, head, parts, [numbers.popleft() for _ in parts])

    def _bundles(
        self, way: Way, box: bytes, head: Sequence[Part], parts: Sequence[Part], numbers: Sequence[int]
    ) -> Iterator[Written]:
        """One bundle; where there is no room for it, halves, as many as fit."""
        name = name_of(numbers[0], frozenset(self.names(way, box)))
        try:
            self.write(way, box, name, bundle.pack(_DIRECTION[way], box, [*head, *parts]))
        except SyncFault as fault:
            if fault.code != "stick_full" or len(parts) == 1:
                raise
        else:
            yield Written(name, tuple(numbers), sum(len(part.payload) for part in parts))
            return
        middle = (len(parts) + 1) // 2
        yield from self._bundles(way, box, head, parts[:middle], numbers[:middle])
        yield from self._bundles(way, box, head, parts[middle:], numbers[middle:])

    def _payloads(self, way: Way, box: bytes, name: str, kind: int) -> tuple[bytes, ...] | None:
        """None for a bundle that is none of the caller's; nothing in a damaged one."""
        try:
            return self.read(way, box, name).of(kind) or None
        except SyncFault as fault:
            if fault.code == "stick_failed":
                raise
            return () if fault.code == "bundle_damaged" else None

    def _folder(self, way: Way, box: bytes) -> Path:
        return self._top / way / box.hex()

    def _made(self, way: Way, box: bytes) -> Path:
        """The folder of a box, made if need be; a link in its place is refused."""
        self.look()
        folder = self._root
        try:
            for name in (TOP, way, box.hex()):
                parent, folder = folder, folder / name
                if not _is_folder(folder):
                    folder.mkdir()
                    _sync_folder(parent)
        except OSError as problem:
            raise _fault(problem) from None
        return folder

    def _names(self, folder: Path, *, folders: bool) -> list[str]:
        """Names in a folder that is really one; none where there is no such folder."""
        self.look()
        try:
            if not all(_is_folder(one) for one in (self._top, folder.parent, folder)):
                return []
            with os.scandir(folder) as entries:
                return [
                    entry.name
                    for entry, _ in zip(entries, range(2 * MOST_BOXES), strict=False)
                    if (entry.is_dir if folders else entry.is_file)(follow_symlinks=False)
                ]
        except FileNotFoundError:
            return []
        except OSError as problem:
            raise _fault(problem) from None

    def _bytes(self, file: Path) -> bytes:
        try:
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as opened:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise SyncFault("malformed_bundle")
                return opened.read(bundle.MAX_BUNDLE + 1)
        except OSError as problem:
            raise _fault(problem) from None


def _is_folder(path: Path) -> bool:
    """Whether a folder is there, itself and no link to one. OSError where something else is."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(mode):
        raise OSError(errno.EEXIST, "no folder")
    return True


def _write(part: Path, raw: bytes) -> None:
    with suppress(FileNotFoundError):
        part.unlink()  # of the last time, or a link that somebody laid there
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):  # some drivers of foreign file systems
            raise
    finally:
        os.close(handle)


def _fault(problem: OSError) -> SyncFault:
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return SyncFault("stick_full" if full else "stick_failed")
