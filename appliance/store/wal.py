"""Reads a WAL file by its format (sqlite.org/fileformat2.html section 4) without opening it as a database.

SQLite cannot be asked this question quietly: it deletes or overwrites a WAL that it finds worthless.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER = 32
_FRAME = 24
_MAGIC = (0x377F0682, 0x377F0683)  # the last bit says: checksums over big-endian words


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a WAL holds for the store: page numbers, and the store's length in pages after its last commit."""

    pages: frozenset[int]
    length: int


def leftover(path: Path, page: int) -> Leftover | None:
    """What is in the WAL's current run, or None if no transaction in it was committed.

    Frames after the last commit are counted too: enough to see that a page of the store is not lost.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
            if not _sound_header(header, page) or not _has_commit(file, header, page):
                return None
            frames = [struct.unpack_from(">II", frame) for frame in _frames(file, header, page)]
    except FileNotFoundError:
        return None
    return Leftover(frozenset(number for number, _ in frames), [length for _, length in frames if length][-1])


def _sound_header(header: bytes, page: int) -> bool:
    if len(header) < _HEADER:
        return False
    magic, version, size = struct.unpack_from(">III", header)
    if magic not in _MAGIC or version != 3007000 or size != page:
        return False
    return _checksum(header[:24], (0, 0), bool(magic & 1)) == struct.unpack_from(">II", header, 24)


def _frames(file: BinaryIO, header: bytes, page: int) -> Iterator[bytes]:
    """The header of each whole frame that carries the WAL's current salts."""
    place = _HEADER
    while True:
        file.seek(place)
        frame = file.read(_FRAME)
        file.seek(place + _FRAME + page - 1)
        if len(frame) < _FRAME or not file.read(1) or frame[8:16] != header[16:24]:
            return
        yield frame
        place += _FRAME + page


def _has_commit(file: BinaryIO, header: bytes, page: int) -> bool:
    """Whether the checksums hold from the start up to a commit frame. The first one is enough."""
    big = bool(header[3] & 1)
    checksum = struct.unpack_from(">II", header, 24)
    for index, frame in enumerate(_frames(file, header, page)):
        file.seek(_HEADER + index * (_FRAME + page) + _FRAME)
        checksum = _checksum(frame[:8] + file.read(page), checksum, big)
        if checksum != struct.unpack_from(">II", frame, 16):
            return False
        if struct.unpack_from(">I", frame, 4)[0] != 0:
            return True
    return False


def _checksum(content: bytes, start: tuple[int, int], big: bool) -> tuple[int, int]:
    """Section 4.2: two running sums over pairs of 32-bit words."""
    first, second = start
    words = struct.unpack(f"{'>' if big else '<'}{len(content) // 4}I", content)
    for index in range(0, len(words), 2):
        first = (first + words[index] + second) & 0xFFFFFFFF
        second = (second + words[index + 1] + first) & 0xFFFFFFFF
    return first, second
