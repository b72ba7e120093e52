"""What the bench asks of anything it measures: a process of its own, and the lines of a full load into it and out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

from media.bench.generator import Line, Load, Numbers
from media.bench.profiles import Sending


class Missing(Exception):
    """This peer cannot be measured here. Its text says why, to the person who asked."""


@dataclass
class Wiring:
    """The line numbers of those who send and those who receive, and the numbers that were agreed."""

    senders: list[int] = field(default_factory=list)
    receivers: list[int] = field(default_factory=list)
    numbers: Numbers = field(default_factory=Numbers)
    # Printed with the figures: SRTP profile, header extensions, whatever else makes them what they are.
    words: dict[str, Any] = field(default_factory=dict)


class Peer(Protocol):
    name: str
    pid: int

    async def start(self, folder: Path) -> None:
        """Start the process, in `folder`. Raises Missing."""

    async def connect(self, load: Load, sendings: list[Sending], rooms: int) -> Wiring:
        """Everybody in, every stream announced, everything that is watched asked for."""

    async def counts(self) -> dict[str, Any]:
        """What the process says of itself; empty if it says nothing."""

    async def stop(self) -> None: ...


async def started(command: list[str], ready: str, what: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
    """A process that has printed a line beginning with `ready`. Raises Missing with its last words."""
    with TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        if await _says(process, ready):
            return process
        await process.wait()
        errors.seek(0)
        lines = errors.read()[-500:].decode(errors="replace").splitlines() or ["it said nothing"]
    raise Missing(f"{what} did not start ({lines[-1]}).")


async def _says(process: asyncio.subprocess.Process, ready: str) -> bool:
    assert process.stdout is not None  # noqa: S101 - asked for above
    async with asyncio.timeout(20):
        while line := (await process.stdout.readline()).decode(errors="replace"):
            if line.startswith(ready):
                return True
    return False


async def ended(process: asyncio.subprocess.Process | None) -> None:
    if process is not None:
        if process.returncode is None:
            process.terminate()
        await process.wait()


__all__ = ["Line", "Missing", "Peer", "Wiring", "ended", "started"]
