"""Power cuts while a release is installed, and while it starts for the first time: the box starts each time, and opens.

    sudo .venv/bin/python -m tests.image.cut_updates [--cuts 6] [--seed 1]

The box that test_box.py has set up, whole behind the disk that loses its cache (volatile.py), 0.7.1 on a stick. By
turns the power goes at a moment drawn by lot within the installation, or within the restart into the new release. What
survived starts again, uncut: the portal answers, the passphrase opens the store, and one of the two releases runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.image import nbd
from tests.image.keeper import LONG, Keeper, stick
from tests.image.machine import Machine, overlay, raw
from tests.image.test_box import OUT
from tests.image.test_updates import bundles
from tests.image.volatile import MODES, Volatile
from tests.image.wizard import Typed

INSTALL_SECONDS, RESTART_SECONDS = 45.0, 70.0  # about what they take here; a cut is drawn within


class Box:
    """One disk with its machine; the person before it."""

    def __init__(self, folder: Path, disk: Path, on_stick: Path, seed: int) -> None:
        self.folder, self.disk, self.on_stick, self.seed = folder, disk, on_stick, seed
        self.typed = Typed(**json.loads((OUT / "typed.json").read_text()))
        self.lost = 0

    @asynccontextmanager
    async def on(self, mode: str) -> AsyncIterator[tuple[Machine, Keeper]]:
        """Switched on; what was not flushed when the block is left goes the way that `mode` says."""
        under = Volatile(self.disk)
        server, socket = nbd.Server(under, seed=self.seed), self.folder / "nbd"
        socket.unlink(missing_ok=True)
        await server.start(socket)
        try:
            async with Machine(self.folder / "machine", socket, sticks=[self.on_stick]) as machine:
                await machine.answers()
                yield machine, Keeper(machine, self.typed)
                server.cut()
        finally:
            await server.close()
            self.lost = under.cut(mode, self.seed)  # type: ignore[arg-type]
            under.close()


async def installing(keeper: Keeper, version: str) -> None:
    await keeper.in_front()
    await keeper.releases(f"Install {version} from the stick")
    await keeper.choose(version, keeper.words("confirm.updates.install", version=version))


async def restarting(machine: Machine, keeper: Keeper, version: str) -> None:
    await keeper.screen.expect(keeper.words("done.updates.install", version=version), seconds=LONG)
    await keeper.releases(keeper.words("updates.do.now", version=version))
    await keeper.choose(version, keeper.words("confirm.updates.now", version=version))
    await machine.silent(LONG)


async def runs(keeper: Keeper) -> str:
    """Which release, as the page of releases says, once the box is open."""
    await keeper.in_front()
    await keeper.releases()
    lines = keeper.screen.lines()
    line = next(one for one in lines if keeper.words("updates.runs") in one)
    return line.replace(keeper.words("updates.runs"), "").split()[0]


def copy(disk: Path, to: Path) -> None:
    """With its holes: four gigabytes, of which a quarter was ever written."""
    subprocess.run(["cp", "--sparse=always", disk, to], check=True)


async def cuts(folder: Path, count: int, seed: int) -> int:
    """How many went well."""
    chance, well = random.Random(seed), 0  # noqa: S311 - it has to be the same again
    known = dict(bundles())
    old, *_, new = known
    on_stick = stick(folder / "stick.img", [known[new]])
    before = raw(overlay(OUT / "set-up.qcow2", folder / "before.qcow2"), folder / "before.raw")
    for number in range(count):
        disk, mode = folder / "disk.raw", chance.choice(MODES)
        await asyncio.to_thread(copy, before, disk)
        starting = number % 2 == 1
        after = chance.uniform(0.0, RESTART_SECONDS if starting else INSTALL_SECONDS)
        box = Box(folder, disk, on_stick, chance.getrandbits(32))
        async with box.on(mode) as (machine, keeper):
            await installing(keeper, new)
            if starting:
                await restarting(machine, keeper, new)
            await asyncio.sleep(after)
        lost, began = box.lost, time.monotonic()
        async with box.on("all") as (_, keeper):
            took = time.monotonic() - began
            running = await runs(keeper)
        fits = running in (old, new)
        well += fits
        phase = "first start" if starting else "installation"
        print(f"  cut {number + 1}: {after:.0f} s into the {phase}, {mode}, {lost} sectors lost;", end=" ")
        print(f"portal after {took:.0f} s, {running} runs{'' if fits else ': WRONG'}", flush=True)
    return well


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.image.cut_updates", description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not (OUT / "set-up.qcow2").exists() or len(bundles()) < 2:
        print("first: make test-image, and make bundle VERSION=0.7.1")
        return 1
    folder = OUT / "cut-updates"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    well = asyncio.run(cuts(folder, asked.cuts, asked.seed))
    print(f"{well} of {asked.cuts} boxes started and opened")
    return 0 if well == asked.cuts else 1


if __name__ == "__main__":
    sys.exit(main())
