"""How much a box writes to its card, idle and while a session goes on. As root, on a loop-mounted ext4. Prints JSON.

    sudo .venv/bin/python -m tests.load.wear [--idle 600] [--session 600] [--mount noatime]

A demo box on a file system of its own (as the image mounts it), headquarters' folder and the processes' logs outside of
it. Counted is what the block device took: sectors written and write requests by /sys/block/loopN/stat, journal and
metadata of ext4 included; then scaled to an hour. In the session staff do something every ten seconds, twelve deeds in
turn, as a lively hour has them; picture and sound never touch a disk. What a card makes of it inside is not seen.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from appliance.control.client import ControlClient, ControlFault
from tests.fakes.boxes import Box, running_box

SIZE = 2 * 1024**3  # bytes of the file system
SETTLE_SECONDS = (
    300.0  # after the start: the first look at the store, certificates, the first calls at HQ and what they bring
)
DEED_SECONDS = 10.0
SECTOR = 512


@contextmanager
def disk(folder: Path, options: str) -> Iterator[tuple[Path, Path]]:
    """A mounted ext4 in a file; where it is mounted, and where the kernel counts."""
    image, place = folder / "disk", folder / "mounted"
    with image.open("wb") as file:
        file.truncate(SIZE)
    # Else the kernel goes on making it in the background, and is counted.
    _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    place.mkdir()
    device = _run("losetup", "--find", "--show", str(image)).strip()
    try:
        _run("mount", "-o", options, device, str(place))
        try:
            yield place, Path("/sys/block") / Path(device).name / "stat"
        finally:
            _run("umount", str(place))
    finally:
        _run("losetup", "--detach", device)


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def written(stat: Path) -> tuple[int, int]:
    """Write requests and bytes so far (Documentation/block/stat.rst: fields 5 and 7)."""
    fields = stat.read_text().split()
    return int(fields[4]), int(fields[6]) * SECTOR


async def counted(stat: Path, seconds: float, doing: Callable[[], Awaitable[None]] | None = None) -> dict[str, float]:
    """What the device takes in that time, by the hour; what waits in memory before and after is written first."""
    os.sync()
    requests, size = written(stat)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if doing is not None:
            await doing()
        await asyncio.sleep(DEED_SECONDS)
    os.sync()
    after, hours = written(stat), (time.monotonic() - began) / 3600
    return {
        "minutes": round(hours * 60, 1),
        "mib_per_hour": round((after[1] - size) / 2**20 / hours, 2),
        "writes_per_hour": round((after[0] - requests) / hours),
    }


async def lively(box: Box) -> tuple[ControlClient, Callable[[], Awaitable[None]]]:
    """Whoever leads, signed in at the console with a session that was opened, and what they do next."""
    client = ControlClient(box.home / "run" / "control.sock")
    await client.sign_in(box.demo["facilitator_username"], box.demo["facilitator_password"])
    session = box.demo["session"]
    with suppress(ControlFault):
        await client.session_action(session, "open")
    deeds = itertools.cycle(["show_rules", "begin", "pause", "resume", "lock", "unlock"])

    async def deed() -> None:
        await client.snapshot()
        with suppress(ControlFault):
            await client.session_action(session, next(deeds))  # type: ignore[arg-type]
        with suppress(ControlFault):
            await client.show_card(session, "reminder")

    return client, deed


async def measure(folder: Path, place: Path, stat: Path, idle: float, session: float) -> dict[str, object]:
    home = place / "hearth"
    async with running_box(home):
        pass  # the clinic is made
    for name in ("demo-hq", "log"):  # not the box's card: headquarters, and what a box keeps in memory
        shutil.move(home / name, folder / name)
        (home / name).symlink_to(folder / name)
    async with running_box(home) as box:
        await asyncio.sleep(SETTLE_SECONDS)
        found: dict[str, object] = {"idle": await counted(stat, idle)}
        client, deed = await lively(box)
        found["session"] = await counted(stat, session, deed)
        await client.close()
    return found


def main() -> int:
    options = argparse.ArgumentParser(description="What a box writes to its card.")
    options.add_argument("--idle", type=float, default=600.0, help="seconds")
    options.add_argument("--session", type=float, default=600.0, help="seconds")
    options.add_argument("--mount", default="noatime", help="options of the file system")
    chosen = options.parse_args()
    folder = Path(mkdtemp(prefix="hearth-wear-"))
    try:
        with disk(folder, chosen.mount) as (place, stat):
            found = asyncio.run(measure(folder, place, stat, chosen.idle, chosen.session))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(json.dumps({"mount": chosen.mount, **found}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
