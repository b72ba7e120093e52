"""One run: a peer is started, filled and warmed up; then a window of load in which everything is counted exactly.

The load rests for a moment before and after the window, so that nothing is on its way when packets are counted. The
processor time is the whole process's (all threads; utime + stime of /proc in nanoseconds), from the first packet of the
window to the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from media.bench.generator import Load
from media.bench.manners import Manners
from media.bench.peer import Peer
from media.bench.profiles import packets_out, sendings
from media.bench.report import Run
from media.bench.room import Room

# Seconds of load before the window at most. Our relay's estimates of twelve paths need up to ten.
MOST_WARM_UP = 40.0


def cpu_ns(pid: int) -> int:
    """Processor time of all threads of a process, ended ones too (Linux: the CPU-time clock of another process)."""
    return time.clock_gettime_ns(~pid << 3 | 2)


def threads_ns(pid: int) -> dict[str, int]:
    """Processor time of each living thread, by name: what ended in between is not in it."""
    found: dict[str, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            name = f"{(task / 'comm').read_text().strip()}/{task.name}"
            found[name] = int((task / "schedstat").read_text().split()[0])
    return found


async def measure(peer: Peer, profile: str, seconds: float, rooms: int = 1, most_warm_up: float = MOST_WARM_UP) -> Run:
    """Raises `peer.Missing` and `native.NoCompiler`."""
    with TemporaryDirectory(prefix="hearth-bench-") as folder:
        load = Load(Path(folder))
        try:
            await peer.start(Path(folder))
            wiring = await peer.connect(load, list(sendings(profile, rooms)), rooms)
            load.start()
            return await _measure(peer, Room(load, wiring), packets_out(profile, rooms), seconds, most_warm_up)
        finally:
            load.close()
            await peer.stop()


async def _measure(peer: Peer, room: Room, expected: int, seconds: float, most_warm_up: float) -> Run:
    wiring = room.wiring
    manners = Manners(room.load, wiring.senders, wiring.receivers, wiring.numbers.rtx)
    talking = asyncio.create_task(manners.run())
    try:
        warm_up = await room.warm_up(expected, most_warm_up)
        return await _window(peer, room, manners, seconds, warm_up)
    finally:
        talking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await talking


async def _window(peer: Peer, room: Room, manners: Manners, seconds: float, warm_up: float) -> Run:
    load = room.load
    load.ages()
    sent, arrived, received, trouble = room.sent(), room.arrived(), room.received(), load.trouble()
    nacked, probes, process = manners.nacked, room.probes(), psutil.Process(peer.pid)
    threads = threads_ns(peer.pid)
    cpu, began = cpu_ns(peer.pid), time.monotonic()
    load.send(True)
    await asyncio.sleep(seconds)
    load.send(False)
    spent, elapsed = cpu_ns(peer.pid) - cpu, time.monotonic() - began
    busy = {name: used - threads.get(name, 0) for name, used in threads_ns(peer.pid).items()}
    memory = process.memory_full_info()
    await room.rest()
    sent_now, arrived_now, trouble_now = room.sent(), room.arrived(), load.trouble()
    return Run(
        seconds=elapsed,
        cpu_seconds=spent / 1e9,
        packets_in=sent_now[0] - sent[0],
        expected_in=round(sum(item.stream.rate for item in load.sources) * elapsed),
        expected_out=sent_now[1] - sent[1],
        unique_out=arrived_now[0] - arrived[0],
        numbered_out=arrived_now[1] - arrived[1],
        packets_out=room.received() - received,
        nacked=manners.nacked - nacked,
        probes=room.probes() - probes,
        late=trouble_now[0] - trouble[0],
        failed=trouble_now[1] - trouble[1],
        ages_ns=load.ages(),
        warm_up=warm_up,
        resident_mb=memory.rss / 1e6,
        proportional_mb=memory.pss / 1e6,
        words=room.wiring.words,
        thread_shares=sorted((used / 1e9 / elapsed for used in busy.values()), reverse=True),
        counts=await peer.counts(),
    )
