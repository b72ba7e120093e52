"""What a folder of files knows of itself: positions, numbers, files, troubles. Parquet and FHIR stand on it.

`manifest/<p>.json` for each of 16 parts of the boxes (by the first digit of a box's id). A batch's files are written
first, beside and renamed; the manifest that names them is replaced last, and that is the commit. A file that no
manifest names was left by a run that was killed: the next run removes it. So what was written is there once.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.faults import SyncFault
from sync.hq.opening import Opened, Part
from sync.hq.walking import Position, Trouble
from sync.spool import sync_folder, write_whole

VERSION = 1
PARTS = "0123456789abcdef"
_OURS = re.compile(
    r"(records/class=[a-z0-9_]{1,64}|[a-z_]{1,32})/(\.[0-9a-f]-[0-9]{8}\.parquet\.tmp|[0-9a-f]-[0-9]{8}\.parquet)"
    r"|bundles/[0-9a-f]{32}/(\.[0-9]{8}\.json\.tmp|[0-9]{8}\.json)"
)


@dataclass(slots=True)
class Manifest:
    """One part. `numbers`: which record numbers of a box were taken, as (first, last) in order, nearly always one pair.
    `files`: path to number of rows. `serial` names the next batch's files."""

    serial: int = 1
    positions: dict[bytes, Position] = field(default_factory=dict)
    numbers: dict[bytes, list[tuple[int, int]]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)


class Ledger:
    """The manifests of `root`, for one process at a time; `waits` is told if another one has it. Raises OSError."""

    def __init__(self, root: Path, format_name: str, waits: Callable[[], None] = lambda: None) -> None:
        self.root = root
        if root.is_dir() and any(root.iterdir()) and not (root / "manifest").is_dir():
            raise ValueError("this folder holds something else: give an empty or a new one")
        (root / "manifest").mkdir(mode=0o750, parents=True, exist_ok=True)
        self._lock = os.open(root / "manifest" / ".lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._format = format_name
        self.parts = {part: self._read(part) for part in PARTS}
        self._sweep()

    def close(self) -> None:
        os.close(self._lock)

    def positions(self) -> Mapping[bytes, Position]:
        return {box: position for one in self.parts.values() for box, position in one.positions.items()}

    def troubles(self) -> Sequence[Trouble]:
        return [trouble for one in self.parts.values() for trouble in one.troubles]

    def fresh(self, part: str, opened: Iterable[Opened]) -> tuple[list[Opened], list[Opened]]:
        """(those that were not taken yet, each number once; those whose number came before)."""
        taken, new, again = self.parts[part].numbers, list[Opened](), list[Opened]()
        batch: set[tuple[bytes, int]] = set()
        for one in sorted(opened, key=lambda one: (one.box, one.record.number, one.sequence)):
            key = (one.box, one.record.number)
            known = key in batch or any(first <= key[1] <= last for first, last in taken.get(one.box, ()))
            (again if known else new).append(one)
            batch.add(key)
        return new, again

    def commit(
        self, part: str, parts: Sequence[Part], new: Sequence[Opened], seen: Sequence[Trouble], files: Mapping[str, int]
    ) -> None:
        """The batch is kept from here on: `files` are there whole and durable."""
        manifest = self.parts[part]
        for piece in parts:
            manifest.troubles = [one for one in manifest.troubles if not _renewed(one, piece)]
            manifest.troubles.extend(one for one in piece.troubles if one not in manifest.troubles)
            if piece.position is not None:
                manifest.positions[piece.box] = piece.position
        manifest.troubles.extend(one for one in seen if one not in manifest.troubles)
        numbers: dict[bytes, list[int]] = {}
        for one in new:
            numbers.setdefault(one.box, []).append(one.record.number)
        for box, some in numbers.items():
            manifest.numbers[box] = joined([*manifest.numbers.get(box, []), *((n, n) for n in some)])
        manifest.files.update(files)
        manifest.serial += 1
        self.write(part)

    def write(self, part: str) -> None:
        """The manifest as it is in memory; then nothing but what it names is left."""
        write_whole(self._path(part), _encode(self.parts[part], self._format))

    def put(self, name: str, write: Callable[[Path], None]) -> None:
        """A file that is there whole or not at all: `write` gets a path beside its place."""
        place = self.root / name
        place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.tmp")
        write(beside)
        handle = os.open(beside, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        beside.rename(place)
        sync_folder(place.parent)

    def drop(self, names: Iterable[str]) -> None:
        """Remove files that no manifest names any more."""
        for name in names:
            (self.root / name).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a killed run left. Only names that we give: a folder may hold somebody's other things."""
        named = {name for one in self.parts.values() for name in one.files}
        for file in self.root.rglob("*"):
            name = file.relative_to(self.root).as_posix()
            if name not in named and _OURS.fullmatch(name):
                file.unlink()

    def _path(self, part: str) -> Path:
        return self.root / "manifest" / f"{part}.json"

    def _read(self, part: str) -> Manifest:
        try:
            raw = self._path(part).read_bytes()
        except FileNotFoundError:
            return Manifest()
        return _decode(raw, self._format)


class Folders:
    """What targets over a folder share. Raises OSError, `malformed_facts`, `unsupported_version`."""

    def __init__(self, root: Path, kind: str, waits: Callable[[], None]) -> None:
        self._ledger = Ledger(root, kind, waits)

    def close(self) -> None:
        self._ledger.close()

    def positions(self) -> Mapping[bytes, Position]:
        return self._ledger.positions()

    def troubles(self) -> Sequence[Trouble]:
        return self._ledger.troubles()

    def take(self, parts: Sequence[Part]) -> Sequence[Trouble]:
        """Part by part: each is kept with its positions, or is not."""
        seen: list[Trouble] = []
        for name in PARTS:
            some = [part for part in parts if part_of(part.box) == name]
            if some:
                seen.extend(self._take(name, some))
        return seen

    def _take(self, name: str, parts: Sequence[Part]) -> Sequence[Trouble]:
        """Keep some parts of one partition of the boxes."""
        raise NotImplementedError


def part_of(box: bytes) -> str:
    """The part that a box belongs to."""
    return box.hex()[0]


def joined(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Intervals in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _renewed(trouble: Trouble, piece: Part) -> bool:
    same = trouble.box == piece.box and not trouble.number and trouble.code != "chain"
    return same and 0 < piece.first <= trouble.sequence <= piece.last


def _encode(manifest: Manifest, format_name: str) -> bytes:
    positions = {box.hex(): [one.sequence, one.last.hex()] for box, one in manifest.positions.items()}
    troubles = [[one.box.hex(), one.sequence, one.code, one.last, one.number] for one in manifest.troubles]
    numbers = {box.hex(): some for box, some in manifest.numbers.items()}
    fields = {"version": VERSION, "format": format_name, "serial": manifest.serial, "positions": positions}
    return json.dumps({**fields, "numbers": numbers, "troubles": troubles, "files": manifest.files}, indent=0).encode()


def _decode(raw: bytes, format_name: str) -> Manifest:
    """Raises `malformed_facts`, `unsupported_version`; ValueError for a folder that holds something else."""
    try:
        fields: dict[str, Any] = json.loads(raw)
        if fields["version"] != VERSION:
            raise SyncFault("unsupported_version")
        if fields["format"] != format_name:
            raise ValueError(f"this folder holds {fields['format']}")
        return Manifest(
            int(fields["serial"]),
            {bytes.fromhex(box): Position(at, bytes.fromhex(last)) for box, (at, last) in fields["positions"].items()},
            {bytes.fromhex(box): [(first, last) for first, last in some] for box, some in fields["numbers"].items()},
            {str(name): int(rows) for name, rows in fields["files"].items()},
            [Trouble(bytes.fromhex(box), *rest) for box, *rest in fields["troubles"]],
        )
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError):
        raise SyncFault("malformed_facts") from None
