"""HQ's door: TLS, how many connections, how long one may say nothing of use.

aiohttp waits for a request's head as long as a peer likes; `_sweep` does not.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from sync.faults import SyncFault

CONNECTIONS = 1024  # at once, those in their handshake too. Idle ones take about 100 KB
HANDSHAKE_SECONDS = 15.0  # TCP and TLS over a 600 ms line with losses; not more than HEAD_SECONDS
HEAD_SECONDS = 15.0  # a connection that shows no whole request for so long is closed; also one that is kept alive
SWEEP_SECONDS = 1.0
BACKLOG = 512
STOP_SECONDS = 8.0  # for what is in work when the server is told to stop
DEAD_LINE_MS = 20_000  # bytes of ours unacknowledged for so long: the line is dead


_log = logging.getLogger("hearth.hq")
# aiohttp tells a traceback, with the peer's own bytes, of each request that is none: a stranger could fill the disk.
_nobody = logging.getLogger("hearth.hq.http")
_nobody.setLevel(logging.CRITICAL + 1)


class Door:
    """Makes connections' protocols and closes those that do nothing. `busy` says how many requests a transport has."""

    def __init__(self, server: web.Server, now: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._now = now
        self._idle_since: dict[RequestHandler, float] = {}
        self._connected: set[RequestHandler] = set()  # through their handshake
        self._working: set[asyncio.BaseTransport] = set()

    def __call__(self) -> asyncio.Protocol:
        """The protocol of one more connection; beyond CONNECTIONS one that hangs up."""
        if len(self._idle_since) >= CONNECTIONS:
            return _HangUp()
        handler = self._server()
        self._idle_since[handler] = self._now()
        return handler

    @web.middleware
    async def middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Marks the connection as at work while a request is."""
        transport = request.transport
        if transport is not None:
            self._working.add(transport)
        try:
            response: web.StreamResponse = await handler(request)
            return response
        except (web.HTTPException, OSError):
            raise
        except Exception as fault:  # noqa: BLE001 - its text may hold what the peer sent
            _log.error("a request failed: %s", type(fault).__name__)
            return web.json_response({"code": "hq_failed"}, status=500)
        finally:
            if transport is not None:
                self._working.discard(transport)
            self._idle_since[request.protocol] = self._now()
            self._connected.add(request.protocol)

    async def sweep(self) -> None:
        """For ever: close what has been idle for HEAD_SECONDS."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            late = self._now() - HEAD_SECONDS
            for handler, since in list(self._idle_since.items()):
                transport = handler.transport
                if transport is None and (handler in self._connected or since < late):
                    self._forget(handler)
                elif transport is not None:
                    self._connected.add(handler)
                    if transport not in self._working and since < late:
                        transport.abort()

    def _forget(self, handler: RequestHandler) -> None:
        self._idle_since.pop(handler, None)
        self._connected.discard(handler)


class _HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def listen_until(
    stop: asyncio.Event,
    application: web.Application,
    listening: socket.socket,
    context: ssl.SSLContext,
    ready: Callable[[], None],
    closing: Callable[[], None],
) -> None:
    """Serve until `stop`; then no new connections, `closing` is called, and what is in work gets STOP_SECONDS."""
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=STOP_SECONDS, keepalive_timeout=HEAD_SECONDS, logger=_nobody
    )
    doors: list[Door] = []
    application.middlewares.append(_late(doors))
    await runner.setup()
    if runner.server is None:
        raise SyncFault("hq_failed")
    door = Door(runner.server)
    doors.append(door)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        door, sock=listening, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS, backlog=BACKLOG
    )
    sweeping = asyncio.create_task(door.sweep())
    try:
        ready()
        await stop.wait()
    finally:
        sweeping.cancel()
        server.close()
        closing()
        with suppress(asyncio.CancelledError):
            await runner.cleanup()


def _late(doors: list[Door]) -> Any:
    """The door's middleware, for an application that must be complete before there is a door."""

    @web.middleware
    async def through(request: web.Request, handler: Any) -> web.StreamResponse:
        return await doors[0].middleware(request, handler)

    return through


def listening_socket(host: str, port: int) -> socket.socket:
    """Raises `port_taken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as fault:
        raise SyncFault("port_taken") from fault
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_LINE_MS)  # accepted sockets inherit it
    return made
