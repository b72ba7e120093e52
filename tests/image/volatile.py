"""A disk with a volatile cache: what was flushed survives a power cut; of the rest, what the mode says.

The model is by sectors of 512 bytes, the unit that a disk writes whole or not at all. A flush covers the writes that
had been answered when it came; one that was still under way may be lost although a later one is kept. Nothing here
knows a file system, or how the requests arrive (nbd.py).
"""

from __future__ import annotations

import mmap
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

SECTOR = 512

# Of what was not flushed: nothing is kept, all, any part sector by sector in any order, or all but sectors of the last
# write.
Mode = Literal["none", "all", "some", "torn"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a disk was asked and what it answered, in the order of time. `place` in bytes."""

    kind: Literal["write", "done", "flush", "said"]
    number: int = 0
    place: int = 0
    data: bytes = b""
    through: bool = False  # FUA: it is on the disk when it is answered


class Volatile:
    """A disk over the file at `path`, which is what the platters hold. `log` gets every entry, if there is one."""

    def __init__(self, path: Path, log: list[Entry] | None = None) -> None:
        self.size = path.stat().st_size
        if self.size == 0 or self.size % SECTOR:
            raise ValueError("a disk has whole sectors")
        self._file = path.open("r+b")
        self._platter = mmap.mmap(self._file.fileno(), self.size)
        self._log = log
        self._cached: dict[int, list[tuple[int, bytes]]] = {}  # sector: its writes, the newest last
        self._answered: set[int] = set()  # writes that the next flush covers
        self._through: dict[int, tuple[int, int]] = {}  # writes to be on the disk when answered: first sector, end
        self._last = -1
        self.writes = 0

    def close(self) -> None:
        self._platter.flush()
        self._platter.close()
        self._file.close()

    def note(self, number: int) -> None:
        """Somebody was told `number` at this moment."""
        self._keep(Entry("said", number))

    def read(self, place: int, size: int) -> bytes:
        """What the machine sees: the newest of each sector."""
        content = bytearray(self._platter[place : place + size])
        for sector in range(place // SECTOR, -(-(place + size) // SECTOR)):
            if sector in self._cached:
                _lay(content, sector * SECTOR - place, self._cached[sector][-1][1])
        return bytes(content)

    def write(self, number: int, place: int, data: bytes, *, through: bool = False) -> None:
        """Take whole sectors. `number`s are given once and grow."""
        if place % SECTOR or len(data) % SECTOR or place < 0 or place + len(data) > self.size:
            raise ValueError("not whole sectors of this disk")
        self._keep(Entry("write", number, place, data, through))
        first = place // SECTOR
        for index in range(len(data) // SECTOR):
            versions = self._cached.setdefault(first + index, [])
            versions.append((number, data[index * SECTOR : (index + 1) * SECTOR]))
        if through:
            self._through[number] = (first, first + len(data) // SECTOR)
        self._last = number
        self.writes += 1

    def done(self, number: int) -> None:
        """The write was answered."""
        self._keep(Entry("done", number))
        if number in self._through:
            start, end = self._through.pop(number)
            for sector in range(start, end):
                self._settle(sector, {number})
        self._answered.add(number)

    def flush(self) -> None:
        """What was answered is on the platters from now on."""
        self._keep(Entry("flush"))
        for sector in list(self._cached):
            self._settle(sector, self._answered)
        self._answered.clear()

    def cut(self, mode: Mode, seed: int) -> int:
        """The power goes: the platters get what the mode keeps, the cache is empty. How many sectors were in it."""
        lost, chance = len(self._cached), random.Random(seed)  # noqa: S311 - it has to be the same again
        share = chance.random()
        for sector, versions in self._cached.items():
            kept = _kept(mode, versions, self._last, share, chance)
            if kept is not None:
                self._platter[sector * SECTOR : (sector + 1) * SECTOR] = kept
        self._cached.clear()
        self._answered.clear()
        self._through.clear()
        return lost

    def copy_cut(self, path: Path, mode: Mode, seed: int) -> None:
        """What `cut` would leave, as a file; this disk goes on."""
        self._platter.flush()
        shutil.copyfile(self._file.name, path)
        copy = Volatile(path)
        copy._cached, copy._last = dict(self._cached), self._last
        copy.cut(mode, seed)
        copy.close()

    def do(self, entry: Entry) -> None:
        """The same again, from a log."""
        match entry.kind:
            case "write":
                self.write(entry.number, entry.place, entry.data, through=entry.through)
            case "done":
                self.done(entry.number)
            case "flush":
                self.flush()

    def _settle(self, sector: int, covered: set[int]) -> None:
        """The newest covered version of the sector is on the platter; those before it are history."""
        versions = self._cached.get(sector, [])
        for index in reversed(range(len(versions))):
            if versions[index][0] in covered:
                self._platter[sector * SECTOR : (sector + 1) * SECTOR] = versions[index][1]
                del versions[: index + 1]
                break
        if not versions:
            self._cached.pop(sector, None)

    def _keep(self, entry: Entry) -> None:
        if self._log is not None:
            self._log.append(entry)


def _kept(
    mode: Mode, versions: list[tuple[int, bytes]], last: int, share: float, chance: random.Random
) -> bytes | None:
    """The version of a sector that survives, None for what was there before."""
    match mode:
        case "none":
            return None
        case "all":
            return versions[-1][1]
        case "torn" if versions[-1][0] != last or chance.random() < 0.5:
            return versions[-1][1]
        case "torn":
            return versions[-2][1] if len(versions) > 1 else None
    return chance.choice(versions)[1] if chance.random() < share else None


def _lay(content: bytearray, place: int, sector: bytes) -> None:
    """Lay the part of the sector that falls within; `place` may be before it."""
    start, end = max(place, 0), min(place + SECTOR, len(content))
    content[start:end] = sector[start - place : end - place]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where in a log the power goes, and how."""

    at: int  # entries done before it
    mode: Mode
    seed: int


def draw(log: list[Entry], count: int, seed: int, first: int = 0) -> Iterator[Cut]:
    """Cuts just behind writes drawn by lot, not before entry `first`, in the order of time; the modes in turn."""
    chance = random.Random(seed)  # noqa: S311 - it has to be the same again
    places = [index + 1 for index, entry in enumerate(log) if entry.kind == "write" and index >= first]
    drawn = sorted(chance.choices(places, k=count))
    modes = [MODES[index % len(MODES)] for index in range(count)]
    chance.shuffle(modes)
    for at, mode in zip(drawn, modes, strict=True):
        yield Cut(at, mode, chance.getrandbits(32))


def said(log: list[Entry], at: int) -> set[int]:
    """What had been told before that entry."""
    return {entry.number for entry in log[:at] if entry.kind == "said"}
