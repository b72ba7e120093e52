"""kill -9 of HQ servers and of every part of the store under load, for some minutes: `make hq`.

Two HQ servers over a SeaweedFS of three volume servers, two filers and two gateways. Boxes stream; pairs of clones race
for every number. Once in a while one process is killed and started again. In the end, for every receipt ever heard: one
object a number, exactly the bytes that were receipted, nothing lost, nothing doubled, no two receipts that contradict.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sync import frames, receipt, suite
from sync.checkpoint import EMPTY, Checkpoint, extend
from sync.hq import folder as hq_folder
from sync.hq.bucket import settings
from sync.hq.objects import object_path, open_objects
from sync.keys import HqFacts
from sync.receipt import Receipt
from tests.fakes.parties import SealingBox, enrol, known_hq, make_hq
from tests.fakes.streaming import streaming
from tests.rigs import seaweed

BOXES, PAIRS = 6, 3
KILL_EVERY, DOWN = (2.0, 5.0), (0.2, 2.0)  # seconds
RECEIPT_SECONDS = 12.0


@dataclass
class Story:
    """What one box, or two clones of one, sent and heard."""

    box: SealingBox
    heard: list[Receipt] = field(default_factory=list)
    forks: int = 0
    refusals: int = 0
    cuts: int = 0


class Servers:
    """HQ servers as processes, each with a folder of its own."""

    def __init__(self, root: Path, cluster: seaweed.Cluster) -> None:
        url = f"s3://{seaweed.BUCKET}/hq"
        self.root, self.ports = root, seaweed.free_ports(2)
        make_hq(root / "hq0", store=settings(url, cluster.endpoints[0]))
        shutil.copytree(root / "hq0", root / "hq1")
        (root / "hq1" / "hq.toml").write_text(settings(url, cluster.endpoints[1]))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for n in range(2):
            self.start(f"hq{n}")

    def start(self, name: str) -> None:
        port = self.ports[int(name[-1])]
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "sync", "hq", "serve", self.root / name, "--port", str(port)],
                stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def facts(self, chance: random.Random) -> HqFacts:
        known = hq_folder.public(self.root / "hq0")
        return replace(known, url=f"https://127.0.0.1:{chance.choice(self.ports)}")


async def carry(story: Story, box: SealingBox, servers: Servers, chance: random.Random, until: float) -> None:
    """One courier: seals, sends from where its newest receipt stands, hears."""
    newest: Receipt | None = None
    while time.monotonic() < until:
        size = newest.size if newest else 0
        while len(box.sealed) < size + 4:
            box.seal(suite.digest(b"%d %d" % (id(box), len(box.sealed))).hex().encode())
        due = box.sealed[size:]
        async with streaming(servers.facts(chance), box.facts.box, handed=newest.raw if newest else b"") as line:
            line.send(due)
            for _ in due:
                try:
                    frame = await asyncio.wait_for(line.hear(), RECEIPT_SECONDS)
                except TimeoutError:
                    frame = None
                if frame is None:
                    story.cuts += 1
                    break
                if frame.kind == frames.RECEIPT:
                    newest = receipt.parse(frame.payload)
                    story.heard.append(newest)
                    continue
                code = json.loads(frame.payload)["code"]
                story.refusals += 1
                if code == "fork":
                    story.forks += 1
                    newest = await _give_in(box, servers)
                elif code not in ("busy", "hq_failed"):
                    raise AssertionError(code)
                break
        await asyncio.sleep(chance.random() * 0.1)


async def _give_in(box: SealingBox, servers: Servers) -> Receipt | None:
    """The loser of two clones takes over what HQ holds, so that they can race again."""
    held = open_objects(servers.root / "hq0")
    box.sealed.clear()
    with suppress(Exception):  # the store may be away just now: then from the first envelope, and another fork
        while (raw := await held.get(object_path(box.facts.box, len(box.sealed) + 1))) is not None:
            box.sealed.append(raw)
    return None


async def torment(cluster: seaweed.Cluster, servers: Servers, chance: random.Random, until: float) -> dict[str, int]:
    """Kill one process after another and start it again; how often each kind."""
    killed: dict[str, int] = {}
    names = [name for name in cluster.processes if name != "master"] + ["hq0", "hq1"] * 2
    while time.monotonic() < until - 10:
        await asyncio.sleep(chance.uniform(*KILL_EVERY))
        name = chance.choice(names)
        where = servers if name.startswith("hq") else cluster
        await asyncio.to_thread(where.kill, name)
        await asyncio.sleep(chance.uniform(*DOWN))
        where.start(name)
        killed[name[:-1]] = killed.get(name[:-1], 0) + 1
    return killed


async def judge(story: Story, folder: Path) -> int:
    """How many objects; AssertionError for whatever must never be."""
    held, box = open_objects(folder), story.box.facts.box
    entries = [entry.path async for entry in held.entries(f"boxes/{box.hex()}")]
    assert entries == [object_path(box, n + 1) for n in range(len(entries))], "a hole, or a name that is none"
    tree: Checkpoint = EMPTY
    reached = {}
    for n, path in enumerate(entries):
        raw = await held.get(path)
        assert raw is not None
        tree = extend(tree, suite.digest(raw))
        reached[n + 1] = (tree, suite.digest(raw))
    for one in story.heard:
        assert one.size in reached, "a receipt for what is not there"
        assert reached[one.size] == (one.checkpoint, one.last), "a receipt for other bytes"
    return len(entries)


async def run(seconds: float, seed: int, root: Path) -> dict[str, object]:
    chance = random.Random(seed)  # noqa: S311 - a seed, so that it can be repeated
    with seaweed.running(root / "weed", volumes=3) as cluster:
        servers = Servers(root, cluster)
        try:
            known_hq(root / "hq0")
            stories, couriers = [], []
            until = time.monotonic() + seconds
            for n in range(BOXES + PAIRS):
                box = SealingBox(hq_folder.public(root / "hq0"), bytes([n]) * 16)
                await asyncio.to_thread(enrol, root / "hq0", box.facts)
                story = Story(box)
                stories.append(story)
                couriers.append(carry(story, box, servers, chance, until))
                if n >= BOXES:
                    clone = SealingBox(box.hq, box.facts.box)
                    clone.key = box.key
                    couriers.append(carry(story, clone, servers, chance, until))
            *_, killed = await asyncio.gather(*couriers, torment(cluster, servers, chance, until))
            await asyncio.sleep(2)
            counts = [await judge(story, root / "hq0") for story in stories]
        finally:
            for process in servers.processes.values():
                process.kill()
                process.wait()
    return {
        "seconds": seconds,
        "killed": killed,
        "objects": sum(counts),
        "receipts": sum(len(story.heard) for story in stories),
        "forks": sum(story.forks for story in stories),
        "refusals": sum(story.refusals for story in stories),
        "cuts": sum(story.cuts for story in stories),
        "lost": 0,
        "doubled": 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill servers and store under load; exit code 1 if anything is lost.")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    os.environ.update(seaweed.KEYS)
    with tempfile.TemporaryDirectory(prefix="hearth-hq-", ignore_cleanup_errors=True) as folder:
        sys.stdout.write(json.dumps(asyncio.run(run(asked.seconds, asked.seed, Path(folder)))) + "\n")


if __name__ == "__main__":
    main()
