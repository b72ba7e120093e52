"""A box at one end of a bad line and people at the other: each in a network namespace of its own. Needs root."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.tools.bad_link import address, device, space

_NEW_NET = 0x40000000  # CLONE_NEWNET of <sched.h>
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """What is started in this block lives in that namespace; this process comes back from it."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(home)
        os.close(home)
        os.close(there)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _NEW_NET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class BadLine:
    """The line between `near` (where the box is) and `far`. Changes are in force when `set` returns."""

    def __init__(self, link: int, process: asyncio.subprocess.Process) -> None:
        self._link, self._process = link, process
        self.near, self.far = space(link, "a"), space(link, "b")
        self.box = address(link, 1)
        self._own = 2

    async def set(self, **settings: float) -> None:
        """Of `tests/tools/bad_link.py`: up (towards the people), down, rtt, jitter, loss, queue."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        assert await self._process.stdout.readline() == b"done\n"

    def roam(self) -> None:
        """The people's machine gets another address, and the one it had is gone, as from one Wi-Fi to the next."""
        before, self._own = self._own, self._own + 1
        tap = device(self._link, "b")
        for word, number in (("del", before), ("add", self._own)):
            subprocess.run(
                ["ip", "-n", self.far, "addr", word, f"{address(self._link, number)}/24", "dev", tap], check=True
            )

    async def counts(self) -> dict[str, Any]:
        """Ends the line."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        await self._process.wait()
        return found


@asynccontextmanager
async def bad_line() -> AsyncIterator[BadLine]:
    """A line that is good at first: 100 Mbit/s, 20 ms there and back."""
    link = os.getpid() % 250 + 1
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.tools.bad_link", str(link)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    line = BadLine(link, process)
    try:
        yield line
    finally:
        if process.returncode is None:
            with contextlib.suppress(BrokenPipeError):
                print("line:", json.dumps(await line.counts()))
