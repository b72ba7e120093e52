"""The NBD server, asked by QEMU's own client where it is installed, and by hand what that one never does."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.image import nbd
from tests.image.volatile import SECTOR, Entry, Volatile

SIZE = 64 * SECTOR


@asynccontextmanager
async def serving(folder: Path, cut_at: int | None = None) -> AsyncIterator[tuple[nbd.Server, Path, list[Entry]]]:
    (folder / "disk").write_bytes(bytes(SIZE))
    log: list[Entry] = []
    disk = Volatile(folder / "disk", log)
    server, path = nbd.Server(disk, cut_at=cut_at), folder / "socket"
    await server.start(path)
    yield server, path, log
    await server.close()
    disk.close()


@asynccontextmanager
async def client(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that has chosen the export."""
    reader, writer = await asyncio.open_unix_connection(path)
    await reader.readexactly(18)
    writer.write(struct.pack(">IQII", 3, nbd.IHAVEOPT, nbd.EXPORT_NAME, 0))
    assert struct.unpack(">QH", await reader.readexactly(10)) == (SIZE, nbd.FLAGS)
    yield reader, writer
    writer.close()


def request(kind: int, handle: int, place: int = 0, data: bytes = b"", size: int = 0, flags: int = 0) -> bytes:
    size = size or len(data)
    return struct.pack(">IHHQQI", nbd.REQUEST_MAGIC, flags, kind, handle, place, size) + data


async def replies(reader: asyncio.StreamReader, count: int) -> dict[int, int]:
    """Error by handle."""
    answers = [struct.unpack(">IIQ", await reader.readexactly(16)) for _ in range(count)]
    assert all(magic == nbd.SIMPLE_MAGIC for magic, _, _ in answers)
    return {handle: error for _, error, handle in answers}


async def test_a_flush_sent_together_with_writes_does_not_cover_them_and_one_sent_after_their_answers_does(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (server, path, _), client(path) as (reader, writer):
        together = [request(nbd.WRITE, 1, 0, b"a" * SECTOR), request(nbd.WRITE, 2, SECTOR, b"b" * SECTOR)]
        writer.write(b"".join(together) + request(nbd.FLUSH, 3))
        assert await replies(reader, 3) == {1: 0, 2: 0, 3: 0}
        writer.write(request(nbd.WRITE, 4, 2 * SECTOR, b"c" * SECTOR, flags=nbd.FUA))
        await replies(reader, 1)
        server.disk.cut("none", 1)
        assert server.disk.read(0, 3 * SECTOR) == bytes(2 * SECTOR) + b"c" * SECTOR

        writer.write(request(nbd.WRITE, 5, 0, b"d" * SECTOR))
        await replies(reader, 1)
        writer.write(request(nbd.FLUSH, 6))
        await replies(reader, 1)
        server.disk.cut("none", 1)
        assert server.disk.read(0, SECTOR) == b"d" * SECTOR


async def test_a_trimmed_sector_reads_as_zeros_and_comes_back_if_the_power_goes(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, path, _), client(path) as (reader, writer):
        writer.write(request(nbd.WRITE, 1, 0, b"a" * SECTOR, flags=nbd.FUA))
        await replies(reader, 1)
        writer.write(request(nbd.TRIM, 2, 0, size=SECTOR))
        await replies(reader, 1)
        assert server.disk.read(0, SECTOR) == bytes(SECTOR)
        server.disk.cut("none", 1)
        assert server.disk.read(0, SECTOR) == b"a" * SECTOR


async def test_what_is_outside_the_disk_or_no_request_of_ours_is_refused_and_the_client_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, path, log), client(path) as (reader, writer):
        outside = [request(nbd.WRITE, 1, SIZE, b"a" * SECTOR), request(nbd.READ, 2, 1, size=SECTOR), request(9, 3)]
        writer.write(b"".join(outside) + request(nbd.WRITE, 4, 0, b"a" * SECTOR))
        assert await replies(reader, 4) == {1: nbd.EINVAL, 2: nbd.EINVAL, 3: nbd.EINVAL, 4: 0}
        assert [entry.kind for entry in log] == ["write", "done"]


async def test_from_the_cut_on_nothing_is_done_and_nothing_answered(tmp_path: Path) -> None:
    async with serving(tmp_path, cut_at=2) as (server, path, log), client(path) as (reader, writer):
        writer.write(b"".join(request(nbd.WRITE, number, 0, bytes([number]) * SECTOR) for number in (1, 2, 3)))
        await asyncio.wait_for(server.gone.wait(), 5)
        assert await reader.read() == b""  # no answer to any of the three, and the end
        assert [(entry.kind, entry.number) for entry in log] == [("write", 1), ("write", 2)]


@pytest.mark.skipif(shutil.which("qemu-io") is None and not os.environ.get("CI"), reason="sudo apt install qemu-utils")
async def test_qemu_writes_flushes_and_reads_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, path, log):
        told = []
        asks = ("write -P 65 0 4k", "flush", "write -f -P 66 4k 512", "discard 0 512", "read -P 65 512 512")
        command = [
            "qemu-io",
            "-f",
            "raw",
            *(word for ask in asks for word in ("-c", ask)),
            f"nbd+unix:///?socket={path}",
        ]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        told.append((await process.communicate())[0].decode())
        assert process.returncode == 0 and "Pattern verification failed" not in told[0]
        assert server.flushes >= 1 and any(entry.through for entry in log)
        assert server.disk.read(0, SECTOR) == bytes(SECTOR)
        assert server.disk.read(SECTOR, 8 * SECTOR) == b"A" * (7 * SECTOR) + b"B" * SECTOR


async def test_lines_that_somebody_says_are_heard_one_by_one(tmp_path: Path) -> None:
    heard: list[str] = []
    came = asyncio.Event()

    def hear(line: str) -> None:
        heard.append(line)
        if len(heard) == 2:
            came.set()

    server = await nbd.told(tmp_path / "socket", hear)
    _, writer = await asyncio.open_unix_connection(tmp_path / "socket")
    writer.write(b"one\ntw")
    await writer.drain()
    writer.write(b"o\n")
    await asyncio.wait_for(came.wait(), 5)
    assert heard == ["one", "two"]
    writer.close()
    server.close()
