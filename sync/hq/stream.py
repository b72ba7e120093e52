"""One streamed request: a box's envelopes come in frames, a receipt for each goes back on the same request's answer.

Three things at once: `_read` takes frames from the line into a short queue (a full one makes the box's TCP wait),
`_work` puts envelopes into the store one by one, `_answer` writes receipts in order, each when its envelope is durable.
FORMAT.md section 5.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from sync import frames
from sync.envelope import MAX_ENVELOPE, parse
from sync.faults import SyncFault
from sync.frames import Frame
from sync.hq import ingest
from sync.hq.intake import Chain, Intake, Taken
from sync.hq.objects import Objects, numbered_path
from sync.keys import BoxFacts

PULSE_SECONDS = 2.5  # between two signs of life; a courier that hears none for 6 s opens another line
SILENT_SECONDS = 20.0  # not one byte from the box, whose BEAT comes every 3 s
FRAME_SECONDS = 120.0  # a frame must be whole by then: 160 KiB take 20 s at 64 kbit/s
BEATS = 600  # in FRAME_SECONDS: 40 are due, and a line that stood still brings a few together
IDLE_BYTES = MAX_ENVELOPE + 65_536  # in FRAME_SECONDS, beside envelopes: one half read, and frames of newer versions
WRITE_SECONDS = 20.0  # the box takes nothing of what we say
QUEUED = 2  # envelopes read from the line and not judged yet
UNFLUSHED = 8  # envelopes created whose flush is still under way
SEEN_SECONDS = 300.0  # between two notes of what a box says of itself
CHECK_SECONDS = 30.0  # between two looks at the box's card and at its packs
HEAD_EVERY = 512  # receipts between two notes of where the box's log stands

_log = logging.getLogger("hearth.hq")


class Hello(msgspec.Struct, frozen=True):
    """What a box says of itself."""

    version: str = ""
    queued: int = 0
    oldest_at: str = ""
    applied: int = 0
    certificate_ends: str = ""


@dataclass(slots=True)
class Idle:
    """What a box says beside its envelopes. A flood of it would keep this server from every other box: two streams of
    nothing but BEAT stopped all others for as long as they went on."""

    since: float
    beats: int = 0
    spare: float = IDLE_BYTES

    def count(self, size: int, found: Sequence[Frame], now: float) -> None:
        """Raise `malformed_carriage` for more than BEATS in FRAME_SECONDS, or IDLE_BYTES beyond envelopes."""
        if now - self.since > FRAME_SECONDS:
            self.since, self.beats, self.spare = now, 0, IDLE_BYTES
        self.beats += sum(frame.kind == frames.BEAT for frame in found)
        self.spare -= size - sum(frames.HEAD.size + len(one.payload) for one in found if one.kind == frames.SEGMENT)
        if self.beats > BEATS or self.spare < 0:
            raise SyncFault("malformed_carriage")


@dataclass
class Stream:
    """`leave`: set when this server closes or a newer stream of the box needs the place. `known`: is the box still let
    in? `retry_after`: seconds that a box should stay away when it is told to go."""

    request: web.Request
    response: web.StreamResponse
    box: BoxFacts
    intake: Intake
    leave: Callable[[], bool]
    known: Callable[[bytes], Awaitable[BoxFacts]]
    retry_after: Callable[[], int]

    def __post_init__(self) -> None:
        self._queue: asyncio.Queue[Frame | SyncFault | None] = asyncio.Queue(QUEUED)
        self._taken: asyncio.Queue[Taken | SyncFault | None] = asyncio.Queue(UNFLUSHED)
        self._said_hello = False
        self._at_work = False
        self._news = 0
        self._applied = 0
        self._last_signed = b""
        self._signed = 0

    async def run(self) -> None:
        """Until the box has said all, says nonsense, is gone, or is told to go."""
        tasks = [asyncio.create_task(work()) for work in (self._read, self._work, self._watch)]
        try:
            await self._write(frames.pack(frames.PULSE))  # aiohttp sends the answer's head with its first part
            await self._answer()
        finally:
            for task in tasks:
                task.cancel()
            for end in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(end, Exception) and not isinstance(end, ConnectionError):
                    _log.error("a stream of box %s failed: %s", self.box.box.hex()[:8], type(end).__name__)
            while not self._taken.empty():
                left = self._taken.get_nowait()
                if isinstance(left, Taken):
                    left.drop()
            if self._last_signed:
                with suppress(SyncFault):
                    await self.intake.keep_head(self.box.box, self._last_signed)

    async def _read(self) -> None:
        """Frames into the queue; then a fault of the other side's, or None for every other kind of end."""
        reader, loop = frames.Reader(), asyncio.get_running_loop()
        idle = Idle(loop.time())
        whole_at = loop.time()
        fault: SyncFault | None = None
        try:
            while True:
                async with asyncio.timeout(SILENT_SECONDS):
                    chunk = await self.request.content.readany()
                if not chunk:
                    break
                found = reader.feed(chunk)
                idle.count(len(chunk), found, loop.time())
                if found:
                    whole_at = loop.time()
                elif loop.time() - whole_at > FRAME_SECONDS:
                    raise SyncFault("malformed_carriage")
                for frame in found:
                    if frame.kind != frames.BEAT:
                        await self._queue.put(frame)
        except SyncFault as caught:
            fault = caught
        except (TimeoutError, OSError, ClientError, HttpProcessingError):
            pass  # the line died or was silent: what is cut in two never happened
        await self._queue.put(fault)

    async def _work(self) -> None:
        """Frames to envelopes in the store. The first fault ends it: nothing goes on top of what was refused."""
        chain = self.intake.chain(self.box)
        try:
            while not self.leave():
                frame = await self._queue.get()
                if frame is None:
                    break
                if isinstance(frame, SyncFault):
                    raise frame
                self._at_work = True
                taken = await self._one(frame, chain)
                if taken is not None:
                    await self._taken.put(taken)
                self._at_work = False
            else:
                raise SyncFault("busy")
        except SyncFault as fault:
            await self._taken.put(fault)
        except Exception as fault:  # noqa: BLE001 - else the line would go on with pulses and no receipt
            _log.error("a stream of box %s failed: %s", self.box.box.hex()[:8], type(fault).__name__)
            await self._taken.put(SyncFault("hq_failed"))
        await self._taken.put(None)

    async def _one(self, frame: Frame, chain: Chain) -> Taken | None:
        if (frame.kind == frames.HELLO) == self._said_hello:
            raise SyncFault("malformed_carriage")
        if frame.kind == frames.HELLO:
            self._said_hello = True
            await self._hello(frame.payload)
        elif frame.kind == frames.HANDED and chain.handed is None:
            chain.hand(frame.payload)
            await chain.asked()
        elif frame.kind == frames.SEGMENT:
            offered = parse(frame.payload)
            ingest.check(offered, self.box, self.intake.record_key_ids)
            return await chain.put(offered)
        else:
            raise SyncFault("malformed_carriage")
        return None

    async def _hello(self, payload: bytes) -> None:
        try:
            hello = msgspec.json.decode(payload, type=Hello)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise SyncFault("malformed_carriage") from None
        self._applied = max(0, min(hello.applied, 10**15))
        await note_seen(self.intake.objects, self.box.box, hello, self.intake.clock())
        await self._tell_news()

    async def _answer(self) -> None:
        """Receipts in order, the one refusal, a sign of life between."""
        while True:
            try:
                async with asyncio.timeout(PULSE_SECONDS):
                    taken = await self._taken.get()
            except TimeoutError:
                await self._write(frames.pack(frames.PULSE))
                continue
            if taken is None:
                return
            try:
                if isinstance(taken, SyncFault):
                    raise taken
                await self._receipt(taken)
            except SyncFault as fault:
                await self._refuse(fault)
                return

    async def _receipt(self, taken: Taken) -> None:
        await taken.durable()
        signed = taken.signed or self.intake.sign(self.box.box, taken.head)
        await self._write(frames.pack(frames.RECEIPT, signed))
        self._last_signed = signed
        self._signed += 1
        if self._signed % HEAD_EVERY == 0:
            await self.intake.keep_head(self.box.box, signed)

    async def _refuse(self, fault: SyncFault) -> None:
        level = logging.ERROR if fault.code in ingest.ALARMING else logging.WARNING
        _log.log(level, "refused %s on a stream of box %s", fault.code, self.box.box.hex()[:8])
        code = fault.code if fault.code in ingest.SPOKEN else "hq_failed"
        told: dict[str, object] = {"code": code, "next_wanted": fault.next_wanted}
        if code == "busy":
            told["retry_after"] = self.retry_after()
        await self._write(frames.pack(frames.REFUSAL, json.dumps(told).encode()))

    async def _watch(self) -> None:
        """Whether this server or the box's card wants the stream to end; whether there are new packs."""
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while True:
            await asyncio.sleep(0.25)
            if self.leave() and self._queue.empty() and not self._at_work:
                with suppress(asyncio.QueueFull):
                    self._taken.put_nowait(SyncFault("busy"))
            if loop.time() - checked_at > CHECK_SECONDS:
                checked_at = loop.time()
                try:
                    await self.known(self.box.box)
                    await self._tell_news()
                except SyncFault as fault:
                    await self._taken.put(fault)

    async def _tell_news(self) -> None:
        newest = await newest_pack(self.intake.objects, self.box.box, max(self._applied, self._news))
        if newest > self._news:
            self._news = newest
            await self._write(frames.pack(frames.NEWS, json.dumps({"packs": newest}).encode()))

    async def _write(self, raw: bytes) -> None:
        """Frames are written whole: each is one call. A box that takes nothing loses its line."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self.response.write(raw)
        except TimeoutError:
            if self.request.transport is not None:
                self.request.transport.abort()
            raise ConnectionResetError from None


async def newest_pack(objects: Objects, box: bytes, after: int) -> int:
    """The highest number among the packs for a box, 0 when none is higher than `after`."""
    newest = 0
    async for entry in objects.entries(f"packs/{box.hex()}", numbered_path("packs", box, after)):
        name = entry.path.rpartition("/")[2]
        newest = int(name) if name.isdecimal() else newest
    return newest


async def note_seen(objects: Objects, box: bytes, hello: Hello, now: float) -> None:
    """seen/<box>.json for the fleet's page, not more often than every SEEN_SECONDS unless something else changed."""
    path = f"seen/{box.hex()}.json"
    at = datetime.fromtimestamp(now, UTC)
    told = {**msgspec.to_builtins(hello), "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    before = await objects.get(path)
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        was = json.loads(before or b"")
        age = (at - datetime.fromisoformat(was["at"])).total_seconds()
        same = all(was.get(key) == told[key] for key in ("version", "applied", "certificate_ends"))
        if same and 0 <= age < SEEN_SECONDS:
            return
    await objects.replace(path, json.dumps(told).encode())
