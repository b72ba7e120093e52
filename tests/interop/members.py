"""Members of a room whose WebRTC is a stranger's: the signalling is `media.client`'s, SDP and packets the stack's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from appliance.network import lan_addresses
from tests.fakes.relay_process import EVERYTHING, Clinic
from tests.interop import sdp

BASE_KEY = bytes(range(16)).hex()
CAPABILITIES = {"codecs": [{"mimeType": name, "clockRate": sdp.CLOCK[kind]} for kind, (name, _) in sdp.CODECS.items()]}
# Neither libnice nor Firefox pairs a loopback candidate with another one. The packets stay on the machine all the same.
HOST = next(iter(lan_addresses()), "127.0.0.1")
SYSTEM_PYTHON = "/usr/bin/python3"


class Stack(Protocol):
    """One end of one transport. `counts` by kind: packets, opened, decoded, distinct."""

    async def offer(self) -> str: ...

    async def answer(self, sdp: str) -> None: ...

    async def counts(self) -> dict[str, Any]: ...


class GStreamer:
    """webrtcbin in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def offer(self) -> str:
        return str((await self._ask(do="offer"))["sdp"])

    async def answer(self, sdp: str) -> None:
        await self._ask(do="answer", sdp=sdp)

    async def counts(self) -> dict[str, Any]:
        return await self._ask(do="counts")

    async def _ask(self, **asked: str) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), 20)
        told: dict[str, Any] = json.loads(line)
        return told


@asynccontextmanager
async def gstreamer(way: str, leaf: int) -> AsyncIterator[GStreamer]:
    process = await asyncio.create_subprocess_exec(
        *(SYSTEM_PYTHON, str(Path(__file__).parent / "webrtcbin.py"), way, str(leaf), BASE_KEY),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield GStreamer(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def admit(clinic: Clinic, member: str) -> None:
    """Into the room "r"; sealed frames only."""
    await clinic.admit("r", member, EVERYTHING)
    await clinic.client.request("r", member, "join", {})


async def send(clinic: Clinic, member: str, stack: Stack) -> dict[str, str]:
    """The stack sends what it offers; its tracks by kind."""
    ask, offer = _ask(clinic, member), await stack.offer()
    created = await ask("createTransport", {"direction": "send"})
    tracks = {}
    for section in sdp.sections(offer):
        wanted = {"transport": created["transport"], "kind": section.kind, "rtpParameters": sdp.rtp_parameters(section)}
        tracks[section.kind] = str((await ask("sendTrack", wanted))["track"])
    await _connect(ask, created, offer)
    await stack.answer(sdp.answer(offer, created, {}, HOST))
    return tracks


async def receive(clinic: Clinic, member: str, stack: Stack, tracks: dict[str, str]) -> None:
    """The stack receives these tracks, one of each kind."""
    ask, offer = _ask(clinic, member), await stack.offer()
    created = await ask("createTransport", {"direction": "receive"})
    downs: dict[str, Any] = {}
    for kind, track in tracks.items():
        wanted = {"track": track, "transport": created["transport"], "rtpCapabilities": CAPABILITIES}
        downs[kind] = await ask("receiveTrack", wanted)
    await _connect(ask, created, offer)
    await stack.answer(sdp.answer(offer, created, {kind: down["rtpParameters"] for kind, down in downs.items()}, HOST))
    for down in downs.values():
        await ask("resumeDownTrack", {"downTrack": down["downTrack"]})


async def _connect(ask: Any, created: dict[str, Any], offer: str) -> None:
    await ask("connectTransport", {"transport": created["transport"], "dtlsParameters": sdp.dtls(offer)})


def _ask(clinic: Clinic, member: str) -> Any:
    async def ask(method: str, data: dict[str, Any]) -> dict[str, Any]:
        return await clinic.client.request("r", member, method, data)

    return ask
