"""The walk over a terminal of this machine, before a box that is a process: what the serial console's driver can do
is seen in seconds, before a virtual machine takes minutes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fakes.new_box import NewBox
from tests.image.screen import COLUMNS, LINES, Screen
from tests.image.wizard import Wizard

pytestmark = [pytest.mark.image, pytest.mark.slow]


@asynccontextmanager
async def console(folder: Path, socket: Path) -> AsyncIterator[Screen]:
    """The console on a terminal of 80x24, its other end at a Unix socket as QEMU's serial line is."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "tui", "--socket", str(socket), "--wait"]
    environment = {**os.environ, "TERM": "vt220", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
    process = await asyncio.create_subprocess_exec(*command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(master, lambda: writer.write(os.read(master, 65536)))
        try:
            while data := await reader.read(4096):
                os.write(master, data)
        finally:
            loop.remove_reader(master)
            writer.close()

    server = await asyncio.start_unix_server(client, folder / "serial")
    screen = Screen(folder / "serial.log")
    await screen.connect(folder / "serial")
    try:
        yield screen
    finally:
        process.kill()
        await process.wait()
        await screen.close()
        server.close()


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_person_who_reads_the_screen_sets_the_box_up(language: str) -> None:
    with TemporaryDirectory(prefix="h") as name:
        folder = Path(name)
        box = NewBox(folder)
        try:
            await box.start()
            async with console(folder, box.socket) as screen:
                wizard = Wizard(screen, language)
                typed = await wizard.walk()
                await screen.expect(wizard.words("sign_in.title"))
            assert len(typed.sheet) == 12 and {len(codes) for codes in typed.codes.values()} == {10}
        finally:
            box.end()
