"""`python -m media bench`: a room of twelve on a relay process of its own, and what a packet costs there.

The generator is one process: real STUN and DTLS handshakes, then raw SRTP with payloads of sealed shape. It does not
open what it receives but for one packet in 64, whose payload ends with the time it was sent; the kernel stamps its
arrival. Both profiles are fixed loads, so that two relays, or two versions of one, can be compared. With `--compare`
each run is followed by one of a room whose frames need not be sealed; `check_ns` is what one look at a payload takes.

    call   everyone sends a 20/s thumbnail, a 110/s picture and a 50/s voice; everyone receives all thumbnails, one
           speaker's picture and three voices: 2,160 packets/s in, about 5,700 out
    mesh   everyone sends one picture of 100 packets/s, everyone receives all of them: 1,200 in, 13,200 out
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import uvloop

from media import limits
from media.client import Permission, RelayClient
from media.endpoint import Endpoint
from media.messages import Kind
from media.rtp import write_header
from media.sealed import Judge, key_id
from media.sframe import write_header as write_sframe_header
from media.transport import Certificate

ROOM = "bench"
PEOPLE = 12
# One received packet in this many is opened to read when it was sent.
SAMPLE = 64
# Seconds of load before the measurement begins.
WARM_UP = 2.0
# S set, partition 0; then the ten bytes of a key frame that stay in clear, bit P of the first not set.
_DESCRIPTOR_AND_CLEAR = b"\x10" + bytes(10)
_SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("!Q")
_KERNEL_STAMP = struct.Struct("@qq")
_RECEIVE_ALL = {
    "codecs": [
        {"mimeType": "audio/opus", "preferredPayloadType": 111, "clockRate": 48000},
        {"mimeType": "video/VP8", "preferredPayloadType": 96, "clockRate": 90000},
    ]
}


@dataclass(frozen=True)
class Stream:
    """One up track of everybody. `watched(sender, receiver)` says who receives it; `size` in bytes of payload."""

    kind: Kind
    rate: int
    size: int
    watched: Callable[[int, int], bool]


PROFILES: dict[str, list[Stream]] = {
    "call": [
        Stream("video", 20, 900, lambda sender, receiver: True),
        Stream("video", 110, 1100, lambda sender, receiver: sender == 0),
        Stream("audio", 50, 120, lambda sender, receiver: sender < 3),
    ],
    "mesh": [Stream("video", 100, 1100, lambda sender, receiver: True)],
}


class Meter(Endpoint):
    """A receiving end that counts datagrams, opens one in SAMPLE, and notes its age in nanoseconds."""

    packets = 0

    def _open_socket(self) -> socket.socket:
        udp = super()._open_socket()
        udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.ages: list[int] = []
        return udp

    def _readable(self) -> None:
        for _ in range(limits.MAX_DATAGRAMS_PER_WAKE_UP):
            try:
                datagram, ancillary, _flags, _source = self._udp.recvmsg(limits.MAX_DATAGRAM, 64)
            except OSError:
                return
            if datagram[0] < 128 or 192 <= datagram[1] < 224:
                self._datagram(datagram)
                continue
            self.packets += 1
            if self.packets % SAMPLE == 0:
                seconds, nanoseconds = _KERNEL_STAMP.unpack(ancillary[0][2])
                (sent,) = _STAMP.unpack(self.open_rtp(datagram)[-_STAMP.size :])
                self.ages.append(seconds * 1_000_000_000 + nanoseconds - sent)


@dataclass
class Source:
    """One up track and when its next packet is due."""

    endpoint: Endpoint
    leaf: int
    ssrc: int
    stream: Stream
    due: float
    sequence: int = 0

    def send(self) -> None:
        payload_type = 111 if self.stream.kind == "audio" else 96
        header = write_header(False, True, payload_type, self.sequence & 0xFFFF, self.sequence * 960, self.ssrc)
        payload = frame(self.stream, self.leaf, self.sequence)
        self.sequence += 1
        self.endpoint.send_rtp(header + payload + _STAMP.pack(time.clock_gettime_ns(time.CLOCK_REALTIME)))


def frame(stream: Stream, leaf: int, counter: int) -> bytes:
    """A payload of sealed shape, up to the stamp. Each picture is a key frame: any packet may be somebody's first."""
    clear = b"" if stream.kind == "audio" else _DESCRIPTOR_AND_CLEAR
    start = clear + write_sframe_header(key_id(stream.kind, leaf, 1), counter)
    return start + bytes(stream.size - len(start) - _STAMP.size)


@dataclass
class Room:
    client: RelayClient
    certificate: Certificate
    senders: list[Endpoint] = field(default_factory=list)
    meters: list[Meter] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    async def fill(self, streams: list[Stream]) -> None:
        """Twelve members join, send and receive as the profile says."""
        tracks: list[tuple[int, Stream, str]] = []
        for person in range(PEOPLE):
            await self._ask(person, "join", {})
            sender = Endpoint(await self._create(person, "send"), certificate=self.certificate)
            await sender.connect(lambda method, data, person=person: self._ask(person, method, data))  # type: ignore[misc]
            self.senders.append(sender)
            for number, stream in enumerate(streams):
                ssrc = 1000 * person + number + 1
                answer = await self._ask(person, "sendTrack", _send_track(sender.transport, stream, ssrc))
                tracks.append((person, stream, answer["track"]))
                # Spread over the interval, so that the generator does not send in bursts.
                offset = (person * len(streams) + number) / (PEOPLE * len(streams)) / stream.rate
                self.sources.append(Source(sender, person, ssrc, stream, time.monotonic() + offset))
        for person in range(PEOPLE):
            meter = Meter(await self._create(person, "receive"), certificate=self.certificate)
            await meter.connect(lambda method, data, person=person: self._ask(person, method, data))  # type: ignore[misc]
            self.meters.append(meter)
            for sender_number, stream, track in tracks:
                if sender_number != person and stream.watched(sender_number, person):
                    await self._watch(person, meter.transport, track)

    async def _watch(self, person: int, transport: str, track: str) -> None:
        wanted = {"track": track, "transport": transport, "rtpCapabilities": _RECEIVE_ALL}
        down = await self._ask(person, "receiveTrack", wanted)
        await self._ask(person, "resumeDownTrack", {"downTrack": down["downTrack"]})

    async def load(self, seconds: float) -> None:
        """Send what is due every two milliseconds."""
        end = time.monotonic() + seconds
        for source in self.sources:
            source.due = max(source.due, time.monotonic())
        while (now := time.monotonic()) < end:
            for source in self.sources:
                while source.due <= now:
                    source.send()
                    source.due += 1 / source.stream.rate
            await asyncio.sleep(0.002)

    async def _create(self, person: int, direction: str) -> dict[str, Any]:
        return await self._ask(person, "createTransport", {"direction": direction})

    async def _ask(self, person: int, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return await self.client.request(ROOM, f"member{person}", method, data)


def _send_track(transport: str, stream: Stream, ssrc: int) -> dict[str, Any]:
    mime, clock, payload_type = ("audio/opus", 48000, 111) if stream.kind == "audio" else ("video/VP8", 90000, 96)
    codec = {"mimeType": mime, "clockRate": clock, "payloadType": payload_type}
    return {
        "transport": transport,
        "kind": stream.kind,
        "rtpParameters": {"codecs": [codec], "encodings": [{"ssrc": ssrc}]},
    }


async def measure(profile: str, seconds: float, sealed: bool) -> dict[str, Any]:
    """One run on a fresh relay process, which looks at each payload if `sealed`."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        path = Path(folder) / "relay.sock"
        command = [sys.executable, "-m", "media", "--socket", str(path), "--udp-port", "0", "--address", "127.0.0.1"]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            if process.stdout is None or await process.stdout.readline() != b"ready\n":
                raise RuntimeError("the relay did not start")
            return await _measure(profile, seconds, sealed, path, process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _measure(profile: str, seconds: float, sealed: bool, path: Path, pid: int) -> dict[str, Any]:
    connected = asyncio.Event()

    async def admitted() -> dict[str, dict[str, Permission]]:
        return {ROOM: {f"member{person}": Permission(("audio", "video"), True, sealed) for person in range(PEOPLE)}}

    client = RelayClient(
        path, admitted=admitted, on_event=lambda *event: None, on_connected=lambda now: connected.set() if now else None
    )
    running = asyncio.create_task(client.run())
    await connected.wait()
    room = Room(client, Certificate())
    try:
        await room.fill(PROFILES[profile])
        await room.load(WARM_UP)
        before, received = await client.counts(), sum(meter.packets for meter in room.meters)
        for meter in room.meters:
            meter.ages.clear()
        began = time.monotonic()
        await room.load(seconds)
        elapsed = time.monotonic() - began
        after = await client.counts()
        received = sum(meter.packets for meter in room.meters) - received
        return _result(
            before, after, received, elapsed, sorted(age for meter in room.meters for age in meter.ages), pid
        )
    finally:
        for endpoint in (*room.senders, *room.meters):
            endpoint.vanish()
        running.cancel()


def _result(
    before: dict[str, Any], after: dict[str, Any], received: int, elapsed: float, ages: list[int], pid: int
) -> dict[str, Any]:
    sent = after["sent"] - before["sent"]
    cpu = after["cpuSeconds"] - before["cpuSeconds"]
    return {
        "output_packets_per_cpu_second": sent / cpu,
        "output_packets_per_second": sent / elapsed,
        "cpu_share": cpu / elapsed,
        "loss": max(0.0, 1 - received / sent),
        "latency_ms": {"p50": ages[len(ages) // 2] / 1e6, "p99": ages[len(ages) * 99 // 100] / 1e6},
        "resident_mib": psutil.Process(pid).memory_info().rss / 2**20,
        "dropped": after["dropped"],
    }


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, and for the rate also the extremes, over the runs of one profile."""

    def median(read: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(read(run) for run in runs), 4)

    rates = [run["output_packets_per_cpu_second"] for run in runs]
    return {
        "output_packets_per_cpu_second": {
            "median": round(statistics.median(rates)),
            "min": round(min(rates)),
            "max": round(max(rates)),
        },
        "output_packets_per_second": median(lambda run: run["output_packets_per_second"]),
        "cpu_share": median(lambda run: run["cpu_share"]),
        "loss": median(lambda run: run["loss"]),
        "added_latency_ms": {name: median(lambda run, name=name: run["latency_ms"][name]) for name in ("p50", "p99")},  # type: ignore[misc]
        "resident_mib": median(lambda run: run["resident_mib"]),
    }


def check_ns(kind: Kind) -> float:
    """Nanoseconds of processor time for one look at a sealed payload; the least of 20 tries of 10,000."""
    judge, payload = Judge(kind), frame(Stream(kind, 1, 1100, lambda sender, receiver: True), 7, 123_456)
    tries = timeit.repeat(lambda: judge.passes(payload, 1), timer=time.process_time, number=10_000, repeat=20)
    return round(min(tries) / 10_000 * 1e9)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m media bench", description="What a packet costs in a room of 12.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of one run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each profile")
    parser.add_argument("--compare", action="store_true", help="also a room that need not be sealed, run by turns")
    wanted = parser.parse_args(argv)
    found: dict[str, Any] = {
        "machine": {
            "cpu": _processor(),
            "cores": psutil.cpu_count(),
            "python": platform.python_version(),
            "load": psutil.getloadavg()[0],
        },
        "check_ns": {"audio": check_ns("audio"), "video": check_ns("video")},
    }
    for profile in PROFILES:
        runs: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for _ in range(wanted.runs):
            for sealed in (True, False) if wanted.compare else (True,):
                runs[sealed].append(uvloop.run(measure(profile, wanted.seconds, sealed)))
        found[profile] = summary(runs[True])
        if wanted.compare:
            found[f"{profile}_unsealed"] = summary(runs[False])
    print(json.dumps(found) if wanted.json else json.dumps(found, indent=2))  # noqa: T201
    return 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
