"""A filled load: what was sent into it, and what came out at the receivers."""

from __future__ import annotations

import asyncio
import time

from media.bench.generator import Load
from media.bench.peer import Wiring

# Seconds without a packet after which nothing is on its way any more, and the least of load before a window.
REST = 0.3
WARM_UP = 2.0
# Share of what is to arrive from which on the room counts as filled.
FILLED = 0.99


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

    async def warm_up(self, expected: int, most: float) -> float:
        """Load until nearly all arrives; seconds that it took."""
        self.load.send(True)
        began = time.monotonic()
        await asyncio.sleep(WARM_UP)
        while time.monotonic() - began < most:
            before, at = self.received(), time.monotonic()
            await asyncio.sleep(1.0)
            if (self.received() - before) / (time.monotonic() - at) >= expected * FILLED:
                break
        took = time.monotonic() - began
        await self.rest()
        return took

    async def rest(self) -> None:
        """Send nothing until nothing has come for REST."""
        self.load.send(False)
        before = -1
        while (now := self.received()) != before:
            before = now
            await asyncio.sleep(REST)
