"""The serial console of a box as a person sees it: 80x24, read by what stands on it, never by the bytes that came."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pyte

COLUMNS, LINES = 80, 24
# Frames, rules and bars that a sentence may be broken by when it is wrapped within them.
_FRAMES = re.compile(r"[\u2500-\u259f▊▎▌▐]+")
KEYS = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "backspace": "\x7f",
}
STILL = 0.6  # seconds without another letter: the screen is drawn. A cursor that blinks is no letter


class NotShown(AssertionError):
    """What was waited for did not come; the screen as it stood instead."""


class Screen:
    """One end of a serial line."""

    def __init__(self, log: Path) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._log = log.open("ab")
        self._came = 0.0

    async def connect(self, path: Path) -> None:
        reader, self._writer = await asyncio.open_unix_connection(path)
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()
        self._log.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            self._log.write(data)
            self._log.flush()
            before = self._screen.display
            self._stream.feed(data)
            if self._screen.display != before:
                self._came = asyncio.get_running_loop().time()
            self._changed.set()

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        """All that stands there as one line: frames left out, white space single."""
        return " ".join(_FRAMES.sub(" ", " ".join(self.lines())).split())

    def shows(self, sentence: str) -> bool:
        return " ".join(sentence.split()) in self.text()

    async def expect(self, *sentences: str, seconds: float = 120.0) -> str:
        """Wait until one of them stands there, and the screen is still; which one."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for sentence in sentences:
                        if self.shows(sentence):
                            await self._still()
                            if self.shows(sentence):
                                return sentence
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            shown = "\n".join(self.lines())
            raise NotShown(f"not within {seconds:.0f} s: {sentences}; there stands\n{shown}") from None

    async def gone(self, sentence: str, seconds: float = 120.0) -> None:
        """Wait until it stands there no more."""
        async with asyncio.timeout(seconds):
            while self.shows(sentence):
                self._changed.clear()
                await self._changed.wait()

    async def _still(self) -> None:
        loop = asyncio.get_running_loop()
        while (left := self._came + STILL - loop.time()) > 0:
            await asyncio.sleep(left)

    async def type(self, text: str) -> None:
        """Letter by letter, as the line takes them."""
        assert self._writer is not None
        for char in text:
            self._writer.write(char.encode())
            await self._writer.drain()
            await asyncio.sleep(0.02)  # a serial line's FIFO holds 16; nobody types faster

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.type_raw(KEYS.get(key) or (chr(ord(key[-1]) & 31) if key.startswith("ctrl+") else key))

    async def type_raw(self, code: str) -> None:
        """A key's code at once: an escape must not stand alone."""
        assert self._writer is not None
        self._writer.write(code.encode())
        await self._writer.drain()
        await asyncio.sleep(0.15)
