"""A page's side of the group protocol without cryptography: bytes of the right shape, a line that asks and hears."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from appliance.groups.requests import GROUP_INFO, KEY_PACKAGE, PRIVATE, PUBLIC, WELCOME
from appliance.groups.rules import b64url
from appliance.store.database import Database, Transaction
from tests.fakes.visitor import Visitor
from tests.fakes.waiting import until

Data = dict[str, Any]
GROUP, OTHER_GROUP = "0f" * 16, "1e" * 16


def message(wire_format: int, content: bytes = b"", size: int = 0) -> str:
    """An MLSMessage by its outside (RFC 9420 section 6), `size` bytes long if that is more than it needs."""
    raw = b"\x00\x01" + wire_format.to_bytes(2, "big") + content
    return b64url(raw.ljust(size, b"\x00"))


def key_package(mark: bytes = b"key package") -> str:
    return message(KEY_PACKAGE, mark)


def group_info(mark: bytes = b"group info") -> str:
    return message(GROUP_INFO, mark)


def founding(group: str = GROUP, instead: str | None = None, mark: bytes = b"group info 0") -> Data:
    return {"group": group, "groupInfo": group_info(mark), "instead": instead}


def committing(epoch: int, mark: bytes = b"", added: tuple[str, ...] = (), group: str = GROUP) -> Data:
    """A commit made in `epoch`; `mark` makes it another one's."""
    return {
        "group": group,
        "epoch": epoch,
        "commit": message(PUBLIC, b"commit %d " % epoch + mark),
        "groupInfo": group_info(b"group info %d " % (epoch + 1) + mark),
        "welcome": message(WELCOME, b"welcome %d " % (epoch + 1) + mark) if added else None,
        "added": list(added),
    }


def saying(mark: bytes = b"said", group: str = GROUP) -> Data:
    return {"group": group, "message": message(PRIVATE, mark)}


class Line:
    """An open page's WebSocket: `ask` waits for the answer, `seen` holds every event in order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[tuple[str, Data]] = []
        self._answers: dict[int, asyncio.Future[Data]] = {}
        self._numbers = itertools.count(1)

    async def ask(self, method: str, data: Data) -> Data:
        """The answer's frame: it has `data` or `fault`."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"type": "request", "id": number, "method": method, "data": data})
        async with asyncio.timeout(20):
            return await self._answers[number]

    async def done(self, method: str, data: Data) -> Data:
        """The data of an answer that is no fault."""
        answer = await self.ask(method, data)
        assert "data" in answer, answer
        found: Data = answer["data"]
        return found

    async def refused(self, method: str, data: Data) -> str:
        """The code of the fault, "" if there was none."""
        answer = await self.ask(method, data)
        return str(answer["fault"]["code"]) if "fault" in answer else ""

    def all(self, event: str) -> list[Data]:
        return [data for name, data in self.seen if name == event]

    def last(self, event: str) -> Data:
        return next(iter(reversed(self.all(event))), {})

    async def shows(self, event: str, **fields: object) -> Data:
        """Wait until the newest of that event has these fields."""
        await until(lambda: self.last(event).items() >= fields.items() and self.last(event))
        return self.last(event)

    async def hear(self) -> None:
        async for frame in self.socket:
            heard = json.loads(frame.data)
            if heard["type"] == "response":
                self._answers.pop(heard["id"]).set_result(heard)
            else:
                self.seen.append((heard["event"], heard["data"]))


@asynccontextmanager
async def line(visitor: Visitor, path: str) -> AsyncIterator[Line]:
    """The page at `path` opens its line."""
    async with visitor.socket(path) as socket:
        made = Line(socket)
        hearing = asyncio.create_task(made.hear())
        try:
            await until(lambda: made.all("session"))
            yield made
        finally:
            hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hearing


TABLES = ("groups", "group_commits", "welcomes", "key_packages", "comparisons")


async def stored(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of groups."""

    def read(tx: Transaction) -> dict[str, list[tuple[Any, ...]]]:
        found = {table: tx.all(f"SELECT * FROM {table}") for table in TABLES}  # noqa: S608
        return {table: [tuple(row[column] for column in row.keys()) for row in rows] for table, rows in found.items()}  # noqa: SIM118

    return await db.read(read)
