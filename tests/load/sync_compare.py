"""What a clinic would do instead, over the same lines: rclone of one compressed, encrypted file; restic of the records.

    hearth bench sync --compare [--json]        (needs root, and once: apt-get install -y rclone restic)

The same records everywhere. ours: sealed by the outbox, carried, until the last receipt. rclone: all records as one
file, zstd as a whole (which packs better than segments can), as if encrypted, by WebDAV to `rclone serve webdav`.
restic: the records as a file into a repository made before the clock starts, to `rclone serve restic`. Both are told to
retry for ever. A run ends when all has arrived or after the limit; what arrived is what can be used: whole files only.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import zstandard

from tests.load import sync_bench
from tests.load.sync_bench import SCENARIOS, Link, Stock, line, process, rig, session_record
from tests.tools.bad_link import address, space

SEGMENTS = 45  # of some 250 sessions of eight people each: years of a clinic
LIMIT = 300.0  # seconds for one run
WAYS = ("ours", "rclone", "restic")
COMPARED = ("clean", "loss5", "cuts")
PORT = 8090
MISSING = "hearth bench sync --compare needs rclone and restic: apt-get install -y rclone restic"


def there() -> bool:
    return bool(shutil.which("rclone") and shutil.which("restic"))


async def compare(first: int, folder: Path) -> dict[str, Any]:
    """Every way over every line, all at the same time."""
    (folder / "stock").mkdir()
    stock = await asyncio.to_thread(Stock.made, folder / "stock", SEGMENTS)
    records = sum(stock.records.values())
    plain = b"\n".join(session_record(number) for number in range(1, records + 1))
    found: dict[str, Any] = {}
    runs: list[Awaitable[dict[str, Any]]] = []
    for place, scenario in enumerate(COMPARED):
        settings, link = SCENARIOS[scenario][0], first + 3 * place
        own = {way: folder / f"{scenario}-{way}" for way in WAYS}
        for made in own.values():
            made.mkdir()
        runs += [
            ours(link, own["ours"], settings, stock),
            rclone(link + 1, own["rclone"], settings, plain),
            restic(link + 2, own["restic"], settings, plain),
        ]
    done = await asyncio.gather(*runs)
    for place, scenario in enumerate(COMPARED):
        found[scenario] = dict(zip(WAYS, done[3 * place : 3 * place + 3], strict=True))
    for one in done:
        one["records_arrived"] = _arrived(one, records)
    return {"records": records, "megabytes": round(len(plain) / 1e6, 1), **found}


async def ours(link: int, folder: Path, settings: dict[str, Any], stock: Stock) -> dict[str, Any]:
    async with rig(link, folder, settings, stock) as (bad, box):
        await bad.set(reset=True)
        feeding = asyncio.create_task(stock.feed(box))
        started = time.perf_counter()
        newest = 0
        while newest < SEGMENTS and time.perf_counter() - started < LIMIT:
            await asyncio.sleep(0.1)
            newest = max(box.spool.receipts(), default=newest)
        seconds = time.perf_counter() - started
        feeding.cancel()
        arrived = sum(count for number, count in stock.records.items() if number <= newest)
        return await told(bad, seconds, newest == SEGMENTS, arrived)


async def rclone(link: int, folder: Path, settings: dict[str, Any], plain: bytes) -> dict[str, Any]:
    (folder / "records.zst.age").write_bytes(os.urandom(len(zstandard.compress(plain))))
    (folder / "there").mkdir()
    served = ("rclone", "serve", "webdav", str(folder / "there"), "--addr", f"{address(link, 2)}:{PORT}")
    remote = f":webdav,url='http://{address(link, 2)}:{PORT}',vendor=other:records.zst.age"
    words = ("rclone", "copyto", str(folder / "records.zst.age"), remote, *_PATIENT)
    async with line(link, settings) as bad, process(*_in(link, "b"), *served):
        return await timed(bad, link, words, {})


async def restic(link: int, folder: Path, settings: dict[str, Any], plain: bytes) -> dict[str, Any]:
    (folder / "records.json").write_bytes(plain)
    (folder / "there").mkdir()
    served = ("rclone", "serve", "restic", str(folder / "there"), "--addr", f"{address(link, 2)}:{PORT}")
    environment = {"RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(folder / "cache")}
    words = ("restic", "-r", f"rest:http://{address(link, 2)}:{PORT}/")
    async with line(link, {}) as bad, process(*_in(link, "b"), *served):
        await bad.set(up=100e6, down=100e6, rtt=0.02)
        while await (await _run(link, (*words, "init"), environment)).wait() != 0:
            await asyncio.sleep(0.2)  # the server is not up yet
        await bad.set(up=sync_bench.RATE, down=sync_bench.RATE, rtt=sync_bench.RTT, **settings)
        return await timed(bad, link, (*words, "backup", str(folder / "records.json")), environment)


_PATIENT = (
    *("--retries", "1000", "--low-level-retries", "1000", "--retries-sleep", "2s"),
    *("--timeout", "20s", "--contimeout", "10s"),
)


async def timed(bad: Link, link: int, words: tuple[str, ...], environment: dict[str, str]) -> dict[str, Any]:
    """Run it, and again when it gave up, until it says that all arrived or the limit is reached."""
    await bad.set(reset=True)
    started = time.perf_counter()
    whole = False
    while not whole and (left := LIMIT - (time.perf_counter() - started)) > 0:
        running = await _run(link, words, environment)
        try:
            whole = await asyncio.wait_for(running.wait(), left) == 0
        except TimeoutError:
            running.kill()
            await running.wait()
    return await told(bad, time.perf_counter() - started, whole)


async def told(bad: Link, seconds: float, whole: bool, arrived: int | None = None) -> dict[str, Any]:
    """`records_arrived` None: all or, if not whole, none."""
    counts = await bad.told()
    return {
        "whole": whole,
        "seconds": round(seconds, 1),
        "up_seconds": round(counts["up_seconds"], 1),
        "records_arrived": arrived,
        "bytes_on_line": sum(counts["bytes"]),
    }


async def _run(link: int, words: tuple[str, ...], environment: dict[str, str]) -> asyncio.subprocess.Process:
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *_in(link, "a"), *words, env={**os.environ, **environment}, stdin=quiet, stdout=quiet, stderr=quiet
    )


def _arrived(one: dict[str, Any], records: int) -> int:
    arrived: int | None = one["records_arrived"]
    return arrived if arrived is not None else records if one["whole"] else 0


def _in(link: int, side: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", space(link, side))


def as_text(found: dict[str, Any]) -> str:
    rows = [f"{'line':<8}{'way':<8}{'all arrived':>12}{'seconds':>9}{'records':>9}{'bytes on the line':>19}"]
    for scenario, ways in ((name, found[name]) for name in COMPARED):
        for way, one in ways.items():
            words = (
                "yes" if one["whole"] else "no",
                one["seconds"],
                one["records_arrived"],
                one["bytes_on_line"],
            )
            cells = "".join(str(word).rjust(width) for word, width in zip(words, (12, 9, 9, 19), strict=True))
            rows.append(f"{scenario:<8}{way:<8}{cells}")
    return "\n".join(rows)
