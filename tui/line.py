"""The line to the box as a worker: a snapshot, then its feed, again and again; tells by messages, changes nothing.

Each message carries the number of the line it came from. When somebody signs in or out the app starts a new line, and
what an old one still had to tell is not listened to: no name may appear after a sign-out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import FeedEntry, Snapshot

PAUSES = (0.25, 0.5, 1.0, 2.0)  # seconds before each further try; the last one repeats


class Told(Message):
    """A snapshot came."""

    def __init__(self, line: int, snapshot: Snapshot) -> None:
        super().__init__()
        self.line = line
        self.snapshot = snapshot


class Heard(Message):
    """One entry of the feed came."""

    def __init__(self, line: int, entry: FeedEntry) -> None:
        super().__init__()
        self.line = line
        self.entry = entry


class Lost(Message):
    """The line is down; it is tried again by itself."""

    def __init__(self, line: int, code: str) -> None:
        super().__init__()
        self.line = line
        self.code = code


async def follow(
    client: ControlClient, line: int, post: Callable[[Message], object], pauses: Sequence[float] = PAUSES
) -> None:
    """Keep the line up until cancelled."""
    failures = 0
    while True:
        try:
            snapshot = await client.snapshot()
            post(Told(line, snapshot))
            failures = 0
            async with aclosing(client.feed(snapshot.sequence)) as feed:
                async for entry in feed:
                    if entry is not None:
                        post(Heard(line, entry))
        except ControlFault as fault:
            post(Lost(line, fault.code))
        await asyncio.sleep(pauses[min(failures, len(pauses) - 1)])
        failures += 1
