"""A courier's line to HQ in the hands of a test: says any frame, hears every frame."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sync import frames
from sync.frames import Frame
from sync.keys import HqFacts
from tests.fakes.parties import client_context

HELLO = b'{"version": "0.5.0", "queued": 1, "oldest_at": "", "applied": 0, "certificate_ends": ""}'
QUIET = (frames.PULSE, frames.NEWS)


@dataclass
class Streaming:
    """One stream. `status` and `body` when HQ answered with something else."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    out: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[Frame | None] = field(default_factory=asyncio.Queue)
    news: list[Frame] = field(default_factory=list)

    def say(self, kind: int, payload: bytes = b"") -> None:
        self.out.put_nowait(frames.pack(kind, payload))

    def say_raw(self, raw: bytes) -> None:
        """b"" ends the request."""
        self.out.put_nowait(raw)

    def send(self, envelopes: Iterable[bytes]) -> None:
        for raw in envelopes:
            self.say(frames.SEGMENT, raw)

    async def hear(self) -> Frame | None:
        """The next receipt or refusal; None at the end."""
        while (frame := await self.heard.get()) is not None and frame.kind in QUIET:
            self.news.append(frame)
        return frame

    async def receipts(self, count: int) -> list[bytes]:
        found = [await self.hear() for _ in range(count)]
        assert all(frame is not None and frame.kind == frames.RECEIPT for frame in found), found
        return [frame.payload for frame in found if frame is not None]

    async def refusal(self) -> dict[str, Any]:
        frame = await self.hear()
        assert frame is not None and frame.kind == frames.REFUSAL, frame
        told: dict[str, Any] = json.loads(frame.payload)
        return told

    async def _body(self) -> AsyncIterator[bytes]:
        while part := await self.out.get():
            yield part

    async def exchange(self, hq: HqFacts, box: bytes, session: aiohttp.ClientSession) -> None:
        try:
            url = f"{hq.url}/v1/boxes/{box.hex()}/stream"
            async with session.post(url, data=self._body(), ssl=client_context(hq, box)) as answer:
                self.status, self.headers = answer.status, dict(answer.headers)
                if answer.status != 200:
                    self.body = await answer.read()
                    return
                reader = frames.Reader()
                async for chunk in answer.content.iter_any():
                    for frame in reader.feed(chunk):
                        self.heard.put_nowait(frame)
        except (aiohttp.ClientError, OSError):
            return
        finally:
            self.heard.put_nowait(None)


@asynccontextmanager
async def streaming(hq: HqFacts, box: bytes, *, hello: bool = True, handed: bytes = b"") -> AsyncIterator[Streaming]:
    """A stream of this box; its end is said at the end, and HQ's last words are waited for."""
    line = Streaming()
    if hello:
        line.say(frames.HELLO, HELLO)
    if handed:
        line.say(frames.HANDED, handed)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        exchange = asyncio.create_task(line.exchange(hq, box, session))
        try:
            yield line
        finally:
            line.say_raw(b"")
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(exchange), 10)
            exchange.cancel()
            await asyncio.gather(exchange, return_exceptions=True)
