"""The typed client of relay.sock that the appliance uses. It keeps the connection; callers keep the truth."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from media import limits, messages
from media.faults import SENTENCES
from media.messages import Permission

__all__ = ["Permission", "RelayClient", "RelayFault"]

log = logging.getLogger("hearth.relay.client")


class RelayFault(Exception):
    """The relay said no, or is away. `code` is stable (PROTOCOL.md section 7)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES.get(code, SENTENCES["bad_message"])


class RelayClient:
    """One connection to the relay, made again whenever it is lost.

    `admitted()` gives the whole truth {room: {member: Permission}} and is asked at each connect. `on_event(room,
    member, event, data)` is to be passed on to that member's page. `on_connected` hears True and False in turn.
    """

    def __init__(
        self,
        path: Path,
        *,
        admitted: Callable[[], Awaitable[Mapping[str, Mapping[str, Permission]]]],
        on_event: Callable[[str, str, str, dict[str, Any]], None],
        on_connected: Callable[[bool], None],
    ) -> None:
        self._path = path
        self._admitted = admitted
        self._on_event = on_event
        self._on_connected = on_connected
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._held_back: list[messages.ToRelay] | None = None
        self._encoder = msgspec.json.Encoder()
        self.connected = False
        self.instance = ""

    async def run(self) -> None:
        """Connect, serve, connect again, until cancelled. What `admitted` raises ends it."""
        pause = 0.05
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=limits.MAX_SOCKET_BACKLOG)
            except OSError:
                await asyncio.sleep(pause)
                pause = min(limits.MAX_RECONNECT_PAUSE, pause * 2)
                continue
            try:
                await self._greet(reader, writer)
                pause = 0.05
                await self._listen(reader)
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, msgspec.DecodeError) as error:
                log.info("the relay's connection ended (%s)", type(error).__name__)
                await asyncio.sleep(pause)
            finally:
                self._lost(writer)

    async def permit(self, room: str, member: str, permission: Permission) -> None:
        """Add a member or change what they may do; takes effect before this returns. While the relay is away nothing
        is sent: the truth of the next connect covers it."""
        await self._say(messages.Permit(next(self._numbers), room, member, permission))

    async def remove(self, room: str, member: str) -> None:
        """Take the permission away; all transports and tracks of the member close."""
        await self._say(messages.Remove(next(self._numbers), room, member))

    async def leave(self, room: str, member: str) -> None:
        """The member's page has closed; the permission stands."""
        await self._say(messages.Leave(next(self._numbers), room, member))

    async def close_room(self, room: str) -> None:
        await self._say(messages.CloseRoom(next(self._numbers), room))

    async def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """Pass a browser's request on. Raises RelayFault; `away` while there is no connection."""
        if not self.connected:
            raise RelayFault("away")
        name = method[: limits.MAX_ID_LENGTH]
        return await self._ask(messages.Request(next(self._numbers), room, member, name, data))

    async def counts(self) -> dict[str, Any]:
        """Figures of the relay process. Raises RelayFault."""
        if not self.connected:
            raise RelayFault("away")
        return await self._ask(messages.Counts(next(self._numbers)))

    async def fits(self, room: str) -> dict[str, Any]:
        """Whether one more person with picture and sound fits: {"fits": bool, "people": int}. Raises RelayFault."""
        if not self.connected:
            raise RelayFault("away")
        return await self._ask(messages.Fits(next(self._numbers), room))

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hello, then the whole truth. What is said while the truth is being read goes out right after it."""
        writer.write(self._encoder.encode(messages.Hello(limits.SOCKET_VERSION)) + b"\n")
        welcome = msgspec.json.decode(await reader.readuntil(b"\n"), type=messages.FromRelay)
        if not isinstance(welcome, messages.Welcome):
            raise ConnectionRefusedError("the relay speaks another version")
        self._held_back = []
        truth = await self._admitted()
        rooms = {room: dict(members) for room, members in truth.items()}
        writer.write(self._encoder.encode(messages.Admitted(rooms)) + b"\n")
        held_back, self._held_back = self._held_back, None
        for message in held_back:
            writer.write(self._encoder.encode(message) + b"\n")
        self._writer, self.instance, self.connected = writer, welcome.instance, True
        self._on_connected(True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        decoder = msgspec.json.Decoder(messages.FromRelay)
        while True:
            message = decoder.decode(await reader.readuntil(b"\n"))
            if isinstance(message, messages.Event):
                self._on_event(message.room, message.member, message.event, message.data)
            elif isinstance(message, messages.Reply | messages.Refused):
                self._resolve(message)

    def _resolve(self, message: messages.Reply | messages.Refused) -> None:
        waiting = self._waiting.pop(message.id, None)
        if waiting is None or waiting.done():
            if isinstance(message, messages.Refused):
                log.warning("the relay refused something nobody waits for: %s", message.code)
        elif isinstance(message, messages.Reply):
            waiting.set_result(dict(message.data))
        else:
            waiting.set_exception(RelayFault(message.code))

    async def _say(self, message: messages.Permit | messages.Remove | messages.Leave | messages.CloseRoom) -> None:
        if self.connected:
            with contextlib.suppress(_Away):
                await self._ask(message)
        elif self._held_back is not None:
            self._held_back.append(message)

    async def _ask(self, message: messages.ToRelay) -> dict[str, Any]:
        number: int = getattr(message, "id", 0)
        line = self._encoder.encode(message) + b"\n"
        if self._writer is None:
            raise _Away
        if len(line) > limits.MAX_LINE:
            raise RelayFault("limit")
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(line)
        try:
            async with asyncio.timeout(limits.REQUEST_TIMEOUT):  # wait_for of Python 3.11 loses a caller's cancellation
                return await answer
        except TimeoutError:
            raise _Away from None
        finally:
            self._waiting.pop(number, None)

    def _lost(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._writer = self._held_back = None
        was, self.connected = self.connected, False
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_Away())
        self._waiting.clear()
        if was:
            self._on_connected(False)


class _Away(RelayFault):
    def __init__(self) -> None:
        super().__init__("away")
