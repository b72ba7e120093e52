"""A fleet's year at headquarters, scaled: many boxes with some envelopes each, then all that looks at all of them.

    python -m tests.load.hq_fleet --boxes 1000 --envelopes 156 --json
    python -m tests.load.hq_fleet --boxes 10000 --envelopes 15 --to parquet postgres
    python -m tests.load.hq_fleet --boxes 200 --envelopes 15 --to --s3     the same out of a real SeaweedFS

One record an envelope, as a lone session makes it (three a week: 156 a year). Generation goes round HQ's intake, which
has a bench of its own (`hearth bench hq`), and round fsync; the rest is the product's own code. Times are wall
clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sync import envelope, receipt, suite
from sync.checkpoint import EMPTY, extend
from sync.hq import bucket, fleet, fleet_page, roll
from sync.hq import folder as hq_folder
from sync.hq.cards import Card, card_to_json
from sync.hq.into.parquet import Parquet
from sync.hq.into.postgres import Postgres
from sync.hq.objects import SETTINGS, LocalObjects, object_path, open_objects
from sync.hq.opening import Opened, Opener
from sync.hq.verifying import Finding, Report, Verifier
from sync.keys import BoxFacts, HqFacts
from tests.fakes import postgres
from tests.fakes.session_records import session_record
from tests.rigs import seaweed

PROCESSES = 2
PATTERNS = 64  # different records; each is sealed anew for each envelope


@dataclass(slots=True)
class Figures:
    """What was measured, in seconds unless its name says otherwise."""

    told: dict[str, Any] = field(default_factory=dict)

    async def time(self, name: str, work: Callable[[], Awaitable[int]], per: str = "") -> None:
        begun, used = time.perf_counter(), time.process_time()
        count = await work()
        taken, used = time.perf_counter() - begun, time.process_time() - used
        told = {"seconds": round(taken, 2), "cpu_seconds": round(used, 2), per or "count": count}
        self.told[name] = {**told, "per_second": round(count / taken), "per_cpu_second": round(count / used)}
        sys.stderr.write(f"{name}: {json.dumps(self.told[name])}\n")


def generate(root: Path, facts: HqFacts, boxes: int, envelopes: int) -> None:
    """Boxes with cards, envelopes, last words and receipts, straight into the local store."""
    jobs = [(root, facts, number, envelopes) for number in range(boxes)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for done, _ in enumerate(pool.imap_unordered(_box, jobs, chunksize=8), 1):
            if done % 500 == 0:
                sys.stderr.write(f"{done} boxes\n")


def _box(job: tuple[Path, HqFacts, int, int]) -> None:
    root, facts, number, envelopes = job
    chance = random.Random(number)  # noqa: S311 - ids that are the same in each run
    box, key, objects = chance.randbytes(16), suite.SigningKey(chance.randbytes(32)), root / "objects"
    (objects / object_path(box, 1)).parent.mkdir(parents=True)
    previous, tree = envelope.NO_PREVIOUS, EMPTY
    for sequence in range(1, envelopes + 1):
        record = session_record(1 + (number + sequence) % PATTERNS)
        numbered = type(record)(sequence, record.record_class, record.at, record.body)
        raw = envelope.seal(
            [numbered],
            box=box,
            sequence=sequence,
            previous=previous,
            record_key=facts.record_key,
            signing_key=key,
        )
        previous, tree = suite.digest(raw), extend(tree, suite.digest(raw))
        (objects / object_path(box, sequence)).write_bytes(raw)
    signed = receipt.issue(box, previous, tree, 0, hq_folder.receipt_signing_key(root))
    _beside(objects, box, key, signed, number)


def _beside(objects: Path, box: bytes, key: suite.SigningKey, signed: bytes, number: int) -> None:
    now = datetime.now(UTC)
    ends = (now + timedelta(days=300)).strftime("%Y-%m-%dT%H:%M:%SZ")
    card = Card(BoxFacts(box, key.public), name=f"Clinic {number}", certificate_ends=ends)
    seen = {"version": "0.5.0", "queued": 0, "oldest_at": "", "applied": 0, "certificate_ends": ends}
    seen["at"] = (now - timedelta(hours=number % 300)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, raw in (
        (f"cards/{box.hex()}.json", card_to_json(card)),
        (f"seen/{box.hex()}.json", json.dumps(seen).encode()),
        (f"heads/{box.hex()}", signed),
    ):
        path = objects / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)


async def measure(root: Path, figures: Figures, targets: list[str], work: Path) -> None:
    """Everything over the store in `root`. `cpu_seconds`: this process alone, which tells of a busy machine."""
    await figures.time("list_all", lambda: _listed(root), "keys")
    await figures.time("fleet", lambda: _fleet(root), "boxes")
    await figures.time("verify", lambda: _verified(root), "envelopes")
    (root / "keys" / "record.key").rename(root / "record.key")
    await figures.time("verify_without_opening_key", lambda: _verified(root), "envelopes")
    (root / "record.key").rename(root / "keys" / "record.key")
    await figures.time("open", lambda: _opened(root), "records")
    if "parquet" in targets:
        await figures.time("parquet", lambda: _into(root, Parquet(work / "parquet")), "records")
        await figures.time("parquet_again", lambda: _looked(root, Parquet(work / "parquet")), "boxes")
        figures.told["parquet_bytes"] = sum(file.stat().st_size for file in (work / "parquet").rglob("*.parquet"))
    if "postgres" in targets:
        with postgres.running() as url:
            await figures.time("postgres", lambda: _into(root, Postgres(url)), "records")
            await figures.time("postgres_again", lambda: _looked(root, Postgres(url)), "boxes")


async def _listed(root: Path) -> int:
    return len([None async for _ in open_objects(root).entries("boxes")])


async def _fleet(root: Path) -> int:
    now = datetime.now(UTC)
    lines = await fleet.look(root, now)
    fleet_page.as_text(lines, now)
    return len(lines)


async def _verified(root: Path) -> int:
    count = 0
    async for found in Verifier(root).all():
        if isinstance(found, Finding):
            raise SystemExit(f"{found.code} in made-up data")
        count += found.envelopes if isinstance(found, Report) else 0
    return count


async def _opened(root: Path) -> int:
    return len([None async for found in Opener(root).findings() if isinstance(found, Opened)])


async def _into(root: Path, target: Parquet | Postgres) -> int:
    try:
        return (await Opener(root).into(target)).records
    finally:
        target.close()


async def _looked(root: Path, target: Parquet | Postgres) -> int:
    """A run that finds nothing new."""
    try:
        return (await Opener(root).into(target)).boxes
    finally:
        target.close()


@contextmanager
def _bucket(root: Path, work: Path) -> Iterator[None]:
    """The store of `root` in a bucket instead of its folder: one volume server, one filer, one gateway."""
    os.environ.update(seaweed.KEYS)
    with seaweed.running(work / "weed", volumes=1, filers=1, shared=False) as cluster:
        toml = bucket.settings(f"s3://{seaweed.BUCKET}/fleet", cluster.endpoints[0])
        asyncio.run(_copied(LocalObjects(root / "objects"), root, toml))
        yield
    (root / SETTINGS).unlink()


async def _copied(local: LocalObjects, root: Path, toml: str) -> None:
    (root / SETTINGS).write_text(toml)
    remote = open_objects(root)
    paths = [entry.path async for entry in local.entries("")]

    async def copy(path: str) -> None:
        await remote.replace(path, await local.get(path) or b"")

    await roll.side_by_side(copy, paths)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="hearth bench fleet", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--envelopes", type=int, default=156)
    parser.add_argument("--to", nargs="*", choices=("parquet", "postgres"), default=["parquet", "postgres"])
    parser.add_argument("--keep", type=Path, help="make the store here, or use the one that is here")
    parser.add_argument("--s3", action="store_true", help="copy the store into SeaweedFS and measure that")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    work = Path(tempfile.mkdtemp(prefix="fleet-"))
    try:
        figures = _run(chosen, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name, value in figures.told.items():
        if not chosen.json:
            sys.stdout.write(f"{name}: {value}\n")
    if chosen.json:
        sys.stdout.write(json.dumps(figures.told) + "\n")
    return 0


def _run(chosen: argparse.Namespace, work: Path) -> Figures:
    root: Path = chosen.keep or work / "hq"
    figures = Figures({"boxes": chosen.boxes, "envelopes_each": chosen.envelopes})
    if not root.exists():
        begun = time.perf_counter()
        facts = hq_folder.init(root, hq_folder.DEFAULT_URL, datetime.now(UTC))
        generate(root, facts, chosen.boxes, chosen.envelopes)
        figures.told["generate_seconds"] = round(time.perf_counter() - begun, 1)
    with _bucket(root, work) if chosen.s3 else nullcontext():
        asyncio.run(measure(root, figures, chosen.to, work))
    figures.told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures.told["stored_bytes"] = sum(path.stat().st_size for path in (root / "objects" / "boxes").rglob("0*"))
    return figures


if __name__ == "__main__":
    sys.exit(main())
