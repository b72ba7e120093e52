"""Starts of the whole image after power cuts. `make test-power` (`python -m tests.image.starts`): ten to the portal.

The machine's one disk is behind the NBD server whose cache is lost (volatile.py): all that the box writes, slots, boot
loader's words and data alike. A start is cut behind a write drawn by lot, or once the portal has answered; the next one
goes on with what survived, and each that is not cut must bring the portal.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.image import nbd
from tests.image.machine import BOOT, Machine, asks, overlay, raw
from tests.image.test_box import OUT, image
from tests.image.volatile import MODES, Mode, Volatile


@dataclass
class Told:
    reached: list[float] = field(default_factory=list)  # seconds to the portal, each start that was not cut
    early: list[int] = field(default_factory=list)  # writes until a start was cut
    lost: list[int] = field(default_factory=list)  # sectors in the cache at a cut
    writes: int = 0  # of the last whole start
    used: list[int] = field(default_factory=list)  # MiB of memory that are not available, portal just up


async def start(folder: Path, disk: Path, cut_at: int | None, mode: Mode, seed: int, told: Told) -> bool:
    """One start; False if it was cut before the portal answered."""
    under = Volatile(disk)
    server = nbd.Server(under, seed=seed, cut_at=cut_at)
    socket = folder / "nbd"
    socket.unlink(missing_ok=True)
    await server.start(socket)
    began, whole = time.monotonic(), False
    try:
        async with Machine(folder / "machine", socket) as machine:
            reached = asyncio.create_task(machine.answers(BOOT))
            cut = asyncio.create_task(server.gone.wait())
            try:
                await asyncio.wait({reached, cut}, return_when=asyncio.FIRST_COMPLETED)
                whole = reached.done()
                if whole:
                    reached.result()
                    assert await asks(machine.ports.portal)
                    told.reached.append(round(time.monotonic() - began, 1))
                    told.writes = under.writes
                    with suppress(TimeoutError):  # of what the kernel has no driver for
                        told.used.append((await machine.used())[0] >> 20)
                else:
                    told.early.append(under.writes)
            finally:
                for task in (reached, cut):
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task
                server.cut()
    finally:
        await server.close()
        told.lost.append(under.cut(mode, seed))
        under.close()
    return whole


async def starts(folder: Path, count: int, seed: int) -> Told:
    """Until `count` starts reached the portal, each behind a cut but the first."""
    chance, told = random.Random(seed), Told()  # noqa: S311 - it has to be the same again
    disk = raw(overlay(image(), folder / "disk.qcow2"), folder / "disk.raw")
    whole = True
    while len(told.reached) < count:
        # Never two short ones in a row: three that do not come to their end are what the boot loader counts.
        cut_at = chance.randint(1, max(2 * told.writes, 200)) if whole else None
        mode = chance.choice(MODES)
        whole = await start(folder, disk, cut_at, mode, chance.getrandbits(32), told)
        print(
            "  start", len(told.lost), "the portal" if whole else f"cut behind write {told.early[-1]}", mode, flush=True
        )
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.image.starts", description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    try:
        image()
    except pytest.skip.Exception as none:
        print(none)
        return 1
    folder = OUT / "starts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told = asyncio.run(starts(folder, asked.starts, asked.seed))
    print(f"{len(told.reached)} starts to the portal after {len(told.lost) - 1} cuts, {len(told.early)} of them early")
    print(f"seconds {told.reached}; sectors lost {told.lost}; writes of a start {told.writes}; MiB in use {told.used}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
