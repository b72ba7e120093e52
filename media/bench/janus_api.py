"""As much of Janus' API as the bench needs: one session over a WebSocket, handles of VideoRoom, SDP back and forth."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import aiohttp

from media.bench.peer import Missing

TIMEOUT = 10.0


class JanusSession:
    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._http, self._socket = http, socket
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())
        self._id = 0

    @classmethod
    async def open(cls, port: int) -> JanusSession:
        """Raises Missing if nobody answers within TIMEOUT."""
        http = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(TIMEOUT):
                socket = await _connected(http, port)
        except TimeoutError:
            await http.close()
            raise Missing("Janus does not answer.") from None
        session = cls(http, socket)
        session._id = (await session.say({"janus": "create"}))["data"]["id"]
        return session

    async def close(self) -> None:
        self._reading.cancel()
        await self._http.close()

    async def attach(self) -> Handle:
        answer = await self.say({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return Handle(self, answer["data"]["id"])

    async def say(self, message: dict[str, Any], *, event: bool = False) -> dict[str, Any]:
        """The answer, or with `event` the plugin's event that comes after it. Raises RuntimeError for a refusal."""
        number = str(next(self._numbers))
        answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._waiting[number] = answers
        if self._id:
            message = {**message, "session_id": self._id}
        try:
            await self._socket.send_json({**message, "transaction": number})
            async with asyncio.timeout(TIMEOUT):
                while (answer := await answers.get())["janus"] == "ack" and event:
                    pass
        finally:
            del self._waiting[number]
        refused = answer.get("error") or answer.get("plugindata", {}).get("data", {}).get("error")
        if refused:
            raise RuntimeError(f"Janus refused: {refused}")
        return answer

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            waiting = self._waiting.get(said.get("transaction", ""))
            if waiting is not None:
                waiting.put_nowait(said)


class Handle:
    def __init__(self, session: JanusSession, id: int) -> None:
        self._session, self._id = session, id

    async def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        asynchronous = body["request"] not in ("create", "destroy")
        return await self._session.say({"janus": "message", "handle_id": self._id, "body": body}, event=asynchronous)

    async def negotiate(self, body: dict[str, Any], kind: str = "", sdp: str = "", *, expect_sdp: bool = True) -> str:
        """Say something with an SDP of ours, if there is one; Janus' own SDP."""
        message: dict[str, Any] = {"janus": "message", "handle_id": self._id, "body": body}
        if sdp:
            message["jsep"] = {"type": kind, "sdp": sdp, "trickle": False}
        answer = await self._session.say(message, event=True)
        if expect_sdp and "jsep" not in answer:
            raise RuntimeError("Janus did not answer with an SDP")
        return str(answer["jsep"]["sdp"]) if expect_sdp else ""


async def _connected(http: aiohttp.ClientSession, port: int) -> aiohttp.ClientWebSocketResponse:
    while True:
        try:
            return await http.ws_connect(f"ws://127.0.0.1:{port}", protocols=("janus-protocol",), max_msg_size=1 << 20)
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
