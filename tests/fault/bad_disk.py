"""The store on a disk that fails, and after power cuts. `make disk` (`python -m tests.fault.bad_disk`): all of it.

Failing: the nth call that reaches the disk fails (EIO, ENOSPC, EROFS; once, for good, or half of it), n = 1 until a
life passes without. Power cuts: one life is logged call by call; then the disk is put together as it may be found after
a cut behind each call: what was synced is there, of the rest nothing, all, or any part, torn at sectors of 512 bytes,
and of the folder's changes any number of the first ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.store.database import Database
from tests.fault import bad_disk_child
from tests.fault.bad_disk_child import KEY, check

HERE = Path(__file__).parent
SECTOR = 512
ERRORS = ("EIO", "ENOSPC", "EROFS")
HOWS = ("once", "for_good", "half")
VARIANTS = 3  # ways in which a cut leaves what was not synced: nothing, all, any part


def build(folder: Path) -> Path:
    """The shim, compiled."""
    shim = folder / "bad_disk.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, HERE / "bad_disk.c", "-ldl"], check=True)
    return shim


async def template(folder: Path) -> Path:
    """A home with a new store, closed."""
    home = folder / "template"
    home.mkdir()
    await (await Database.create(home / "store", KEY)).close()
    return home


def child(shim: Path, *arguments: object) -> list[dict[str, Any]]:
    """What bad_disk_child.py tells."""
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    command = [sys.executable, str(HERE / "bad_disk_child.py"), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        lines.append({"wrong": [f"the child ended with {done.returncode}: {done.stderr[-500:]}"]})
    return lines


# ── power cuts


@dataclass
class Inode:
    """A file: what is on the disk, and what is not yet known to be."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes]] = field(default_factory=list)  # (place, bytes), or (length, b"") for a truncation

    def kept(self, chance: random.Random | None, share: float) -> bytes:
        """After a cut: each pending write is there with `share`, sector by sector."""
        content = bytearray(self.content)
        for place, data in self.pending:
            if not data:
                if chance is None or chance.random() < share:
                    content[place:] = b""
                    content.extend(bytes(place - len(content)))
                continue
            for start in range(0, len(data), SECTOR):
                if share == 1 or (share and chance is not None and chance.random() < share):
                    _write(content, place + start, data[start : start + SECTOR])
        return bytes(content)


def _write(content: bytearray, place: int, data: bytes) -> None:
    content.extend(bytes(max(0, place - len(content))))
    content[place : place + len(data)] = data


@dataclass(frozen=True)
class Call:
    """One line of the log."""

    kind: str
    path: str
    number: int
    data: bytes


def calls(log: Path) -> Iterator[Call]:
    content, at = log.read_bytes(), 0
    while at < len(content):
        kind, size = struct.unpack_from("<cH", content, at)
        path = content[at + 3 : at + 3 + size]
        number, length = struct.unpack_from("<qI", content, at + 3 + size)
        start = at + 3 + size + 12
        yield Call(kind.decode(), path.decode(), number, content[start : start + length])
        at = start + length


class Disk:
    """The folder as the log tells it: names and files that are synced, and what came after."""

    def __init__(self, template: Path, home: Path) -> None:
        self._home = home
        files = {path.relative_to(template): path for path in template.rglob("*") if path.is_file()}
        self._names = {str(home / name): Inode(bytearray(path.read_bytes())) for name, path in files.items()}
        self._synced = dict(self._names)
        self._changes: list[tuple[str, str, Inode | None]] = []  # names that changed since the folder was synced
        self.confirmed: list[str] = []

    def do(self, call: Call) -> None:
        match call.kind:
            case "A":
                self.confirmed.append(call.path)
            case "C":
                self._change(call.path, Inode())
            case "U":
                self._change(call.path, None)
            case "R":
                inode = self._names.get(call.path)
                self._change(call.data.decode(), inode)
                self._change(call.path, None)
            case "W" if call.path in self._names:
                self._names[call.path].pending.append((call.number, call.data))
            case "T" if call.path in self._names:
                self._names[call.path].pending.append((call.number, b""))
            case "S":
                self._sync(call.path)

    def _change(self, path: str, inode: Inode | None) -> None:
        if inode is None:
            self._names.pop(path, None)
        else:
            self._names[path] = inode
        self._changes.append((path, str(Path(path).parent), inode))

    def _sync(self, path: str) -> None:
        inode = self._names.get(path)
        if inode is not None:
            inode.content, inode.pending = bytearray(inode.kept(None, 1.0)), []
            return
        for name, parent, changed in self._changes:
            if parent == path:
                _apply(self._synced, name, changed)
        self._changes = [change for change in self._changes if change[1] != path]

    def cut(self, folder: Path, variant: int, chance: random.Random) -> None:
        """Put into `folder` what a power cut right now may leave."""
        share = (0.0, 1.0, chance.random())[variant]
        kept = (0, len(self._changes), chance.randint(0, len(self._changes)))[variant]
        names = dict(self._synced)
        for name, _, inode in self._changes[:kept]:
            _apply(names, name, inode)
        shutil.rmtree(folder, ignore_errors=True)
        for name, inode in names.items():
            if name.endswith("-shm"):
                continue
            path = folder / Path(name).relative_to(self._home)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(inode.kept(chance, share))


def _apply(names: dict[str, Inode], name: str, inode: Inode | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


async def cuts(work: Path, shim: Path, home: Path, seed: int, step: int) -> dict[str, Any]:
    """Cut the power behind every `step`th call of one life, in each variant."""
    log, cut = work / "log", work / "cut"
    life = child(shim, "log", home, work, log)
    wrong = [one for line in life for one in line["wrong"]]
    disk, chance, tried = Disk(home, work / "home"), random.Random(seed), 0  # noqa: S311
    number = 0
    for number, call in enumerate(calls(log)):
        disk.do(call)
        if number % step:
            continue
        for variant in range(VARIANTS):
            disk.cut(cut, variant, chance)
            found = await check(cut / "store", disk.confirmed)
            wrong += [f"cut {number} variant {variant}: {one}" for one in found]
            tried += 1
    return {"calls": number + 1, "cuts": tried, "confirmed": len(disk.confirmed), "wrong": wrong}


# ── the whole


def failing(work: Path, shim: Path, home: Path, error: str, how: str, step: int, last: int = 0) -> dict[str, Any]:
    """All lives of one kind of failure, each `step`th n."""
    lives = child(shim, "fail", home, work, error, how, 1, step, last)
    return {
        "lives": len(lives),
        "calls": max((life.get("calls", 0) for life in lives), default=0),
        "confirmed": sum(life.get("confirmed", 0) for life in lives),
        "codes": sorted({code for life in lives for code in life.get("refused", ())}),
        "wrong": [f"n = {life.get('n')}: {one}" for life in lives for one in life["wrong"]],
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fault.bad_disk", description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=1, help="every so manieth call")
    parser.add_argument("--seeds", type=int, default=3, help="so many rounds of power cuts")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="hearth-disk-") as folder:
        work = Path(folder)
        shim, home = build(work), asyncio.run(template(work))
        for error in ERRORS:
            for how in HOWS:
                figures[f"{error} {how}"] = failing(work / "work", shim, home, error, how, asked.step)
        for seed in range(asked.seeds):
            (work / f"cuts{seed}").mkdir()
            figures[f"power {seed}"] = asyncio.run(cuts(work / f"cuts{seed}", shim, home, seed, asked.step))
    if asked.json:
        print(json.dumps(figures))
    else:
        for name, one in figures.items():
            print(f"{name:18}", *(f"{key} {value}" for key, value in one.items() if key != "wrong"), sep="  ")
            print(*(f"    {found}" for found in one["wrong"][:20]), sep="\n", end="\n" if one["wrong"] else "")
    return int(any(one["wrong"] for one in figures.values()))


if __name__ == "__main__":
    assert bad_disk_child.__file__  # started by name, not imported, in the process with the shim
    sys.exit(main())
