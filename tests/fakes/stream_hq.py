"""HQ's end of the stream, in memory and able to fail: dies, says nothing, refuses, loses its receipts.

Held to the real one by tests/contract/test_courier.py, which runs the same life through both.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from sync import frames, receipt
from sync.checkpoint import EMPTY, extend_all
from sync.envelope import parse
from sync.hq import folder as hq_folder
from sync.keys import HqFacts
from sync.suite import digest

PULSE_SECONDS = 2.0


@dataclass
class StreamHq:
    """What it holds of one box, what it met, and what it does wrong."""

    folder: Path
    held: list[bytes] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)  # kinds of all frames
    hellos: list[dict[str, object]] = field(default_factory=list)
    handed: list[bytes] = field(default_factory=list)
    duplicates: int = 0
    streams: int = 0
    open: int = 0  # streams of now
    others: list[str] = field(default_factory=list)  # paths of other requests
    packs: dict[int, bytes] = field(default_factory=dict)
    refuse: dict[int, dict[str, object]] = field(default_factory=dict)  # number -> REFUSAL, once
    die_after: int = 0  # this many segments were held: the connection is cut, once
    lose_receipts: bool = False
    mute: bool = False  # takes everything and says nothing
    pulse: float = PULSE_SECONDS
    greets: bytes = b""  # said first on every stream
    repeats: bool = False  # that, in place of a PULSE
    hangs_up: bool = False  # after the HELLO
    refuse_always: dict[int, dict[str, object]] = field(default_factory=dict)  # number -> REFUSAL
    forge: Callable[[bytes], bytes] = bytes  # what becomes of a receipt
    answer: tuple[int, dict[str, str], str] | None = None  # instead of a stream: status, headers, body

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**20)
        app.router.add_post("/v1/boxes/{box}/stream", self._stream)
        app.router.add_get("/v1/boxes/{box}/head", self._head)
        app.router.add_get("/v1/boxes/{box}/packs/{number}", self._pack)
        app.router.add_post("/v1/enrolments", self._enrolment)
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.streams += 1
        if self.answer is not None:
            status, headers, text = self.answer
            return web.Response(status=status, headers=headers, text=text)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        pulsing = asyncio.create_task(self._pulse(response))
        self.open += 1
        reader = frames.Reader()
        try:
            await response.write(self.greets)
            if self.packs:
                await response.write(frames.pack(frames.NEWS, json.dumps({"packs": max(self.packs)}).encode()))
            async for chunk in request.content.iter_any():
                for frame in reader.feed(chunk):
                    if not await self._take(frame, request, response):
                        return response
        finally:
            self.open -= 1
            pulsing.cancel()
        await response.write_eof()
        return response

    async def _take(self, frame: frames.Frame, request: web.Request, response: web.StreamResponse) -> bool:
        self.heard.append(frame.kind)
        if frame.kind == frames.HELLO:
            self.hellos.append(json.loads(frame.payload))
            if self.hangs_up:
                await response.write_eof()
                return False
        if frame.kind == frames.HANDED:
            self.handed.append(frame.payload)
        if frame.kind != frames.SEGMENT:
            return True
        sealed = parse(frame.payload)
        if sealed.sequence in self.refuse or sealed.sequence in self.refuse_always:
            told = self.refuse_always.get(sealed.sequence) or self.refuse.pop(sealed.sequence)
            refusal = json.dumps(told).encode()
            await response.write(frames.pack(frames.REFUSAL, refusal))
            await response.write_eof()
            return False
        if sealed.sequence <= len(self.held):
            assert self.held[sealed.sequence - 1] == frame.payload
            self.duplicates += 1
        else:
            assert sealed.sequence == len(self.held) + 1
            self.held.append(frame.payload)
        if len(self.held) == self.die_after:
            self.die_after = 0
            assert request.transport is not None
            request.transport.abort()
            return False
        if not self.lose_receipts and not self.mute:
            await response.write(frames.pack(frames.RECEIPT, self.forge(self.receipt(sealed.sequence))))
        return True

    def receipt(self, size: int) -> bytes:
        hashes = [digest(raw) for raw in self.held[:size]]
        box, signer = parse(self.held[0]).box, hq_folder.receipt_signing_key(self.folder)
        return receipt.issue(box, hashes[-1], extend_all(EMPTY, hashes), 0, signer)

    async def _pulse(self, response: web.StreamResponse) -> None:
        with suppress(ConnectionError):
            while not self.mute:
                await response.write(self.greets if self.repeats else frames.pack(frames.PULSE))
                await asyncio.sleep(self.pulse)

    async def _head(self, request: web.Request) -> web.Response:
        return web.Response(body=self.receipt(len(self.held))) if self.held else web.Response(status=204)

    async def _pack(self, request: web.Request) -> web.Response:
        self.others.append(request.path)
        raw = self.packs.get(int(request.match_info["number"]))
        return web.Response(status=404) if raw is None else web.Response(body=raw)

    async def _enrolment(self, request: web.Request) -> web.Response:
        self.others.append(request.path)
        return web.Response(body=b"welcome " + await request.read())


@asynccontextmanager
async def running(hq: StreamHq, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[HqFacts]:
    """Over TLS with the certificate of its folder; its facts with the address that it listens on."""
    runner = web.AppRunner(hq.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=hq_folder.tls_context(hq.folder))
    await site.start()
    try:
        yield replace(hq_folder.public(hq.folder), url=f"https://{host}:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
