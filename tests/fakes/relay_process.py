"""A real relay in a process of its own, the appliance's client to it, and participants to fill its rooms."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from media.client import Permission, RelayClient
from tests.fakes.participant import Participant
from tests.fakes.waiting import until

EVERYTHING = Permission(("audio", "video"), True)


class Clinic:
    """What the appliance is to the relay: the truth about admissions, one client, and pages that hear events."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "relay.sock"
        self.truth: dict[str, dict[str, Permission]] = {}
        self.pages: dict[tuple[str, str], Participant] = {}
        self.process: asyncio.subprocess.Process | None = None
        self.client = self._new_client()
        self._running: asyncio.Task[None] | None = None

    def _new_client(self) -> RelayClient:
        async def admitted() -> dict[str, dict[str, Permission]]:
            return self.truth

        def on_event(room: str, member: str, event: str, data: dict[str, Any]) -> None:
            if (room, member) in self.pages:
                self.pages[room, member].event(event, data)

        return RelayClient(self.socket, admitted=admitted, on_event=on_event, on_connected=lambda connected: None)

    async def start_relay(self, stderr: int | None = None, options: Sequence[str] = ()) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "media", "--socket", str(self.socket), "--udp-port", "0"),
            *("--address", "127.0.0.1", *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=Path(__file__).parents[2],
        )
        assert self.process.stdout is not None
        assert await self.process.stdout.readline() == b"ready\n"

    async def connect(self) -> None:
        self.client = self._new_client()
        self._running = asyncio.create_task(self.client.run())
        await until(lambda: self.client.connected)

    async def disconnect(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None

    async def admit(self, room: str, member: str, permission: Permission = EVERYTHING) -> None:
        self.truth.setdefault(room, {})[member] = permission
        await self.client.permit(room, member, permission)

    async def remove(self, room: str, member: str) -> None:
        self.truth[room].pop(member)
        await self.client.remove(room, member)

    def participant(self, room: str, member: str, *, receives: bool = True) -> Participant:
        async def request(method: str, data: dict[str, Any]) -> dict[str, Any]:
            return await self.client.request(room, member, method, data)

        page = self.pages[room, member] = Participant(request, receives=receives, seed=len(self.pages))
        return page

    async def enter(self, room: str, member: str, *kinds: str) -> Participant:
        """Admit, join, and send frames of `kinds`."""
        await self.admit(room, member)
        page = self.participant(room, member)
        await page.join()
        for kind in kinds:
            await page.send(kind)
        return page

    async def clear(self) -> None:
        """Everybody goes and every room closes; the relay stays for the next test."""
        for page in self.pages.values():
            await page.close()
        self.pages.clear()
        for room in list(self.truth):
            del self.truth[room]
            await self.client.close_room(room)

    async def stop(self) -> None:
        for page in self.pages.values():
            await page.close()
        await self.disconnect()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 5)


@contextlib.asynccontextmanager
async def clinic(stderr: int | None = None, options: Sequence[str] = ()) -> AsyncIterator[Clinic]:
    """A relay that runs and an appliance that is connected to it, in a folder with a name short enough for a socket.

    `stderr` as of subprocess; without it the relay's log goes where the test's goes. `options`: of its command line.
    """
    with tempfile.TemporaryDirectory(prefix="hr") as folder:
        made = Clinic(Path(folder))
        try:
            await made.start_relay(stderr, options)
            await made.connect()
            yield made
        finally:
            await made.stop()
