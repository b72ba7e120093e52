"""Who keeps the box, at its serial console after set-up: opens it, signs in, and looks after its releases."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path

import pytest

from image import bundle
from image.targets import TARGETS
from tests.image.machine import BOOT, Machine
from tests.image.wizard import Typed
from tui.words import Words

LONG = 600.0  # seconds for what a virtual machine does slowly
INSTALLING = 2400.0
LINES = 12  # of a list at most


class Keeper:
    """`typed` is what was chosen and written down at the set-up."""

    def __init__(self, machine: Machine, typed: Typed) -> None:
        self.machine, self.screen, self.typed = machine, machine.screen, typed
        self.words = Words("en")

    async def in_front(self) -> None:
        """From a box that has just started to its own page."""
        words = self.words
        shown = await self.screen.expect(words("unlock.title"), words("sign_in.title"), seconds=BOOT)
        if shown == words("unlock.title"):
            await self.screen.type(self.typed.passphrase)
            await self.screen.press("enter")
            await self.screen.expect(words("sign_in.title"), seconds=LONG)
        await self.screen.type(self.typed.administrator[1])
        await self.screen.press("enter")
        await self.screen.type(self.typed.administrator[2])
        await self.screen.press("enter")
        await self.screen.expect(words("second.title"), seconds=LONG)
        await self.screen.type(self.typed.codes["administrator"].pop(1))  # the first one went at the set-up
        await self.screen.press("enter")
        await self.screen.gone(words("second.title"), seconds=LONG)

    async def releases(self, until: str = "") -> None:
        """The page of releases, until that stands there."""
        if not self.screen.shows(self.words("updates.runs")):
            await self.screen.press("9")
            await self.screen.expect(self.words("updates.runs"), seconds=LONG)
        async with asyncio.timeout(LONG):
            while until and not self.screen.shows(until):
                await self.screen.press("\x1b[15~")  # F5
                await asyncio.sleep(2)

    async def choose(self, line: str, question: str) -> None:
        """Go to that line of the list, and say yes to the question."""
        for _ in range(LINES):
            await self.screen.press("enter")
            try:
                # A dialog's lines have what lies behind it on either side: what stands in its first line is enough.
                await self.screen.expect(question.split("?")[0] + "?", seconds=20)
            except AssertionError:
                await self.screen.press("down")
                continue
            await self.screen.press(self.words("confirm.yes_keys"))
            return
        raise AssertionError(f"no line leads to {question!r} ({line})\n" + "\n".join(self.screen.lines()))

    async def install(self, version: str, ends: str = "") -> None:
        """From the stick that is plugged in, to the end of it: with that sentence, or well."""
        await self.releases(f"Install {version} from the stick")
        await self.choose(version, self.words("confirm.updates.install", version=version))
        await self.screen.expect(ends or self.words("done.updates.install", version=version), seconds=INSTALLING)

    async def restart_box(self) -> None:
        """The same release anew, in order, by its name among the commands; until the portal answers again."""
        words = self.words
        await self.screen.press("\x10")  # Ctrl-P
        await self.screen.type(words("command.restart_box"))
        await self.screen.press("enter")
        await self.screen.expect(words("power.restart"), seconds=LONG)
        await self.screen.press(words("power.restart.key"))
        await self.machine.silent(LONG)
        await self.machine.answers()

    async def restart(self, version: str) -> None:
        """Into what was installed; until the portal answers again."""
        await self.releases(self.words("updates.do.now", version=version))
        await self.choose(version, self.words("confirm.updates.now", version=version))
        await self.machine.silent(LONG)
        await self.machine.answers()


def stick(path: Path, bundles: list[Path], size: int = 1024) -> Path:
    """A USB stick of so many MiB with one FAT partition, as one buys them, and files on it."""
    with path.open("wb") as file:
        file.truncate(size * 2**20)
    subprocess.run(["sfdisk", "-q", path], input=b"start=2048, type=c\n", check=True)
    place = f"{path}@@{2048 * 512}"
    made = ["mkfs.vfat", "-F", "32", "-n", "STICK", "--offset", "2048", str(path), str((size - 1) * 1024)]
    subprocess.run(made, check=True, capture_output=True)
    for one in bundles:
        subprocess.run(["mcopy", "-i", place, one, f"::{one.name}"], check=True)
    return path


def small(version: str, folder: Path, keys: Path) -> Path:
    """A release of that number with noise in it, signed with these keys: to be refused at the first look."""
    parts, work = folder / "parts", folder / "work"
    for made in (parts, work):
        made.mkdir(parents=True, exist_ok=True)
    for name in ("root-a.img", "boot-a.img"):
        (parts / name).write_bytes(os.urandom(2**16))  # zeros would leave nothing to sign
    path = folder / f"hearth-{version}-amd64.raucb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_SIGNING", str(keys))
        bundle.pack(parts, TARGETS["amd64"], version, path, work, int(time.time()))
    return path


def damaged(release: Path, path: Path) -> Path:
    """The same with one bit of its content turned: the signature is good, and says what the content should be."""
    return _turned(release, path, release.stat().st_size // 2)


def tampered(release: Path, path: Path) -> Path:
    """The same with one bit of its signature turned."""
    return _turned(release, path, release.stat().st_size - 600)


def _turned(release: Path, path: Path, place: int) -> Path:
    subprocess.run(["cp", "--sparse=always", release, path], check=True)
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    return path
