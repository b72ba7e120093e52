"""Hearth's relay as a peer of the bench: joined as browsers do, over relay.sock and with real STUN and DTLS."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from media.bench.end import End
from media.bench.generator import LOSE, Line, Load, Numbers
from media.bench.peer import Wiring, ended, started
from media.bench.profiles import LEADS, PEOPLE, Sending
from media.client import Permission, RelayClient
from media.messages import Kind
from media.room.capabilities import LEVEL, TRANSPORT_SEQUENCE, TRANSPORT_SEQUENCE_ID
from media.transport import Certificate

_FEEDBACK = [{"type": "nack"}, {"type": "nack", "parameter": "pli"}, {"type": "transport-cc"}]
_SOUND = {"kind": "audio", "mimeType": "audio/opus", "clockRate": 48000, "channels": 2}
_PICTURE = {"kind": "video", "mimeType": "video/VP8", "clockRate": 90000}
_REPAIR = {"kind": "video", "mimeType": "video/rtx", "clockRate": 90000, "parameters": {"apt": 96}}
# What Chromium can receive, of what is in play here.
CAPABILITIES = {
    "codecs": [
        {**_SOUND, "preferredPayloadType": 111, "rtcpFeedback": [{"type": "nack"}, {"type": "transport-cc"}]},
        {**_PICTURE, "preferredPayloadType": 96, "rtcpFeedback": _FEEDBACK},
        {**_REPAIR, "preferredPayloadType": 97},
    ],
    "headerExtensions": [
        {"kind": kind, "uri": TRANSPORT_SEQUENCE, "preferredId": TRANSPORT_SEQUENCE_ID} for kind in ("audio", "video")
    ],
}


class Hearth:
    """`tree`: a checkout whose relay is measured, instead of this one. `options`: more words for its command line."""

    name = "hearth"

    def __init__(self, tree: Path | None = None, *options: str) -> None:
        self.pid = 0
        self._tree, self._options = tree or Path(__file__).parents[2], options
        self._process: asyncio.subprocess.Process | None = None
        self._running: asyncio.Task[None] | None = None
        self._client: RelayClient | None = None
        self.endpoints: list[End] = []

    async def start(self, folder: Path) -> None:
        path = folder / "relay.sock"
        command = [sys.executable, "-m", "media", "--socket", str(path), "--udp-port", "0", "--address", "127.0.0.1"]
        # All pictures to everybody: the load is fixed, and what a relay leaves out is not what is measured here.
        if "--last-n" in await _help(self._tree):
            command += ["--last-n", str(PEOPLE * 2)]
        self._process = await started([*command, *self._options], "ready", "The relay", self._tree)
        self.pid = self._process.pid
        connected = asyncio.Event()
        self._client = RelayClient(
            path,
            admitted=_nobody,
            on_event=lambda *event: None,
            on_connected=lambda now: connected.set() if now else None,
        )
        self._running = asyncio.create_task(self._client.run())
        await connected.wait()

    async def connect(self, load: Load, sendings: list[Sending], rooms: int) -> Wiring:
        certificate, wiring = Certificate(), Wiring()
        tracks: dict[Sending, str] = {}
        for room in range(rooms):
            for person in range(PEOPLE):
                mine = [item for item in sendings if (item.room, item.person) == (room, person)]
                wiring.senders.append(await self._enter(load, room, person, mine, certificate, tracks))
        for room in range(rooms):
            for person in range(PEOPLE):
                watched = [item for item in tracks if item.room == room and person in item.watchers]
                ids = [tracks[item] for item in watched]
                wiring.receivers.append(await self._watch(load, room, person, ids, certificate))
        lines = [load.lines[number] for number in wiring.receivers]
        wiring.words = {
            "srtp": self.endpoints[-1].srtp_profile,
            "transport_wide_numbers_to_receivers": all(line.sequence for line in lines),
        }
        return wiring

    async def join(self, room: int, person: int, certificate: Certificate, direction: str) -> End:
        """One connected end of one member, who is permitted and has joined if this is the sending one."""
        if direction == "send":
            permission = Permission(("audio", "video"), True, True, person == LEADS)
            await self.client.permit(_room(room), f"member{person}", permission)
            await self.ask(room, person, "join", {})
        created = await self.ask(room, person, "createTransport", {"direction": direction})
        endpoint = End(created, certificate=certificate)
        await endpoint.connect(lambda method, data: self.ask(room, person, method, data))
        self.endpoints.append(endpoint)
        return endpoint

    async def _enter(
        self,
        load: Load,
        room: int,
        person: int,
        mine: list[Sending],
        certificate: Certificate,
        tracks: dict[Sending, str],
    ) -> int:
        endpoint = await self.join(room, person, certificate, "send")
        for item in mine:
            wanted = {"transport": endpoint.transport, "kind": item.stream.kind, "rtpParameters": _parameters(item)}
            tracks[item] = (await self.ask(room, person, "sendTrack", wanted))["track"]
        number = load.add_line(Line(*endpoint.hand_over()))
        for item in mine:
            load.add_source(item, number, Numbers())
        return number

    async def _watch(self, load: Load, room: int, person: int, tracks: list[str], certificate: Certificate) -> int:
        endpoint = await self.join(room, person, certificate, "receive")
        sequence = 0
        for track in tracks:
            wanted = {"track": track, "transport": endpoint.transport, "rtpCapabilities": CAPABILITIES}
            down = await self.ask(room, person, "receiveTrack", wanted)
            for item in down["rtpParameters"].get("headerExtensions", ()):
                sequence = item["id"] if item["uri"] == TRANSPORT_SEQUENCE else sequence
            await self.ask(room, person, "resumeDownTrack", {"downTrack": down["downTrack"]})
        return load.add_line(Line(*endpoint.hand_over(), sequence, LOSE))

    async def counts(self) -> dict[str, Any]:
        return await self.client.counts()

    async def stop(self) -> None:
        for endpoint in self.endpoints:
            endpoint.vanish()
        if self._running is not None:
            self._running.cancel()
        await ended(self._process)

    @property
    def client(self) -> RelayClient:
        if self._client is None:
            raise RuntimeError("not started")
        return self._client

    async def ask(self, room: int, person: int, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return await self.client.request(_room(room), f"member{person}", method, data)


async def _nobody() -> dict[str, dict[str, Permission]]:
    return {}


def _room(number: int) -> str:
    return f"bench{number}"


def _parameters(item: Sending) -> dict[str, Any]:
    kind: Kind = item.stream.kind
    if kind == "audio":
        codecs: list[dict[str, Any]] = [{**_SOUND, "payloadType": 111}]
        encoding: dict[str, Any] = {"ssrc": item.ssrc}
    else:
        codecs = [{**_PICTURE, "payloadType": 96, "rtcpFeedback": _FEEDBACK}, {**_REPAIR, "payloadType": 97}]
        encoding = {"ssrc": item.ssrc, "rtx": {"ssrc": item.ssrc + 1}}
    extensions = [{"uri": TRANSPORT_SEQUENCE, "id": 5}] + ([{"uri": LEVEL, "id": 4}] if kind == "audio" else [])
    return {"codecs": codecs, "encodings": [encoding], "headerExtensions": extensions}


async def _help(tree: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "media", "--help", cwd=tree, stdout=asyncio.subprocess.PIPE
    )
    return (await process.communicate())[0].decode()
