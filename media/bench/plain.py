"""The plain C forwarder as a peer: the process that runs it, and the bench's side that tells it ports, keys, routes.

There is no DTLS: the bench draws keys and hands them over on standard input. `python -m media.bench.plain` is the
process: Python makes the libsrtp sessions and never runs again once `plain_run` has begun.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

from pylibsrtp import Policy, Session

from media import limits
from media.bench import native
from media.bench.generator import LOSE, Line, Load, Numbers
from media.bench.peer import Wiring, ended, started
from media.bench.profiles import PEOPLE, Sending

# AES-128 key and 96-bit salt (RFC 7714 section 12).
_KEY_BYTES = 28
PROFILE = "SRTP_AEAD_AES_128_GCM"


def session(key: bytes, *, inbound: bool) -> Session:
    kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    return Session(Policy(key=key, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))


def udp_socket() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        udp.setsockopt(socket.SOL_SOCKET, option, limits.SOCKET_BUFFER)
    udp.bind(("127.0.0.1", 0))
    return udp


class Plain:
    name = "c"

    def __init__(self) -> None:
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self._sockets: list[socket.socket] = []

    async def start(self, folder: Path) -> None:
        native.compiled("plain", folder, "plain.c")  # here, where a person reads why it does not
        command = [sys.executable, "-m", "media.bench.plain", str(folder)]
        self._process = await started(command, "ready", "The plain forwarder", Path(__file__).parents[2])
        self.pid = self._process.pid
        self._port = int(await self._line())

    async def connect(self, load: Load, sendings: list[Sending], rooms: int) -> Wiring:
        wiring, lines = Wiring(words={"srtp": PROFILE, "dtls": False}), []
        for direction in (wiring.senders, wiring.receivers):
            for _ in range(rooms * PEOPLE):
                to_peer, to_us = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_KEY_BYTES)
                lose = 0 if direction is wiring.senders else LOSE
                sessions = session(to_peer, inbound=False), session(to_us, inbound=True)
                udp = self._socket()
                direction.append(load.add_line(Line(udp.fileno(), *sessions, Numbers().sequence, lose)))
                lines.append({"port": udp.getsockname()[1], "open": to_peer.hex(), "seal": to_us.hex()})
        for item in sendings:
            load.add_source(item, item.room * PEOPLE + item.person, Numbers())
        routes = [
            (item.ssrc, wiring.receivers[item.room * PEOPLE + other], (1 << 24) + (other << 16) + number)
            for number, item in enumerate(sendings)
            for other in item.watchers
        ]
        await self._tell({"lines": lines, "routes": routes})
        return wiring

    async def counts(self) -> dict[str, Any]:
        return {}

    async def stop(self) -> None:
        for udp in self._sockets:
            udp.close()
        await ended(self._process)

    def _socket(self) -> socket.socket:
        udp = udp_socket()
        udp.connect(("127.0.0.1", self._port))
        self._sockets.append(udp)
        return udp

    async def _tell(self, words: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("not started")
        process.stdin.write(json.dumps(words).encode() + b"\n")
        await process.stdin.drain()
        await self._line()

    async def _line(self) -> str:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("not started")
        return (await self._process.stdout.readline()).decode()


def serve(folder: Path) -> None:
    """The forwarder's process."""
    library, calls, udp = ctypes.CDLL(str(folder / "plain.so")), native.srtp_calls(), udp_socket()
    pointer = ctypes.c_void_p
    library.plain_new.restype = pointer
    library.plain_new.argtypes = (pointer, pointer)
    library.plain_line.argtypes = (pointer, ctypes.c_uint16, pointer, pointer)
    library.plain_route.argtypes = (pointer, *(ctypes.c_uint32,) * 3)
    library.plain_run.argtypes = (pointer, ctypes.c_int)
    plain = pointer(library.plain_new(calls.protect, calls.unprotect))
    print(f"ready\n{udp.getsockname()[1]}", flush=True)  # noqa: T201  the bench reads it
    told, sessions = json.loads(sys.stdin.readline()), []
    for line in told["lines"]:
        pair = session(bytes.fromhex(line["open"]), inbound=True), session(bytes.fromhex(line["seal"]), inbound=False)
        sessions.append(pair)
        library.plain_line(plain, line["port"], *(native.session_pointer(item) for item in pair))
    for route in told["routes"]:
        library.plain_route(plain, *route)
    print("told", flush=True)  # noqa: T201
    library.plain_run(plain, udp.fileno())


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
