"""`hearth hq give-back DIR --lost BOX --to BOX --reason WHY`: a lost box's records, sealed to the box in its place.

Needs the record key and the pack key, and no network: objects may be carried to a machine that has none and the packs
back. The records go down as packs of kind RETURNED, byte for byte as they came up. What was given is noted in
`returned/<lost>/<to>.json` before and after each pack, with who and why: a run that was cut short goes on, a second one
gives what came since, and a pack is made twice only if two people do this at the same moment; the box then knows it.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sync import content, envelope, keys, pack, suite
from sync.content import Record
from sync.envelope import Envelope
from sync.faults import SENTENCES, SyncFault
from sync.hq import folder as hq_folder
from sync.hq import packs
from sync.hq.cards import MAX_REASON, Card, Cards
from sync.hq.objects import Objects, numbered_path, open_objects
from sync.hq.opening import Opener
from sync.hq.walking import Trouble, walk
from sync.keys import BoxFacts
from sync.suite import SigningKey
from sync.terminal import DONE, FAILED, say, tell

GROUP_BYTES = 120_000  # of framed records in one pack: below what content version 1 takes
TRIES = 20  # against others who publish to the same box
CHAIN = 8  # boxes that took each other's place, one after another
Ranges = list[tuple[int, int]]  # of envelope numbers, both ends in, rising and apart


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that is being made: when it is in the store, `ranges` have been given."""

    number: int
    hash: str
    ranges: list[tuple[int, int]]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    by: str
    reason: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """`returned/<lost>/<to>.json`. `ranges`: envelopes whose records are in packs. `records`, `packs`: so far."""

    version: int = 1
    ranges: list[tuple[int, int]] = []
    begun: Begun | None = None
    records: int = 0
    packs: int = 0
    runs: list[Run] = []


@dataclass(slots=True)
class Told:
    """What a run did. `before`: records that earlier runs gave. `troubles`: envelopes that cannot be given."""

    records: int = 0
    packs: int = 0
    before: int = 0
    troubles: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Group:
    """Envelopes whose records go down together."""

    numbers: tuple[int, ...]
    records: tuple[Record, ...]


class Giver:
    """One giving back. `at` gives the time. Raises `hq_missing`, `bad_key_file`."""

    def __init__(self, folder: Path, at: Callable[[], datetime]) -> None:
        self._opener = Opener(folder)
        self._objects: Objects = open_objects(folder)
        self._cards = Cards(self._objects, folder)
        self._signing: SigningKey = hq_folder.pack_signing_key(folder)
        self._facts = hq_folder.public(folder)
        self._at = at

    async def give(self, lost: bytes, to: bytes, run: Run, *, force: bool = False) -> Told:
        """Raises `unknown_box`, `box_revoked`, `box_not_lost`, `no_inbox_key`, `bad_key_file`, `busy`, `hq_failed`."""
        card, heir = await self._checked(lost, to, force)
        if self._signing.public not in self._facts.pack_keys:
            raise SyncFault("bad_key_file")  # no box would believe it
        given = await self._resumed(lost, to)
        told = Told(before=given.records)
        given = await self._note(lost, to, given, runs=[*given.runs, run])
        async for group in self._groups(card.facts, given.ranges, told):
            parts = [part for records in _alone(group.records) for part in _fitting(records)]
            for left, part in zip(reversed(range(len(parts))), parts, strict=True):
                given = await self._send(lost, heir, given, part, group.numbers if not left else (), told)
        return told

    async def _checked(self, lost: bytes, to: bytes, force: bool) -> tuple[Card, BoxFacts]:
        card, heir = await self._cards.get(lost), await self._cards.get(to)
        if card is None or heir is None or lost == to:
            raise SyncFault("unknown_box")
        if heir.revoked:
            raise SyncFault("box_revoked")
        if not heir.facts.inbox_key:
            raise SyncFault("no_inbox_key")
        if not force and not await self._replaced(card, to):
            raise SyncFault("box_not_lost")
        return card, heir.facts

    async def _replaced(self, card: Card | None, to: bytes) -> bool:
        """Whether `to` took the lost box's place, or that of a box which did."""
        for _ in range(CHAIN):
            if card is None or not card.revoked or not card.replaced_by:
                return False
            if card.replaced_by == to:
                return True
            card = await self._cards.get(card.replaced_by)
        return False

    async def _groups(self, box: BoxFacts, ranges: Ranges, told: Told) -> AsyncIterator[_Group]:
        """The records that were not given yet, whole envelopes at a time."""
        numbers: list[int] = []
        records: list[Record] = []
        size = 0
        async for some in walk(self._objects, box, keys=self._facts.receipt_keys):
            for step in some.steps:
                if isinstance(step, Trouble):
                    told.troubles.append((step.sequence, step.code))
                if not isinstance(step, Envelope) or _has(ranges, step.sequence):
                    continue
                try:
                    found = self._open(step)
                except SyncFault as fault:
                    told.troubles.append((step.sequence, fault.code))
                    continue
                added = sum(content.framed_size(record) for record in found)
                if numbers and size + added > GROUP_BYTES:
                    yield _Group(tuple(numbers), tuple(records))
                    numbers, records, size = [], [], 0
                numbers.append(step.sequence)
                records += found
                size += added
        if numbers:
            yield _Group(tuple(numbers), tuple(records))

    def _open(self, found: Envelope) -> Sequence[Record]:
        key = self._opener.keys.get(found.key_id)
        if key is None:
            raise SyncFault("unknown_recipient")
        return envelope.open_records(found, key)

    async def _send(
        self, lost: bytes, heir: BoxFacts, given: Given, records: Sequence[Record], numbers: Sequence[int], told: Told
    ) -> Given:
        """The next pack of the heir, with `records`. With it the envelopes `numbers` have been given."""
        for _ in range(TRIES):
            number, previous = await packs.newest(self._objects, heir.box, self._facts.pack_keys)
            raw = pack.seal(
                records,
                kind=pack.RETURNED,
                box=heir.box,
                number=number + 1,
                previous=previous,
                inbox_key=heir.inbox_key,
                signing_key=self._signing,
                at=int(self._at().timestamp()),
                subject=lost,
            )
            begun = Begun(number=number + 1, hash=pack.parse(raw).hash.hex(), ranges=_with([], numbers))
            given = await self._note(lost, heir.box, given, begun=begun)
            if await packs.add(self._objects, heir.box, number + 1, raw, self._facts.pack_keys):
                told.records, told.packs = told.records + len(records), told.packs + 1
                return await self._note(
                    lost,
                    heir.box,
                    given,
                    begun=None,
                    ranges=_with(given.ranges, numbers),
                    records=given.records + len(records),
                    packs=given.packs + 1,
                )
        raise SyncFault("busy")

    async def _resumed(self, lost: bytes, to: bytes) -> Given:
        """What was given so far; a pack that was under way counts if it is in the store."""
        raw = await self._objects.get(_path(lost, to))
        if raw is None:
            return Given()
        try:
            given = msgspec.json.decode(raw, type=Given)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SyncFault("malformed_facts") from None
        if given.begun is None:
            return given
        path = numbered_path("packs", to, given.begun.number)
        stored = await self._objects.get(path)
        if stored is not None and suite.digest(stored).hex() == given.begun.hash:
            await self._objects.make_durable(path)  # before it is noted as given: the run may have died before that
            ranges = given.ranges
            for first, last in given.begun.ranges:
                ranges = _with(ranges, range(first, last + 1))
            given = msgspec.structs.replace(given, ranges=ranges, packs=given.packs + 1)
        return msgspec.structs.replace(given, begun=None)

    async def _note(self, lost: bytes, to: bytes, given: Given, **changes: object) -> Given:
        given = msgspec.structs.replace(given, **changes)
        await self._objects.replace(_path(lost, to), msgspec.json.format(msgspec.json.encode(given), indent=1))
        return given


def _path(lost: bytes, to: bytes) -> str:
    return f"returned/{lost.hex()}/{to.hex()}.json"


def _has(ranges: Ranges, number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _with(ranges: Ranges, numbers: Sequence[int]) -> Ranges:
    """The ranges with more numbers in them."""
    made: Ranges = []
    for first, last in sorted([*ranges, *((number, number) for number in numbers)]):
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return made


def _alone(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Lists in which each number stands once, rising: a box that was set back may have used one twice. The same record
    twice is one."""
    left = sorted(dict.fromkeys(records), key=lambda record: record.number)
    while left:
        taken: dict[int, Record] = {}
        for record in left:
            taken.setdefault(record.number, record)
        yield list(taken.values())
        left = [record for record in left if taken[record.number] is not record]


def _fitting(records: list[Record]) -> Iterator[list[Record]]:
    """Halved until each part fits into a pack."""
    try:
        whole = pack.HEADER.size + len(content.pack(records)) + 1_200 <= pack.MAX_PACK
    except SyncFault:
        whole = False
    if whole or len(records) == 1:
        yield records
        return
    middle = len(records) // 2
    yield from _fitting(records[:middle])
    yield from _fitting(records[middle:])


def run(chosen: argparse.Namespace) -> int:
    """Exit code 1 when some envelopes could not be given: what could be was."""
    lost, to = keys.box_from_text(chosen.lost), keys.box_from_text(chosen.to)
    reason = " ".join(chosen.reason.split())[:MAX_REASON]
    if lost is None or to is None:
        raise ValueError("--lost and --to are ids of boxes: 32 hexadecimal digits")
    if not reason:
        raise ValueError("give a reason: it stays at HQ")
    now = datetime.now(UTC)
    giver = Giver(chosen.folder, lambda: datetime.now(UTC))
    noted = Run(at=now.strftime("%Y-%m-%dT%H:%M:%SZ"), by=getpass.getuser(), reason=reason)
    told = asyncio.run(giver.give(lost, to, noted, force=chosen.force))
    _say(told, lost, to, as_json=chosen.json)
    return FAILED if told.troubles else DONE


def _say(told: Told, lost: bytes, to: bytes, *, as_json: bool) -> None:
    if as_json:
        troubles = [{"sequence": number, "trouble": code} for number, code in told.troubles]
        counts = {"records": told.records, "packs": told.packs, "before": told.before}
        tell(json.dumps({"lost": lost.hex(), "to": to.hex(), **counts, "troubles": troubles}))
        return
    tell(f"{told.records} records of box {lost.hex()[:8]} are in {told.packs} packs for box {to.hex()[:8]}.")
    if told.before:
        tell(f"{told.before} were given before.")
    for number, code in told.troubles:
        say(f"envelope {number} cannot be given: {SENTENCES.get(code, code)}", FAILED)
    tell("They go down by the line, or by a stick: hearth hq export.")
