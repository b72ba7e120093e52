"""Child processes of `hearth up`: started, watched, restarted, ended together. No secret goes on an argv or into an
environment: the passphrase travels through a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

READY_SECONDS = 60.0  # a Pi with a cold SD card takes 20 s to import aiortc
END_SECONDS = 2.0  # then SIGKILL; the whole box ends in 3 s
LOG_LIMIT = 1_000_000  # bytes; a longer log is moved aside once at start
RESTART_SECONDS = (0.2, 1.0, 5.0)  # before the first, second, each later restart in a row
FD = "{fd}"
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One process: `command` after the interpreter, and what it gets on a pipe, which FD in the command stands for."""

    name: str
    command: Sequence[str]
    log: Path
    secret: bytes = b""
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    restarts: int = 0

    def __repr__(self) -> str:
        return f"Child({self.name})"

    async def start(self) -> bool:
        """Start it and wait for its `ready`; False if it ended first or took too long."""
        read = _pipe_with(self.secret) if self.secret else -1
        command = [str(read) if part == FD else part for part in self.command]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                pass_fds=(read,) if read >= 0 else (),
                start_new_session=True,  # Ctrl-C reaches `up` alone, which ends its children in order
                preexec_fn=_die_with_parent,
            )
        if read >= 0:
            os.close(read)
        return await self._ready()

    async def _ready(self) -> bool:
        assert self.process is not None and self.process.stdout is not None  # noqa: S101 - start made them
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(self.process.stdout.readline(), READY_SECONDS)
            return line.strip() == b"ready"
        return False

    async def end(self) -> None:
        """SIGTERM, and SIGKILL after END_SECONDS."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        _signal(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            _signal(process.pid, signal.SIGKILL)
            await process.wait()

    async def watch(self, say: Callable[[str], None]) -> None:
        """Restart it whenever it ends, with growing pauses; runs until cancelled."""
        while True:
            assert self.process is not None  # noqa: S101 - start came first
            await self.process.wait()
            pause = RESTART_SECONDS[min(self.restarts, len(RESTART_SECONDS) - 1)]
            self.restarts += 1
            say(f"{self.name} ended and is started again")
            await asyncio.sleep(pause)
            if await self.start():
                self.restarts = 0

    def last_words(self) -> str:
        """The last line of its log: the sentence that it ended with."""
        with contextlib.suppress(OSError):
            lines = self.log.read_bytes()[-4096:].decode(errors="replace").strip().splitlines()
            return lines[-1].removeprefix("hearth: ") if lines else ""
        return ""


def _signal(pid: int, number: signal.Signals) -> None:
    """Not by `Process.terminate`: that one collects a child which has just ended, whose watcher then knows no better
    than to write "Unknown child process" and to report 255."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def trim_log(path: Path) -> None:
    """Move a log that grew long aside; one older generation is kept."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > LOG_LIMIT:
            path.rename(path.with_suffix(".old.log"))


def _pipe_with(secret: bytes) -> int:
    """The reading end of a pipe that holds `secret` and is closed behind it."""
    read, write = os.pipe()
    os.write(write, secret)
    os.close(write)
    return read


def _die_with_parent() -> None:
    """In the child: end when `hearth up` is killed, so that nothing is left behind (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
