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

from media.bench import profiles
from media.bench.generator import Load
from media.bench.manners import Manners
from media.bench.peer import Peer, Wiring
from media.bench.profiles import Sending
from media.bench.report import Run

# Seconds of rest in which what is on its way arrives, and the least and the most of load before the window.
REST = 0.3
WARM_UP = 2.0
MOST_WARM_UP = 40.0
# Share of what is to arrive from which on the room counts as filled.
FILLED = 0.99


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


class Room:
    """The lines of a filled load."""

    def __init__(self, load: Load, wiring: Wiring) -> None:
        self.load, self.wiring = load, wiring

    def arrived(self) -> tuple[int, int]:
        """Packets that have arrived, each number of a stream once, and how many numbers there were; repair streams
        aside."""
        rtx = self.wiring.numbers.rtx
        streams = [item for line in self.wiring.receivers for item in self.load.streams(line)]
        media = [item for item in streams if item.payload_type != rtx]
        return sum(item.unique for item in media), sum(item.highest - item.first + 1 for item in media)

    def received(self) -> int:
        """RTP datagrams that have arrived, repairs too, padding aside."""
        return sum(self.load.received(line).packets for line in self.wiring.receivers)

    def sent(self) -> tuple[int, int]:
        """Packets that have left here, and how many copies of them are to arrive."""
        counts = [(self.load.sent(number).packets, item) for number, item in enumerate(self.load.sources)]
        return sum(count for count, _ in counts), sum(count * len(item.watchers) for count, item in counts)

    def probes(self) -> int:
        return sum(self.load.received(line).probes for line in self.wiring.receivers)

    async def warm_up(self, expected: int) -> float:
        """Load until nearly all arrives; seconds that it took."""
        self.load.send(True)
        began = time.monotonic()
        await asyncio.sleep(WARM_UP)
        while time.monotonic() - began < MOST_WARM_UP:
            before, at = self.received(), time.monotonic()
            await asyncio.sleep(1.0)
            if (self.received() - before) / (time.monotonic() - at) >= expected * FILLED:
                break
        took = time.monotonic() - began
        await self.rest()
        return took

    async def rest(self) -> None:
        self.load.send(False)
        await asyncio.sleep(REST)


async def measure(peer: Peer, profile: str, seconds: float, rooms: int = 1) -> Run:
    """Raises `peer.Missing` and `native.NoCompiler`."""
    with TemporaryDirectory(prefix="hearth-bench-") as folder:
        load = Load(Path(folder))
        try:
            await peer.start(Path(folder))
            sendings = list(profiles.sendings(profile, rooms))
            return await _measure(peer, load, sendings, profile, seconds, rooms)
        finally:
            load.close()
            await peer.stop()


async def _measure(peer: Peer, load: Load, sendings: list[Sending], profile: str, seconds: float, rooms: int) -> Run:
    wiring = await peer.connect(load, sendings, rooms)
    room = Room(load, wiring)
    manners = Manners(load, wiring.senders, wiring.receivers, wiring.numbers.rtx)
    load.start()
    talking = asyncio.create_task(manners.run())
    try:
        warm_up = await room.warm_up(profiles.packets_out(profile, rooms))
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
