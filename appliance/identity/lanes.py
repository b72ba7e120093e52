"""Turns at slow work: a few at once, and whoever waits stands in the lane of where they come from.

Hashing a password takes a third of a second and 32 MiB. Lanes are served in turn, so a hundred guesses from one address
are one lane, and everybody else waits for one of them at most. A lane has an end: what would stand behind it is sent
away, with a wait, before anything is counted against anybody.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.faults import Fault

AT_ONCE = 2  # of 32 MiB each
DEEP = 12  # that wait in one lane: four seconds on a Pi 4
MOST = 600  # that wait in all lanes together
AGAIN_SECONDS = 3.0  # told to who is sent away


class Lanes:
    """One for a door. Runs on the event loop."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._under_way = 0

    @asynccontextmanager
    async def turn(self, lane: str) -> AsyncIterator[None]:
        """Wait for a turn in that lane and have it within the block. Fault("too_many_tries") where the lane is full."""
        if self._under_way < AT_ONCE:
            self._under_way += 1
        else:
            await self._wait(lane)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, lane: str) -> None:
        line = self._waiting.get(lane, deque())
        if len(line) >= DEEP or sum(map(len, self._waiting.values())) >= MOST:
            raise Fault("too_many_tries", "a crowd at the door", seconds=AGAIN_SECONDS)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, line).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was this one's turn already
            raise

    def _next(self) -> None:
        """The turn goes to the lane that has waited longest since its last one."""
        while self._waiting:
            lane, line = self._waiting.popitem(last=False)
            turn = line.popleft()
            if line:
                self._waiting[lane] = line
            if not turn.done():
                turn.set_result(None)
                return
        self._under_way -= 1
