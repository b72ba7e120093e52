"""An NBD server for one client on a Unix socket, over a disk that loses what was not flushed (volatile.py).

The protocol as doc/proto.md of NBD has it: fixed newstyle negotiation, simple replies, one export of any name; READ,
WRITE, FLUSH, TRIM and FUA. Writes are answered as late as a client can bear, and in any order: only when nothing else
is there to be read. So a flush that comes together with writes does not cover them, as on a disk.

A trimmed sector reads as zeros, and its old content is as volatile as what a write replaces.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.image.volatile import SECTOR, Volatile

NBDMAGIC, IHAVEOPT, REPLY_MAGIC = 0x4E42444D41474943, 0x49484156454F5054, 0x3E889045565A9
REQUEST_MAGIC, SIMPLE_MAGIC = 0x25609513, 0x67446698
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
EXPORT_NAME, ABORT, INFO, GO = 1, 2, 6, 7  # options
ACK, ERR_UNSUP, REP_INFO = 1, 2**31 + 1, 3  # replies to them
HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM = 1, 4, 8, 32
FLAGS = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_TRIM
READ, WRITE, DISC, FLUSH, TRIM = range(5)
FUA = 1
EINVAL = 22
MOST = 64 * 1024 * 1024  # bytes of one request
MOST_OPTION = 4096


@dataclass(frozen=True, slots=True)
class Request:
    flags: int
    kind: int
    handle: bytes
    place: int
    size: int
    data: bytes


class Server:
    """Serves `disk` until the power is cut. `seed`: the order in which writes are answered.

    `cut_at`: after so many writes of the disk the power goes, that is nothing is done or answered any more, and `gone`
    is set. What the platters then hold is for the caller to say (`Volatile.cut`).
    """

    def __init__(self, disk: Volatile, *, seed: int = 0, cut_at: int | None = None) -> None:
        self.disk = disk
        self.cut_at = cut_at
        self.gone = asyncio.Event()
        self.flushes = 0
        self._chance = random.Random(seed)  # noqa: S311
        self._number = 0
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._client, path, limit=2 * MOST)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def cut(self) -> None:
        """The power goes now."""
        self.gone.set()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                if await _negotiate(reader, writer, self.disk.size):
                    await self._serve(reader, writer)
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[Request | None] = asyncio.Queue(256)
        reading = asyncio.create_task(_requests(reader, waiting))
        unanswered: list[tuple[int, bytes]] = []
        try:
            while True:
                if waiting.empty():
                    await asyncio.sleep(0)  # lets the reader hand on what has arrived
                if waiting.empty():
                    self._answer(writer, unanswered)
                    await writer.drain()
                request = await waiting.get()
                if request is None or self.gone.is_set():
                    break
                self._do(request, writer, unanswered)
        finally:
            reading.cancel()

    def _answer(self, writer: asyncio.StreamWriter, unanswered: list[tuple[int, bytes]]) -> None:
        if self.gone.is_set():
            return
        self._chance.shuffle(unanswered)
        for number, handle in unanswered:
            self.disk.done(number)
            writer.write(_simple(handle))
        unanswered.clear()

    def _do(self, request: Request, writer: asyncio.StreamWriter, unanswered: list[tuple[int, bytes]]) -> None:
        if request.kind in (READ, WRITE, TRIM) and not self._fits(request):
            writer.write(_simple(request.handle, EINVAL))
        elif request.kind == READ:
            writer.write(_simple(request.handle) + self.disk.read(request.place, request.size))
        elif request.kind in (WRITE, TRIM):
            self._number += 1
            data = request.data if request.kind == WRITE else bytes(request.size)
            self.disk.write(self._number, request.place, data, through=bool(request.flags & FUA))
            unanswered.append((self._number, request.handle))
            if self.cut_at is not None and self.disk.writes >= self.cut_at:
                self.cut()
        elif request.kind == FLUSH:
            self.flushes += 1
            self.disk.flush()
            writer.write(_simple(request.handle))
        else:
            writer.write(_simple(request.handle, EINVAL))

    def _fits(self, request: Request) -> bool:
        end = request.place + request.size
        return 0 < request.size <= MOST and end <= self.disk.size and not (request.place | end) % SECTOR


async def _requests(reader: asyncio.StreamReader, waiting: asyncio.Queue[Request | None]) -> None:
    try:
        while True:
            header = struct.unpack(">IHH8sQI", await reader.readexactly(28))
            magic, flags, kind, handle, place, size = header
            if magic != REQUEST_MAGIC or kind == DISC or (kind == WRITE and size > MOST):
                break
            data = await reader.readexactly(size) if kind == WRITE else b""
            await waiting.put(Request(flags, kind, handle, place, size, data))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    await waiting.put(None)


async def _negotiate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> bool:
    """Until the client has chosen the export; False if it leaves."""
    writer.write(struct.pack(">QQH", NBDMAGIC, IHAVEOPT, FIXED_NEWSTYLE | NO_ZEROES))
    (client,) = struct.unpack(">I", await reader.readexactly(4))
    while True:
        magic, option, length = struct.unpack(">QII", await reader.readexactly(16))
        if magic != IHAVEOPT or length > MOST_OPTION:
            return False
        await reader.readexactly(length)
        if option == EXPORT_NAME:
            writer.write(struct.pack(">QH", size, FLAGS) + (b"" if client & NO_ZEROES else bytes(124)))
            return True
        if option in (INFO, GO):
            writer.write(_option(option, REP_INFO, struct.pack(">HQH", 0, size, FLAGS)) + _option(option, ACK))
            if option == GO:
                return True
            continue
        writer.write(_option(option, ACK if option == ABORT else ERR_UNSUP))
        if option == ABORT:
            return False


def _option(option: int, kind: int, data: bytes = b"") -> bytes:
    return struct.pack(">QIII", REPLY_MAGIC, option, kind, len(data)) + data


def _simple(handle: bytes, error: int = 0) -> bytes:
    return struct.pack(">II8s", SIMPLE_MAGIC, error, handle)


async def told(path: Path, hear: Callable[[str], None]) -> asyncio.Server:
    """Listen at a Unix socket for lines, one call each, at the moment that they arrive."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            hear(line.decode(errors="replace").strip())
        writer.close()

    return await asyncio.start_unix_server(client, path)
