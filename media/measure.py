"""`python -m media measure`: what forwarding costs on this machine. `python -m media carries`: how many people that is.

A relay process of its own on loopback, a room of twelve, real handshakes, then SRTP for a few seconds: first at an even
pace, for the packets sent per second of processor time; then as fast as one process can send, for the packets per
second that get through. Both print one JSON object. It takes about five seconds and two processor cores; the caller
sees to it that no session runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from media import limits
from media.client import Permission, RelayClient
from media.endpoint import Endpoint
from media.room.capacity import MANY, Budget, most_people, share_of
from media.rtp import write_header
from media.transport import Certificate

ROOM = "measure"
PEOPLE = 12
GROUP = 8
# Bytes of payload: as full as a picture's packets are. It travels as sound, all of which is forwarded to who leads.
SIZE = 1100
# Packets a second of each person while the pace is even: 7,900 a second out, half of what a Pi 4 may manage.
RATE = 60
PACE_SECONDS = 1.5
FLOOD_SECONDS = 1.0
# Seconds for everything; a Pi with a cold card takes 20 to load the relay.
PATIENCE_SECONDS = 60.0
_EVERYTHING = Permission(("audio",), True, sealed=False, leads=True)
_OPUS = {"mimeType": "audio/opus", "clockRate": 48000}


@dataclass
class Load:
    """Twelve people who send and do not listen to what they get."""

    client: RelayClient
    certificate: Certificate = field(default_factory=Certificate)
    endpoints: list[Endpoint] = field(default_factory=list)
    senders: list[tuple[Endpoint, int]] = field(default_factory=list)
    sequence: int = 0

    async def fill(self) -> None:
        tracks = [await self._sends(person) for person in range(PEOPLE)]
        for person in range(PEOPLE):
            receiving = await self._connect(person, "receive")
            for other, track in enumerate(tracks):
                if other != person:
                    await self._watch(person, receiving, track)

    async def _sends(self, person: int) -> str:
        await self._ask(person, "join", {})
        sending = await self._connect(person, "send")
        self.senders.append((sending, 1000 + person))
        codec = {**_OPUS, "payloadType": 111}
        wanted = {"codecs": [codec], "encodings": [{"ssrc": 1000 + person}]}
        answer = await self._ask(
            person, "sendTrack", {"transport": sending.transport, "kind": "audio", "rtpParameters": wanted}
        )
        return str(answer["track"])

    async def _watch(self, person: int, receiving: Endpoint, track: str) -> None:
        able = {"codecs": [{**_OPUS, "preferredPayloadType": 111}]}
        wanted = {"track": track, "transport": receiving.transport, "rtpCapabilities": able}
        down = await self._ask(person, "receiveTrack", wanted)
        await self._ask(person, "resumeDownTrack", {"downTrack": down["downTrack"]})

    async def _connect(self, person: int, direction: str) -> Endpoint:
        created = await self._ask(person, "createTransport", {"direction": direction})
        endpoint = Endpoint(created, certificate=self.certificate)
        self.endpoints.append(endpoint)

        async def ask(method: str, data: dict[str, Any]) -> dict[str, Any]:
            return await self._ask(person, method, data)

        await endpoint.connect(ask)
        return endpoint

    async def _ask(self, person: int, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return await self.client.request(ROOM, f"member{person}", method, data)

    def send_round(self) -> None:
        """One packet of everybody."""
        self.sequence += 1
        for endpoint, ssrc in self.senders:
            header = write_header(False, False, 111, self.sequence & 0xFFFF, self.sequence * 960, ssrc)
            endpoint.send_rtp(header + bytes(SIZE))

    async def run(self, seconds: float, rate: float) -> tuple[float, float]:
        """Packets sent by the relay, per processor second and per second. `rate` rounds a second, 0 for no pause."""
        before, began = await self.client.counts(), time.monotonic()
        due = began
        while (now := time.monotonic()) < began + seconds:
            while due <= now:
                self.send_round()
                due = due + 1 / rate if rate else now + 1e-9
            await asyncio.sleep(0.002 if rate else 0)
        after, elapsed = await self.client.counts(), time.monotonic() - began
        sent = after["sent"] - before["sent"]
        return sent / max(1e-9, after["cpuSeconds"] - before["cpuSeconds"]), sent / elapsed


async def measure() -> dict[str, int]:
    """Raises TimeoutError, OSError, RuntimeError or a fault of the relay where that cannot be measured."""
    with tempfile.TemporaryDirectory(prefix="hearth-measure-") as folder:
        path = Path(folder) / "relay.sock"
        command = [sys.executable, "-m", "media", "--socket", str(path), "--udp-port", "0", "--address", "127.0.0.1"]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if process.stdout is None or await process.stdout.readline() != b"ready\n":
                    raise RuntimeError("the relay did not start")
                return await _measure(path)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _measure(path: Path) -> dict[str, int]:
    connected = asyncio.Event()

    async def admitted() -> dict[str, dict[str, Permission]]:
        return {ROOM: {f"member{person}": _EVERYTHING for person in range(PEOPLE)}}

    client = RelayClient(
        path, admitted=admitted, on_event=lambda *event: None, on_connected=lambda now: connected.set() if now else None
    )
    running = asyncio.create_task(client.run())
    await connected.wait()
    load = Load(client)
    try:
        await load.fill()
        await load.run(0.3, RATE)  # the first packets find nothing in any cache
        per_cpu_second, _ = await load.run(PACE_SECONDS, RATE)
        _, per_second = await load.run(FLOOD_SECONDS, 0)
    finally:
        for endpoint in load.endpoints:
            endpoint.vanish()
        running.cancel()
    return {"packets_per_cpu_second": round(per_cpu_second), "packets_per_second": round(per_second)}


def carries(budget: Budget, last_n: int) -> dict[str, int]:
    """People of one room: all with pictures at the lowest layer, with one picture each receives, with sound alone; and
    how many groups of GROUP, all with pictures."""
    eight = share_of((GROUP,), last_n, budget)
    return {
        "pictures": most_people(budget, last_n),
        "one": most_people(budget, 1),
        "sound": most_people(budget, 0),
        "groups": int(1 / eight) if eight else MANY,
    }


def main(argv: list[str]) -> int:
    """0, or 1 where it cannot be measured; the sentence of why is on stderr."""
    parser = argparse.ArgumentParser(prog="python -m media", description="What the relay manages on this machine.")
    parser.add_argument("what", choices=("measure", "carries"))
    parser.add_argument("--kbps", type=int, default=0, help="kilobits per second that the network carries")
    parser.add_argument("--packets", type=int, default=0, help="packets per second that may be sent")
    parser.add_argument("--last-n", type=int, default=limits.LAST_N, help="pictures that one receiver gets at most")
    wanted = parser.parse_args(argv)
    if wanted.what == "carries":
        print(json.dumps(carries(Budget(wanted.kbps, wanted.packets), wanted.last_n)))  # noqa: T201
        return 0
    try:
        print(json.dumps(uvloop.run(measure())))  # noqa: T201
    except Exception as problem:  # noqa: BLE001 - whatever it is, there is no figure
        print(f"The relay could not be measured: {type(problem).__name__}.", file=sys.stderr)  # noqa: T201
        return 1
    return 0
