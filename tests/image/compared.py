"""The box beside the same system without our units: seconds of a start, and memory in use when nothing goes on.

    sudo .venv/bin/python -m tests.image.compared [--rounds 5] [--idle 180]

Starts take turns, in one run. Both have the image's own kernel, root and initrd, handed over by QEMU itself (neither
firmware nor GRUB is in the figure); the initrd hides every `hearth-*` unit where the kernel's command line has the word
BARE. A start with our units ends when the portal answers, one without when multi-user.target is reached, which a unit
of the test tells over a second serial line; both are measured on this machine, from QEMU's start. Memory: MemTotal less
MemAvailable as the balloon tells it, of 1 GiB, so many seconds after that. The last two are of the box that test_box.py
has set up, locked and then opened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from image import layout, modules
from image.tools import HERE
from tests.fakes.waiting import until
from tests.image.keeper import Keeper
from tests.image.machine import BOOT, Machine, overlay
from tests.image.test_box import OUT, image
from tests.image.wizard import Typed

BARE = "hearth.bare"
HANDS_OVER = "exec switch_root"
# What the initrd does before it hands over: systemd takes what lies in /run/systemd/system before what the root has.
PLANTED = f"""
mount -t tmpfs -o mode=0755,nosuid,nodev run /root/run
mkdir -p /root/run/systemd/system/multi-user.target.wants
if grep -q {BARE} /root/proc/cmdline; then
    for unit in /root/usr/lib/systemd/system/hearth-*; do
        [ -d "$unit" ] || ln -s /dev/null "/root/run/systemd/system/${{unit##*/}}"
    done
fi
cat >/root/run/systemd/system/reached.service <<'END'
[Unit]
After=multi-user.target
[Service]
ExecStart=/bin/sh -c 'echo reached >/dev/ttyS1'
END
ln -s ../reached.service /root/run/systemd/system/multi-user.target.wants/reached.service
"""


class Told(Machine):
    """With a second serial line, whose words end in a file."""

    def _command(self) -> list[str]:
        return [*super()._command(), "-serial", f"file:{self.folder}/reached"]

    async def reached(self) -> None:
        path = self.folder / "reached"
        await until(lambda: (path.exists() and b"reached" in path.read_bytes()) or self.ended, BOOT)
        assert not self.ended

    async def halted(self) -> None:
        """In order: the next start finds nothing to mend. Without EFI QEMU goes on after the kernel has ended."""
        log = self.folder / "serial.log"
        async with asyncio.timeout(BOOT):
            while not (self.ended or b"reboot: Power down" in log.read_bytes()[-400:]):
                await self.qmp.do("system_powerdown")  # again: just after the start nobody may listen yet
                await asyncio.sleep(5)


def parts(folder: Path) -> tuple[Path, Path, str]:
    """Kernel, initrd with what is planted, and command line of the image's first slot."""
    offset = layout.ALIGNMENT
    for part in layout.TABLE:
        if part is layout.BOOT_A:
            break
        offset += -(-part.size // layout.ALIGNMENT) * layout.ALIGNMENT
    for name in ("vmlinuz", "initrd.img"):
        subprocess.run(["mcopy", "-n", "-i", f"{image()}@@{offset}", f"::/{name}", str(folder / name)], check=True)
    own = (HERE / "initrd/init").read_text()
    assert HANDS_OVER in own
    more = folder / "more"
    more.mkdir()
    (more / "init").write_text(own.replace(HANDS_OVER, PLANTED + HANDS_OVER))
    (more / "init").chmod(0o755)
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=more, input=b"init\n", capture_output=True, check=True
    )
    with (folder / "initrd.img").open("ab") as file:  # of two archives in a row the later one's file stays
        file.write(bytes(-file.tell() % 4) + packed.stdout)
    options = " ".join(modules.patterns((HERE / "grub/options.txt").read_text()))
    return folder / "vmlinuz", folder / "initrd.img", "root=PARTLABEL=root-a " + options


class Starts:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kernel, self.initrd, self.options = parts(folder)

    def machine(self, disk: Path, bare: bool = False) -> Told:
        options = f"{self.options} {BARE}" if bare else self.options
        direct = ("-kernel", str(self.kernel), "-initrd", str(self.initrd), "-append", options)
        for left in ("reached", "serial.log"):
            (self.folder / "machine" / left).unlink(missing_ok=True)
        return Told(self.folder / "machine", disk, direct=direct)

    async def seconds(self, disk: Path, bare: bool, idle: float = 0.0) -> tuple[float, int]:
        """Of one start, and MiB in use so much later (0: not looked)."""
        began = time.monotonic()
        async with self.machine(disk, bare) as machine:
            await (machine.reached() if bare else machine.answers())
            took = time.monotonic() - began
            used = await after(machine, idle) if idle else 0
            await machine.halted()
        return took, used


async def after(machine: Machine, idle: float) -> int:
    await asyncio.sleep(idle)
    return (await machine.used())[0] >> 20


async def compare(folder: Path, rounds: int, idle: float) -> None:
    starts = Starts(folder)
    disk = overlay(image(), folder / "new.qcow2")
    await starts.seconds(disk, bare=False)  # the first one grows the data partition
    took: dict[bool, list[float]] = {True: [], False: []}
    used: dict[str, int] = {}
    for number in range(rounds):
        for bare in (True, False):
            last = number == rounds - 1
            seconds, memory = await starts.seconds(disk, bare, idle if last else 0.0)
            took[bare].append(seconds)
            if last:
                used["without our units" if bare else "new, set-up not begun"] = memory
            print(f"  {'without' if bare else 'with'} our units: {seconds:.1f} s", flush=True)
    without, ours = statistics.median(took[True]), statistics.median(took[False])
    print(f"median of {rounds}: {without:.1f} s without, {ours:.1f} s with: {ours / without:.2f} times")
    if idle:
        if (OUT / "set-up.qcow2").exists():
            used |= await set_up(starts, folder, idle)
        print(f"MiB in use {idle:.0f} s later: {used}")


async def set_up(starts: Starts, folder: Path, idle: float) -> dict[str, int]:
    keeper_of = Typed(**json.loads((OUT / "typed.json").read_text()))
    async with starts.machine(overlay(OUT / "set-up.qcow2", folder / "set-up.qcow2")) as machine:
        await machine.answers()
        locked = await after(machine, idle)
        keeper = Keeper(machine, keeper_of)
        await keeper.in_front()
        return {"a clinic's, locked": locked, "a clinic's, open, a person at the console": await after(machine, idle)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.image.compared", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=180.0, help="seconds until memory is read; 0: not at all")
    asked = parser.parse_args()
    folder = OUT / "compared"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        asyncio.run(compare(folder, asked.rounds, asked.idle))
    except pytest.skip.Exception as none:
        print(none)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
