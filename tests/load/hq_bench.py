"""How many envelopes headquarters takes: 1, 2, 4 servers over a folder and over SeaweedFS, one stream and many. JSON.

    hearth bench hq [--json] [--seconds 6] [--only folder,seaweed]          (3 minutes; SeaweedFS needs postgresql)

Envelopes are sealed before anything is measured, and the generator only counts receipts: but it shares the machine with
the servers and the store, so `cpu` says how many cores each of them had. Every envelope has 1.8 KB, as a session of
eight makes it. Streams keep WINDOW envelopes on the way; latency is from an envelope's last byte to its receipt.

    per_second   envelopes with a receipt, all servers together       per_server   the same for each
    p50_ms, p99_ms   from sent to receipted                           cpu   cores used by each part
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from sync import frames
from sync.hq import folder as hq_folder
from sync.hq.bucket import settings
from sync.keys import HqFacts
from tests.fakes.parties import SealingBox, client_context, enrol, known_hq, make_hq
from tests.fakes.streaming import HELLO
from tests.rigs import seaweed

BOXES, EACH, ALONE = 48, 220, 2500  # boxes at once, envelopes of each; envelopes of the box that is alone
WINDOW = 8
BODY = 1290  # bytes that do not compress: 1.8 KB on the line
SERVERS = (1, 2, 4)
START_SECONDS = 60.0
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Tally:
    """What the streams of one scenario heard."""

    receipts: int = 0
    latencies: list[float] = field(default_factory=list)  # seconds


def seal(folder: Path) -> list[SealingBox]:
    """The boxes with all they will send; the first one has the most."""
    hq = hq_folder.public(folder)
    boxes = [SealingBox(hq, bytes([n]) * 16) for n in range(BOXES + 1)]
    for n, box in enumerate(boxes):
        enrol(folder, box.facts)
        for _ in range(EACH if n else ALONE):
            box.seal(os.urandom(BODY // 2).hex().encode())
    return boxes


async def stream(hq: HqFacts, box: SealingBox, tally: Tally, until: float) -> None:
    """One box's stream, in as little work as can be: a raw connection, chunks by hand."""
    host, port = hq.url.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=client_context(hq, box.facts.box))
    path = f"/v1/boxes/{box.facts.box.hex()}/stream"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    _chunk(writer, frames.pack(frames.HELLO, HELLO))
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.split(b"\r\n")[0].decode())
    waiting, sent_at = iter(box.sealed), deque[float]()
    parts = frames.Reader()

    def send() -> None:
        raw = next(waiting, None) if time.monotonic() < until else None
        if raw is not None:
            sent_at.append(time.monotonic())
            _chunk(writer, frames.pack(frames.SEGMENT, raw))

    for _ in range(WINDOW):
        send()
    while sent_at:
        size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
        data = await reader.readexactly(size + 2)
        for frame in parts.feed(data[:-2]):
            if frame.kind == frames.REFUSAL:
                raise RuntimeError(frame.payload.decode())
            if frame.kind == frames.RECEIPT:
                tally.latencies.append(time.monotonic() - sent_at.popleft())
                tally.receipts += 1
                send()
    writer.write(b"0\r\n\r\n")
    writer.close()


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


@contextmanager
def servers(
    root: Path, sealed: Path, count: int, endpoints: Sequence[str], name: str
) -> Iterator[list[tuple[int, int]]]:
    """(pid, port) of servers over one empty store in which the boxes are enrolled."""
    folders = [root / f"{name}-{n}" for n in range(count)]
    ports = seaweed.free_ports(count)
    processes = []
    for n, folder in enumerate(folders):
        shutil.copytree(sealed, folder, ignore=shutil.ignore_patterns("objects"))
        if endpoints:
            url = f"s3://{seaweed.BUCKET}/{name}"
            (folder / "hq.toml").write_text(settings(url, endpoints[n % len(endpoints)]))
        elif n:
            (folder / "objects").symlink_to(folders[0] / "objects")
        else:
            shutil.copytree(sealed / "objects", folder / "objects")
    if endpoints:
        _enrol_in_bucket(sealed, folders[0])
    try:
        for folder, port in zip(folders, ports, strict=True):
            command = [sys.executable, "-m", "sync", "hq", "serve", str(folder), "--port", str(port)]
            with (root / "servers.log").open("ab") as log:
                processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log))
        for process in processes:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise RuntimeError("a server did not start; see servers.log")
        yield [(process.pid, port) for process, port in zip(processes, ports, strict=True)]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _enrol_in_bucket(sealed: Path, folder: Path) -> None:
    async def copied() -> None:
        target = hq_folder.cards(folder)
        async for card in hq_folder.cards(sealed).all():
            await target.put(card)

    asyncio.run(copied())


def cpu(pids: Sequence[int]) -> float:
    """Seconds of processor time that these processes have used, their children too."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def database_pids() -> list[int]:
    """The processes of the rig's PostgreSQL: it starts one for each connection."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdecimal():
            try:
                line = (one / "cmdline").read_bytes()
                parent = int((one / "stat").read_text().rpartition(")")[2].split()[1])
                above = (Path("/proc") / str(parent) / "cmdline").read_bytes()
            except OSError:
                continue
            if b"hearth-postgres-" in line or b"hearth-postgres-" in above:
                found.append(int(one.name))
    return found


def measure(
    hq: HqFacts, running: Sequence[tuple[int, int]], boxes: Sequence[SealingBox], seconds: float, store: Sequence[int]
) -> dict[str, object]:
    """One scenario."""
    tally = Tally()
    parts = {"generator": [os.getpid()], "servers": [pid for pid, _ in running], "store": list(store)}
    if store:
        parts["database"] = database_pids()

    async def all_streams() -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(
                stream(replace(hq, url=f"https://127.0.0.1:{running[n % len(running)][1]}"), box, tally, until)
                for n, box in enumerate(boxes)
            )
        )

    before, began = {name: cpu(pids) for name, pids in parts.items()}, time.monotonic()
    asyncio.run(all_streams())
    took = time.monotonic() - began
    ranked = sorted(tally.latencies)
    return {
        "servers": len(running),
        "streams": len(boxes),
        "envelopes": tally.receipts,
        "per_second": round(tally.receipts / took, 1),
        "per_server": round(tally.receipts / took / len(running), 1),
        "p50_ms": round(1000 * statistics.median(ranked), 1),
        "p99_ms": round(1000 * ranked[int(len(ranked) * 0.99)], 1),
        "cpu": {name: round((cpu(pids) - before[name]) / took, 2) for name, pids in parts.items() if pids},
    }


def run(root: Path, seconds: float, only: Sequence[str]) -> dict[str, object]:
    make_hq(root / "sealed")
    boxes = seal(root / "sealed")
    hq = known_hq(root / "sealed")
    for box in boxes:
        client_context(hq, box.facts.box)
    found: list[dict[str, object]] = []
    for kind in only:
        with seaweed.running(root / "weed", volumes=3) if kind == "seaweed" else nullcontext() as cluster:
            endpoints = cluster.endpoints if cluster else []
            store = [process.pid for process in cluster.processes.values()] if cluster else []
            for count in SERVERS:
                for streams in ([boxes[0]], boxes[1:]):
                    name = f"{kind}-{count}-{len(streams)}"
                    if count > 1 and len(streams) == 1:
                        continue  # one stream goes to one server
                    with servers(root, root / "sealed", count, endpoints, name) as running:
                        found.append({"store": kind, **measure(hq, running, streams, seconds, store)})
                        sys.stderr.write(json.dumps(found[-1]) + "\n")
    return {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "window": WINDOW, "found": found}


def main() -> None:
    parser = argparse.ArgumentParser(description="Envelopes per second that headquarters takes.")
    parser.add_argument("--json", action="store_true", help="as it always does")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", default="folder,seaweed")
    asked = parser.parse_args()
    os.environ.update(seaweed.KEYS)
    with tempfile.TemporaryDirectory(prefix="hearth-bench-", ignore_cleanup_errors=True) as folder:
        told = run(Path(folder), asked.seconds, asked.only.split(","))
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
