"""How sealed records travel over bad lines: a real courier and a real HQ with a user-space line between. Prints JSON.

    hearth bench sync [--json] [--quick] [--only loss5,cuts] [--compare]          (needs root; 12 minutes, --quick 2)

Each scenario has two network namespaces of its own and all run at the same time. Both ways 64 kbit/s, 600 ms there and
back. The records are those of sessions of eight people, sealed by the outbox's own rules, as the box would: four
segments ahead, the next when a receipt has come.

    share          bits of the envelopes that HQ receipted / (64,000 x seconds in which the line was up)
    of_delivered   the same / bits that the line delivered towards HQ
    overhead       bytes of envelopes over the compressed records in them, less 1
    line_overhead  all bytes on the line, both ways, lost ones too, over the compressed records, less 1
    per_kib        bytes on the line beyond the compressed records for each KiB of records
    doubled        objects at HQ beyond one for each number
    lost           envelopes with a receipt that HQ does not hold as they were sealed
    urgent_s       cold: from a record put into the outbox to its receipt in the spool, with no line open, clean line;
                   warm: with an open line; behind: with a full queue before it
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.sessions.record import Attendee, SessionEnded, encode, pseudonym
from sync import content, envelope, outbox, receipt, suite
from sync.content import Record
from sync.hq import folder as hq_folder
from sync.keys import BoxFacts, HqFacts
from sync.outbox import Identity, Sealed, Waiting
from sync.spool import Spool
from tests.fakes.outbox_store import MemoryOutbox
from tests.fakes.parties import hand_over, make_hq
from tests.tools.bad_link import address, space

ROOT = Path(__file__).parents[2]
RATE, RTT, QUEUE = 64_000, 0.6, 16_000
PORT = 8444
USUAL, URGENT = 10, 0
QUEUED = outbox.WAITING_LIMIT + 200  # records that wait at any time: always more than one look takes
BATCHES = 12
LEAST_ENVELOPE = 17_000  # bytes of one that is full
FEED_SECONDS = 0.25  # between two looks of the box at its spool
RANDOM_CUTS = [20.0, 90.0, 5.0, 30.0]

# name: settings of the line, seconds of a whole run, seconds of a quick one
SCENARIOS: dict[str, tuple[dict[str, Any], float, float]] = {
    "clean": ({}, 180, 60),
    "loss5": ({"loss": 0.05}, 300, 90),
    "loss20": ({"loss": 0.20}, 300, 90),
    "cuts": ({"loss": 0.05, "cut": RANDOM_CUTS}, 600, 120),
    "cut20": ({"cut": [20.0, 20.0, 20.0, 20.0]}, 400, 120),
}


def session_record(number: int) -> bytes:
    """What a session of eight leaves: pseudonyms, which do not compress, among words, which do."""
    key = b"bench"
    day = f"2026-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}"
    people = [
        Attendee(
            person=pseudonym(key, "person", f"{number % 40} {n}"),
            facilitator=n == 0,
            removed=False,
            present=((f"{day}T17:0{n}:12Z", f"{day}T18:3{n}:40Z"),),
            agreement=1,
            consent=pseudonym(key, "consent", f"{number % 40} {n}") if n else "",
        )
        for n in range(8)
    ]
    return encode(
        SessionEnded(
            session=pseudonym(key, "session", str(number)),
            starts_at=f"{day}T17:00:00Z",
            opened_at=f"{day}T16:58:31Z",
            ended_at=f"{day}T18:40:02Z",
            expected=8,
            attendees=people,
        )
    )


class Queue(MemoryOutbox):
    """An outbox in which only what is not sealed is walked through: thousands of records pass."""

    def __init__(self) -> None:
        super().__init__()
        self.unsealed: dict[int, Waiting] = {}
        self.sealed_in: dict[int, int] = {}

    def add(self, priority: int, record_class: str, body: bytes, at: str) -> int:
        number = len(self.unsealed) + len(self.sealed_in) + 1
        self.unsealed[number] = Waiting(priority, Record(number, record_class, at, body))
        return number

    def waiting(self, limit: int) -> list[Waiting]:
        return sorted(self.unsealed.values(), key=lambda one: (one.priority, one.record.number))[:limit]

    def keep(self, sealed: Sealed, raw: bytes, numbers: Sequence[int], at: str) -> None:
        super().keep(sealed, raw, numbers, at)
        for number in numbers:
            del self.unsealed[number]
            self.sealed_in[number] = sealed.sequence


@dataclass
class Box:
    """The appliance's part: records into an outbox, segments into the spool, receipts out of it."""

    spool: Spool
    hq: HqFacts
    store: Queue = field(default_factory=Queue)
    identity: Identity = field(default_factory=lambda: Identity(os.urandom(16), suite.SigningKey(suite.new_seed())))
    made: int = 0
    raw: dict[int, bytes] = field(default_factory=dict)  # envelopes by number
    coded: dict[int, tuple[int, int]] = field(default_factory=dict)  # number: (records, compressed) bytes
    receipted: int = 0
    bulk: bool = True

    @property
    def facts(self) -> BoxFacts:
        return BoxFacts(self.identity.box, self.identity.signing_key.public)

    def add(self, priority: int = USUAL) -> int:
        self.made += 1
        return self.store.add(priority, "session_ended", session_record(self.made), "2026-01-02T03:04:05Z")

    def turn(self) -> None:
        """One look, as the appliance's forwarder has it."""
        sizes = self.spool.receipts()
        newest = self.spool.receipt(sizes[-1]) if sizes and sizes[-1] > self.receipted else None
        if newest is not None:
            got = receipt.parse(newest)
            outbox.settle(self.store, got, "")
            self.receipted = got.size
            self.spool.drop_settled(got.size)
        while self.bulk and len(self.store.unsealed) < QUEUED:
            self.add()
        while (sealed := self._seal()) is not None:
            self.spool.put_segment(sealed, self.raw[sealed])

    def _seal(self) -> int | None:
        if len(self.store.unsettled()) >= outbox.SEAL_AHEAD:
            return None
        chosen = outbox.choose(self.store.waiting(outbox.WAITING_LIMIT))
        sealed = outbox.seal_next(self.store, self.identity, self.hq, "")
        if sealed is None:
            return None
        self.raw[sealed.sequence] = self.store.sealed_bytes(sealed.sequence) or b""
        self.coded[sealed.sequence] = sizes_of(chosen)
        return sealed.sequence

    def choose(self) -> list[Record]:
        """The next segment's records, taken out of the queue."""
        while len(self.store.unsealed) < QUEUED:
            self.add()
        chosen = outbox.choose(self.store.waiting(outbox.WAITING_LIMIT))
        for record in chosen:
            del self.store.unsealed[record.number]
            self.store.sealed_in[record.number] = 0
        return chosen

    async def run(self) -> None:
        while True:
            self.turn()
            await asyncio.sleep(FEED_SECONDS)


@dataclass
class Stock:
    """Segments sealed before the clock starts, the same for every line: sealing takes a core, and the lines share it.

    BATCHES of records are chosen by the outbox's rules, then sealed over and over into one chain.
    """

    folder: Path  # of the HQ that knows the box
    box: Box
    records: dict[int, int]  # in each segment

    @classmethod
    def made(cls, folder: Path, count: int) -> Stock:
        facts = make_hq(folder / "hq")
        (folder / "spool").mkdir()
        box = Box(Spool(folder / "spool"), facts)
        hq_folder.enroll(folder / "hq", box.facts)
        batches = [box.choose() for _ in range(min(BATCHES, count))]
        sizes = [sizes_of(batch) for batch in batches]
        previous = envelope.NO_PREVIOUS
        for number in range(1, count + 1):
            box.raw[number] = raw = envelope.seal(
                batches[number % len(batches)],
                box=box.identity.box,
                sequence=number,
                previous=previous,
                record_key=facts.record_key,
                signing_key=box.identity.signing_key,
            )
            box.coded[number] = sizes[number % len(batches)]
            previous = suite.digest(raw)
        return cls(folder / "hq", box, {number: len(batches[number % len(batches)]) for number in box.raw})

    async def feed(self, box: Box) -> None:
        """What is sealed goes into the spool as the box would put it there: SEAL_AHEAD before the newest receipt."""
        box.raw, box.coded = self.box.raw, self.box.coded
        there = 0
        while True:
            newest = max(box.spool.receipts(), default=0)
            while there < min(newest + outbox.SEAL_AHEAD, len(box.raw)):
                there += 1
                box.spool.put_segment(there, box.raw[there])
            box.spool.drop_settled(newest)
            await asyncio.sleep(FEED_SECONDS)


def sizes_of(records: list[Record]) -> tuple[int, int]:
    """Bytes of records as they are framed, and compressed."""
    packed = content.pack(records)
    return sum(map(content.framed_size, records)), int.from_bytes(packed[2:6], "big")


class Link:
    """tests/tools/bad_link.py."""

    def __init__(self, link: int, process: asyncio.subprocess.Process) -> None:
        self.link, self._process = link, process

    async def set(self, **settings: Any) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        return (await self._process.stdout.readline()).decode()

    async def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.set(tell=True))
        return found


@asynccontextmanager
async def line(link: int, settings: dict[str, Any]) -> AsyncIterator[Link]:
    async with process(sys.executable, "-m", "tests.tools.bad_link", str(link), stdin=asyncio.subprocess.PIPE) as made:
        await lines(made, b"ready\n")
        found = Link(link, made)
        await found.set(seed=7, up=RATE, down=RATE, rtt=RTT, queue=QUEUE, **settings)
        yield found
        assert made.stdin is not None
        made.stdin.close()
        await made.wait()


@asynccontextmanager
async def process(*words: str, stdin: int = asyncio.subprocess.DEVNULL) -> AsyncIterator[asyncio.subprocess.Process]:
    log = asyncio.subprocess.DEVNULL if "HEARTH_BENCH_LOG" not in os.environ else None
    started = await asyncio.create_subprocess_exec(
        *words, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await started.wait()


async def lines(started: asyncio.subprocess.Process, word: bytes) -> None:
    assert started.stdout is not None
    async with asyncio.timeout(60):
        while (read := await started.stdout.readline()) != word:
            assert read, "it ended"


def inside(link: int, side: str, *words: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", space(link, side), sys.executable, "-m", *words)


@asynccontextmanager
async def rig(
    link: int, folder: Path, settings: dict[str, Any], stock: Stock | None = None
) -> AsyncIterator[tuple[Link, Box]]:
    """Line, HQ and courier; the box is fed by the caller."""
    url, spool = f"https://{address(link, 2)}:{PORT}", Spool(folder / "spool")
    spool.prepare("in")
    if stock is None:
        box = Box(spool, make_hq(folder / "hq", url))
        hq_folder.enroll(folder / "hq", box.facts)
    else:
        shutil.copytree(stock.folder, folder / "hq")
        box = Box(spool, replace(stock.box.hq, url=url), identity=stock.box.identity)
    facts = box.hq
    hand_over(spool, facts, box.facts.box)
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(line(link, settings))
        words: tuple[str, ...] = (
            "sync",
            "hq",
            "serve",
            str(folder / "hq"),
            "--host",
            address(link, 2),
            "--port",
            str(PORT),
        )
        await lines(await stack.enter_async_context(process(*inside(link, "b", *words))), b"ready\n")
        words = ("sync", "courier", "--spool", str(spool.root))
        await lines(await stack.enter_async_context(process(*inside(link, "a", *words))), b"ready\n")
        yield found, box


async def carry(link: int, folder: Path, settings: dict[str, Any], seconds: float, stock: Stock) -> dict[str, Any]:
    """A queue that never ends, for so long."""
    async with rig(link, folder, settings, stock) as (bad, box):
        await bad.set(reset=True)
        feeding = asyncio.create_task(stock.feed(box))
        await asyncio.wait((feeding,), timeout=seconds)
        counts = await bad.told()
        size = max(box.spool.receipts(), default=0)
        if feeding.done():
            feeding.result()
        feeding.cancel()
        return {**figures(box, size, counts), **stored(folder / "hq", box, size)}


def figures(box: Box, size: int, counts: dict[str, Any]) -> dict[str, Any]:
    """Of what was receipted until now."""
    sent = sum(len(raw) for number, raw in box.raw.items() if number <= size)
    framed = sum(both[0] for number, both in box.coded.items() if number <= size)
    packed = sum(both[1] for number, both in box.coded.items() if number <= size) or 1
    on_line = sum(counts["bytes"])
    return {
        "share": round(sent * 8 / (RATE * counts["up_seconds"]), 3),
        "of_delivered": round(sent / max(1, counts["delivered_bytes"][0]), 3),
        "overhead": round(sent / packed - 1, 4),
        "line_overhead": round(on_line / packed - 1, 3),
        "per_kib": round((on_line - packed) / (framed / 1024)) if framed else None,
        "envelopes": size,
        "bytes": sent,
        "up_seconds": round(counts["up_seconds"], 1),
        "seconds": round(counts["seconds"], 1),
        "cuts": counts["cuts"],
        "queue_drops": counts["queue_drops"],
    }


def stored(hq: Path, box: Box, size: int) -> dict[str, Any]:
    """What HQ holds against what was receipted."""
    found = Counter(path.name for path in (hq / "objects" / "boxes").glob("*/*"))
    held = {int(path.name): path.read_bytes() for path in (hq / "objects" / "boxes").glob("*/*")}
    lost = [number for number in range(1, size + 1) if held.get(number) != box.raw[number]]
    return {"lost": len(lost), "doubled": sum(found.values()) - len(found)}


async def urgent(link: int, folder: Path) -> dict[str, Any]:
    """One urgent record: with no line, with an open line, behind a full queue."""
    async with rig(link, folder, {}) as (_, box):
        box.bulk = False
        cold = await one(box, lambda: box.add(URGENT))
        warm = await one(box, lambda: box.add(URGENT))
        box.bulk = True
        box.turn()
        feeding = asyncio.create_task(box.run())
        await asyncio.sleep(20)
        behind = await until_in(box, box.add(URGENT))
        feeding.cancel()
    return {"cold": cold, "warm": warm, "behind": behind}


async def one(box: Box, add: Callable[[], int]) -> float:
    """Seconds from the record to its receipt; the box looks at once, as it does when it is woken."""
    started = time.perf_counter()
    add()
    box.turn()
    wanted = box.store.last_sealed().sequence
    while box.spool.receipts()[-1:] < [wanted]:
        await asyncio.sleep(0.005)
    took = time.perf_counter() - started
    box.turn()
    return round(took, 2)


async def until_in(box: Box, number: int) -> float:
    """Seconds until the record's segment has its receipt."""
    started = time.perf_counter()
    while box.receipted < box.store.sealed_in.get(number, sys.maxsize):
        await asyncio.sleep(0.02)
    return round(time.perf_counter() - started, 2)


def first_link() -> int:
    """Of those that this process may use: two benches at a time do not meet, if they began some processes apart."""
    return os.getpid() % 15 * 15 + 10


async def bench(chosen: list[str], quick: bool) -> dict[str, Any]:
    """All at the same time, each on a line of its own."""
    first = first_link()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        jobs: dict[str, Any] = {}
        seconds = {one: short if quick else long for one, (_, long, short) in SCENARIOS.items() if one in chosen}
        (Path(name) / "stock").mkdir()
        count = int(max(seconds.values(), default=0.0) * RATE / 8 / LEAST_ENVELOPE) + 8
        stock = await asyncio.to_thread(Stock.made, Path(name) / "stock", count)
        for place, scenario in enumerate(chosen):
            folder = Path(name) / scenario
            folder.mkdir()
            if scenario == "urgent":
                jobs[scenario] = urgent(first + place, folder)
            else:
                settings = SCENARIOS[scenario][0]
                jobs[scenario] = carry(first + place, folder, settings, seconds[scenario], stock)
        found: dict[str, Any] = dict(zip(jobs, await asyncio.gather(*jobs.values()), strict=True))
    return summed(found)


def summed(found: dict[str, Any]) -> dict[str, Any]:
    """The keys that are asked for first, then everything."""
    carried = [found[name] for name in SCENARIOS if name in found]
    clean = found.get("clean") or (carried[0] if carried else {})
    return {
        "overhead": clean.get("overhead"),
        "lost": sum(one["lost"] for one in carried),
        "doubled": sum(one["doubled"] for one in carried),
        "urgent_s": found.get("urgent", {}).get("cold"),
        "load_average": os.getloadavg()[0],
        **found,
    }


def as_text(found: dict[str, Any]) -> str:
    rows = [f"{'scenario':<10}{'share':>8}{'of delivered':>14}{'overhead':>10}{'bytes/KiB':>11}{'up s':>8}{'cuts':>6}"]
    for name in SCENARIOS:
        if name in found:
            one = found[name]
            words = (one["share"], one["of_delivered"], one["overhead"], one["per_kib"], one["up_seconds"], one["cuts"])
            rows.append(
                name.ljust(10) + "".join(str(w).rjust(n) for w, n in zip(words, (8, 14, 10, 11, 8, 6), strict=True))
            )
    rows.append(f"lost {found['lost']}, doubled {found['doubled']}; an urgent record: {found.get('urgent')} s")
    return "\n".join(rows)


def main() -> int:
    asked = argparse.ArgumentParser(prog="hearth bench sync", description="Sealed records over bad lines.")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--quick", action="store_true", help="shorter runs: figures that swing")
    asked.add_argument(
        "--only", default="", help="scenarios, with commas between: " + ", ".join((*SCENARIOS, "urgent"))
    )
    asked.add_argument("--compare", action="store_true", help="rclone and restic over the same lines instead")
    chosen = asked.parse_args()
    if os.geteuid() != 0:
        sys.stderr.write("hearth bench sync makes network namespaces: run it as root.\n")
        return 1
    names = [name for name in chosen.only.split(",") if name] or [*SCENARIOS, "urgent"]
    if set(names) - {*SCENARIOS, "urgent"}:
        asked.error("unknown scenario")
    if chosen.compare:
        return _compare(chosen.json)
    found = asyncio.run(bench(names, chosen.quick))
    sys.stdout.write((json.dumps(found, indent=1) if chosen.json else as_text(found)) + "\n")
    return 0


def _compare(as_json: bool) -> int:
    from tests.load import sync_compare

    if not sync_compare.there():
        sys.stderr.write(sync_compare.MISSING + "\n")
        return 1
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        found = asyncio.run(sync_compare.compare(first_link(), Path(name)))
    sys.stdout.write((json.dumps(found, indent=1) if as_json else sync_compare.as_text(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
