"""Opens what HQ holds: verifies each box's chain and signatures, yields records and troubles, or fills a target.

Needs HQ's opening key and the objects, no network of its own: it may run on a machine that has none. A target (`into/`)
remembers how far it came, so a run that was killed goes on; what could not be read is looked at again by every run,
since a newer version or another key may read it.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sync import envelope, suite
from sync.checkpoint import Checkpoint, root
from sync.content import Record
from sync.envelope import MAX_SEQUENCE, Envelope, key_id
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import roll
from sync.hq.objects import Objects, open_objects
from sync.hq.walking import Growth, Position, Slice, Trouble, walk, walk_all
from sync.keys import BoxFacts

BATCH_RECORDS = 2000  # records that a target takes at once
BATCH_BYTES = 8 * 1024 * 1024
MAX_NUMBER = 2**63 - 1  # of a record: what every database keeps
# What another look may mend: a newer version of ours, a key that was fetched, an object that was brought back.
AGAIN = frozenset(
    (
        "hole",
        "unsupported_version",
        "unknown_recipient",
        "cannot_open",
        "bad_signature",
        "too_large",
        "malformed_envelope",
        "malformed_content",
    )
)

RecordKeys = Mapping[bytes, suite.RecordKey]  # by key id


@dataclass(frozen=True, slots=True)
class Opened:
    """One record of envelope `sequence` of a box."""

    box: bytes
    sequence: int
    record: Record

    @property
    def digest(self) -> bytes:
        """Of class, time and body: what must be the same when one number comes twice."""
        named = f"{self.record.record_class}\n{self.record.at}\n".encode()
        return suite.digest(named + self.record.body)


@dataclass(frozen=True, slots=True)
class Reached:
    """The end of a box's log. `checkpoint.size` envelopes follow on each other; compare its root with a receipt's."""

    box: bytes
    checkpoint: Checkpoint


Finding = Opened | Trouble | Reached


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one box's log for a target. `troubles` take the place of what the target knew of the envelopes from
    `first` to `last`. `position` is None for a piece that was looked at again."""

    box: bytes
    opened: tuple[Opened, ...]
    troubles: tuple[Trouble, ...]
    position: Position | None
    first: int
    last: int


class Target(Protocol):
    """Where records go. `take` keeps all of its parts with their positions, or nothing."""

    def positions(self) -> Mapping[bytes, Position]:
        """How far each box was taken."""

    def troubles(self) -> Sequence[Trouble]:
        """What is known to be wrong."""

    def take(self, parts: Sequence[Part]) -> Sequence[Trouble]:
        """Keep the parts. Returns the troubles that only a target can see: conflicts, bodies unlike their class."""


@dataclass(slots=True)
class Tally:
    """What a run did. `records` counts those that it read, again or not."""

    boxes: int = 0
    envelopes: int = 0
    records: int = 0
    troubles: int = 0


class Opener:
    """HQ's store with its opening keys. Raises `hq_missing` or `bad_key_file`."""

    def __init__(self, folder: Path) -> None:
        self.facts = hq_folder.public(folder)
        self.keys: RecordKeys = {key_id(key.public): key for key in hq_folder.record_keys(folder)}
        self.objects: Objects = open_objects(folder)
        self.folder = folder

    async def findings(self) -> AsyncIterator[Finding]:
        """All boxes by id, their records in order, from the first envelope on."""
        boxes, damaged = await self._boxes()
        for trouble in damaged:
            yield trouble
        growth = Growth()
        async for some in self._walk(boxes, {}):
            for step in some.steps:
                growth.add(step)
            for finding in await asyncio.to_thread(_opened, some, self.keys):
                yield finding
            if some.ended:
                yield Reached(some.box.box, growth.tree)
                growth = Growth()

    async def into(self, target: Target) -> Tally:
        """Everything new, and once more what was wrong, into a target."""
        boxes, damaged = await self._boxes()
        tally = Tally(boxes=len(boxes), troubles=len(damaged))
        known = await asyncio.to_thread(target.positions)
        wrong = [one for one in await asyncio.to_thread(target.troubles) if one.code in AGAIN and not one.number]
        batch: list[Part] = []
        async for part in self._parts(boxes, known, wrong):
            batch.append(part)
            tally.envelopes += len({one.sequence for one in part.opened})
            tally.records += len(part.opened)
            if _full(batch):
                tally.troubles += await _give(target, batch)
                batch = []
        tally.troubles += await _give(target, batch)
        return tally

    async def _parts(
        self, boxes: Sequence[BoxFacts], known: Mapping[bytes, Position], wrong: Sequence[Trouble]
    ) -> AsyncIterator[Part]:
        by_box = {box.box: box for box in boxes}
        for trouble in wrong:
            box, position = by_box.get(trouble.box), known.get(trouble.box, Position())
            if box is not None and trouble.end <= position.sequence:  # what is behind it is read anyway
                async for part in self._again(box, trouble):
                    yield part
        async for some in self._walk(boxes, known):
            start = known.get(some.box.box, Position()).sequence + 1 if some.first else 0
            if some.steps or some.first:
                yield await asyncio.to_thread(_part, some, self.keys, start or MAX_SEQUENCE, MAX_SEQUENCE)

    async def _again(self, box: BoxFacts, trouble: Trouble) -> AsyncIterator[Part]:
        first, last = trouble.sequence, trouble.end
        start = Position(first - 1, b"")
        async for some in walk(self.objects, box, start, self.facts.receipt_keys, until=last):
            part = await asyncio.to_thread(_part, some, self.keys, first if some.first else last, last)
            yield Part(part.box, part.opened, part.troubles, None, part.first if some.first else 0, last)

    async def _boxes(self) -> tuple[Sequence[BoxFacts], Sequence[Trouble]]:
        called = await roll.call(self.objects, self.folder)
        damaged = [Trouble(box, 0, code) for box, code in called.damaged]
        return [card.facts for card in called.cards], damaged

    def _walk(self, boxes: Sequence[BoxFacts], known: Mapping[bytes, Position]) -> AsyncIterator[Slice]:
        logs = ((box, known.get(box.box, Position())) for box in boxes)
        return walk_all(self.objects, logs, self.facts.receipt_keys)


def open_all(folder: Path) -> Iterator[Finding]:
    """`Opener.findings` for a caller that awaits nothing, in a thread of its own. Holds all of them in memory."""

    async def gather() -> list[Finding]:
        return [finding async for finding in Opener(folder).findings()]

    with ThreadPoolExecutor(1) as thread:
        yield from thread.submit(lambda: asyncio.run(gather())).result()


def _full(batch: Sequence[Part]) -> bool:
    records = [one.record for part in batch for one in part.opened]
    return len(records) >= BATCH_RECORDS or sum(len(record.body) for record in records) >= BATCH_BYTES


async def _give(target: Target, batch: Sequence[Part]) -> int:
    if not batch:
        return 0
    seen = await asyncio.to_thread(target.take, batch)
    return len(seen) + sum(len(part.troubles) for part in batch)


def _part(some: Slice, keys: RecordKeys, first: int, last: int) -> Part:
    found = list(_open(some, keys))
    opened = tuple(one for one in found if isinstance(one, Opened))
    troubles = tuple(one for one in found if isinstance(one, Trouble))
    return Part(some.box.box, opened, troubles, some.position, first, last)


def _opened(some: Slice, keys: RecordKeys) -> Sequence[Opened | Trouble]:
    return list(_open(some, keys))


def _open(some: Slice, keys: RecordKeys) -> Iterator[Opened | Trouble]:
    for step in some.steps:
        if isinstance(step, Trouble):
            yield step
        elif isinstance(step, Envelope):
            yield from _records(step, keys)


def _records(found: Envelope, keys: RecordKeys) -> Iterable[Opened | Trouble]:
    try:
        key = keys.get(found.key_id)
        if key is None:
            raise SyncFault("unknown_recipient")
        records = envelope.open_records(found, key)
        if any(record.number > MAX_NUMBER for record in records):
            raise SyncFault("malformed_content")
        return [Opened(found.box, found.sequence, record) for record in records]
    except SyncFault as fault:
        return [Trouble(found.box, found.sequence, fault.code)]


def as_json(finding: Finding) -> str:
    """One line. A record's body stays JSON if it is JSON, else base64."""
    match finding:
        case Opened(box, sequence, record):
            fields = {"box": box.hex(), "sequence": sequence, "number": record.number, "at": record.at}
            return json.dumps({**fields, "class": record.record_class, **_body(record.body)})
        case Trouble(box, sequence, code):
            return json.dumps({"box": box.hex(), "sequence": sequence, "last": finding.end, "trouble": code})
        case Reached(box, checkpoint):
            return json.dumps({"box": box.hex(), "size": checkpoint.size, "root": root(checkpoint).hex()})


def as_text(finding: Finding) -> str:
    """One line for a person."""
    match finding:
        case Opened(box, sequence, record):
            what = f"{record.number} {record.at} {record.record_class}"
            return f"box {box.hex()[:8]}  envelope {sequence}  record {what}  {json.dumps(_body(record.body))}"
        case Trouble(box, sequence, code):
            which = f"envelope {sequence}" if finding.end == sequence else f"envelopes {sequence} to {finding.end}"
            return f"box {box.hex()[:8]}  {which}  WRONG: {code}"
        case Reached(box, checkpoint):
            return f"box {box.hex()[:8]}  {checkpoint.size} envelopes, root {root(checkpoint).hex()}"


def _body(body: bytes) -> dict[str, object]:
    try:
        return {"body": json.loads(body)}
    except (ValueError, RecursionError):
        return {"body_base64": base64.b64encode(body).decode("ascii")}
