"""`hq verify`: holds all that HQ has of its boxes against signatures, chains, receipts, packs and their own audits.

Needs no opening key; with it, what is inside is held to its word too: audit checkpoints, records that came twice, which
packs the boxes say they applied. Every thing that is wrong is named with its box and range. Changes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sync import envelope, keys, pack, receipt, suite
from sync.checkpoint import Checkpoint
from sync.envelope import NO_PREVIOUS, Envelope, key_id
from sync.faults import SENTENCES, SyncFault
from sync.hq import checkpoints, holes, roll
from sync.hq import folder as hq_folder
from sync.hq.cards import Card
from sync.hq.objects import Objects, open_objects
from sync.hq.walking import START, Accepted, Growth, Slice, Trouble, walk_all
from sync.keys import HqFacts
from sync.receipt import MAX_RECEIPT, Receipt
from sync.spool import DIGITS, read_bounded

ENDING = 16  # boxes whose last questions are asked side by side
_BESIDE = ("alarms", "torn/boxes", "holes", "packs")
# What is not wrong but worth telling. Everything else makes the exit code 1.
NOTES = frozenset(("accepted_hole", "torn", "doubled", "fork_settled", "checkpoint_back_adopted"))
WORDS: dict[str, str] = {
    "hole": "missing",
    "accepted_hole": "missing, accepted by a person; its hash is known",
    "chain": "does not follow the one before",
    "not_an_envelope": "a name that is no envelope's",
    "unknown_box": "objects of a box that is not enrolled",
    "fork": "a second envelope with this number was offered: the box was set back or copied",
    "fork_settled": "a fork that the box has settled: its log was taken up again",
    "torn": "torn bytes were set aside, the whole envelope took their place",
    "receipt_differs": "HQ signed a receipt for other envelopes than are here",
    "receipt_beyond": "HQ signed a receipt for more envelopes than are here without a hole",
    "receipt_unusable": "a receipt on record that does not verify",
    "marker_unusable": "the marker of an accepted hole does not verify",
    "pack_hole": "a pack is missing",
    "pack_chain": "a pack does not follow the one before",
    "pack_unusable": "a pack that does not verify",
    "pack_other": "the box applied another pack than is here",
    "card_damaged": "the box's card cannot be read",
    "checkpoint_forged": "an audit checkpoint that the box did not sign",
    "checkpoint_back": "the box's audit went back",
    "checkpoint_back_adopted": "the box's audit went back when its log was taken up again after a loss",
    "checkpoint_missing": "an audit checkpoint is missing before this one",
    "checkpoint_differs": "the box's audit does not continue the one before",
    "conflict": "a record number came twice with other content",
    "doubled": "a record came twice with the same content",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`first` to `last`: envelopes, for codes that begin with `pack` packs, for `conflict` and `doubled` records."""

    box: bytes
    code: str
    first: int = 0
    last: int = 0
    detail: str = ""

    @property
    def wrong(self) -> bool:
        return self.code not in NOTES


@dataclass(frozen=True, slots=True)
class Report:
    """One box is through: how many envelopes it has, and its tree as far as it is whole."""

    box: bytes
    envelopes: int
    tree: Checkpoint


@dataclass(slots=True)
class _Log:
    """What is gathered of one box while its log goes by."""

    card: Card
    receipts: Sequence[Receipt]
    growth: Growth = field(default_factory=Growth)
    trees: dict[int, Checkpoint] = field(default_factory=dict)
    hashes: dict[int, bytes] = field(default_factory=dict)
    envelopes: int = 0
    found: list[Finding] = field(default_factory=list)
    told: list[checkpoints.Told] = field(default_factory=list)
    records: dict[int, bytes] = field(default_factory=dict)  # 32 bytes for each record of one box
    opened: int = 0
    adopted: int = 0  # the last envelope with a record that the log was taken up again
    applied: dict[int, str] = field(default_factory=dict)


class Verifier:
    """HQ's store. `receipts`: a folder with receipts that boxes handed back (`*.receipt`), e.g. from a stick."""

    def __init__(self, folder: Path, receipts: Path | None = None) -> None:
        self.facts: HqFacts = hq_folder.public(folder)
        self.objects: Objects = open_objects(folder)
        self.folder = folder
        self._outside = _receipts_in(receipts) if receipts else {}
        self._keys: Mapping[bytes, suite.RecordKey] = _opening_keys(folder)
        self._beside: Mapping[str, Mapping[str, list[str]]] = {}
        self._pack_keys = (*self.facts.pack_keys, *_older_pack_keys(folder))

    @property
    def opens(self) -> bool:
        """Whether an opening key is here, so that what is inside is looked at too."""
        return bool(self._keys)

    async def all(self, only: bytes = b"", since: datetime | None = None) -> AsyncIterator[Finding | Report]:
        """Every box, or one. `since`: only boxes of which something came after that, by the store's clock."""
        called = await roll.call(self.objects, self.folder)
        for box, code in called.damaged:
            yield Finding(box, "card_damaged", detail=code)
        cards = {card.facts.box: card for card in called.cards if not only or card.facts.box == only}
        if not only:
            fresh, strangers = await self._listed({*cards, *(box for box, _ in called.damaged)}, since)
            for stranger in strangers:
                yield stranger
            cards = {box: card for box, card in cards.items() if since is None or box in fresh}
        self._beside = await self._names(only)
        async for finding in self._walked(cards):
            yield finding

    async def _listed(self, known: set[bytes], since: datetime | None) -> tuple[set[bytes], list[Finding]]:
        """One listing of all envelopes: whose are new, and what belongs to nobody."""
        fresh: set[bytes] = set()
        strange: Counter[str] = Counter()
        async for entry in self.objects.entries("boxes"):
            name = entry.path.split("/", 2)[1]
            box = keys.box_from_text(name)
            if box is None or box not in known:
                strange[name[:64]] += 1
            elif since is None or entry.modified >= since:
                fresh.add(box)
        found = [
            Finding(keys.box_from_text(name) or b"", "unknown_box", detail=f"{name}: {count} objects")
            for name, count in sorted(strange.items())
        ]
        return fresh, found

    async def _names(self, only: bytes) -> Mapping[str, Mapping[str, list[str]]]:
        """What lies beside the envelopes, kind by kind and box by box: one listing each, not one for every box."""
        found: dict[str, dict[str, list[str]]] = {}
        for kind in _BESIDE:
            by_box = found.setdefault(kind, {})
            async for entry in self.objects.entries(f"{kind}/{only.hex()}" if only else kind):
                box, _, name = entry.path.removeprefix(f"{kind}/").partition("/")
                by_box.setdefault(box, []).append(name)
        return found

    async def _walked(self, cards: Mapping[bytes, Card]) -> AsyncIterator[Finding | Report]:
        logs = ((card.facts, START) for card in cards.values())
        heads = await roll.side_by_side(self.objects.get, [f"heads/{box.hex()}" for box in cards])
        kept = dict(zip(cards, heads, strict=True))
        ending: deque[asyncio.Task[list[Finding | Report]]] = deque()
        log: _Log | None = None
        try:
            async for some in walk_all(self.objects, logs, self.facts.receipt_keys):
                if some.first or log is None:
                    log = self._begun(cards[some.box.box], kept[some.box.box])
                await asyncio.to_thread(self._slice, log, some)
                if some.ended:
                    ending.append(asyncio.create_task(self._ended(log)))
                    while len(ending) > ENDING:
                        for finding in await ending.popleft():
                            yield finding
            while ending:
                for finding in await ending.popleft():
                    yield finding
        finally:
            for task in ending:
                task.cancel()

    async def _ended(self, log: _Log) -> list[Finding | Report]:
        report = Report(log.card.facts.box, log.envelopes, log.growth.tree)
        return [*log.found, *_against_receipts(log), *await self._around(log), report]

    def _slice(self, log: _Log, some: Slice) -> None:
        log.found.extend(Finding(some.box.box, "not_an_envelope", detail=name[:64]) for name in some.strangers)
        wanted = {one.size for one in log.receipts}
        for step in some.steps:
            log.growth.add(step)
            if log.growth.tree.size in wanted:
                log.trees.setdefault(log.growth.tree.size, log.growth.tree)
            if isinstance(step, Trouble):
                log.found.append(Finding(step.box, step.code, step.sequence, step.end))
                continue
            if step.sequence in wanted:
                log.hashes[step.sequence] = step.hash
            if isinstance(step, Accepted):
                log.found.append(Finding(some.box.box, "accepted_hole", step.sequence, step.sequence, step.hash.hex()))
            else:
                log.envelopes += 1
                self._inside(log, step)

    def _inside(self, log: _Log, found: Envelope) -> None:
        if not self._keys:
            return
        key = self._keys.get(found.key_id)
        try:
            if key is None:
                raise SyncFault("unknown_recipient")
            records = envelope.open_records(found, key)
        except SyncFault as fault:
            log.found.append(Finding(found.box, fault.code, found.sequence, found.sequence))
            return
        for record in records:
            digest = suite.digest(f"{record.record_class}\n{record.at}\n".encode() + record.body)
            if log.records.setdefault(record.number, digest) != digest:
                log.found.append(Finding(found.box, "conflict", record.number, record.number))
            log.opened += 1
            _told(log, found, record.record_class, record.body, record.number)

    def _begun(self, card: Card, kept: bytes | None) -> _Log:
        """With the receipts on record against the objects: HQ's own last one, and those from outside."""
        box, good, bad = card.facts.box, list[Receipt](), list[Finding]()
        for raw in [*([] if kept is None else [kept]), *(one.raw for one in self._outside.get(box, ()))]:
            try:
                one = receipt.parse(raw)
                receipt.verify(one, self.facts.receipt_keys, box)
                good.append(one)
            except SyncFault as fault:
                bad.append(Finding(box, "receipt_unusable", detail=fault.code))
        return _Log(card, good, found=bad)

    async def _around(self, log: _Log) -> list[Finding]:
        """What lies beside the envelopes: alarms, torn bytes, markers, packs; and the box's audit."""
        box, found = log.card.facts.box, list[Finding]()
        for name in self._names_of("alarms", box):
            number = int(name[:DIGITS]) if name[:DIGITS].isdecimal() else 0
            code = "fork_settled" if log.adopted >= number > 0 else "fork"
            found.append(Finding(box, code, number, number, await self._alarm(f"alarms/{box.hex()}/{name}")))
        found.extend(Finding(box, "torn", detail=name) for name in self._names_of("torn/boxes", box))
        for name in self._names_of("holes", box):
            path = f"holes/{box.hex()}/{name}"
            if await holes.accepted_at(self.objects, box, path, self.facts.receipt_keys) is None:
                found.append(Finding(box, "marker_unusable", detail=name))
        found.extend([finding async for finding in self._packs(log)])
        conflicts = sum(one.code == "conflict" for one in log.found)
        if (again := log.opened - len(log.records) - conflicts) > 0:
            found.append(Finding(box, "doubled", detail=f"{again} times"))
        for one, code in checkpoints.compare(log.told):
            found.append(Finding(box, code, one.sequence, one.sequence, f"checkpoint {one.place}, {one.size} entries"))
        return found

    def _names_of(self, kind: str, box: bytes) -> Sequence[str]:
        return self._beside.get(kind, {}).get(box.hex(), ())

    async def _alarm(self, path: str) -> str:
        try:
            fields = json.loads(await self.objects.get(path) or b"")
            return f"{fields['at']} offered {fields['offered'][:16]}, here {fields['stored'][:16] or 'nothing'}"
        except (ValueError, KeyError, TypeError):
            return path.rpartition("/")[2]

    async def _packs(self, log: _Log) -> AsyncIterator[Finding]:
        box, number, last = log.card.facts.box, 0, NO_PREVIOUS
        names = [name for name in self._names_of("packs", box) if name.isascii() and name.isdigit()]
        raws = await roll.side_by_side(self.objects.get, [f"packs/{box.hex()}/{name}" for name in names])
        for name, raw in zip(names, raws, strict=True):
            if int(name) != number + 1:
                yield Finding(box, "pack_hole", number + 1, int(name) - 1)
                last = b""
            number = int(name)
            try:
                found = pack.parse(raw or b"")
                pack.verify(found, self._pack_keys, box)
            except SyncFault as fault:
                yield Finding(box, "pack_unusable", number, number, fault.code)
                last = b""
                continue
            if found.number != number or (last and found.previous != last):
                yield Finding(box, "pack_chain", number, number)
            if log.applied.get(number, found.hash.hex()) != found.hash.hex():
                yield Finding(box, "pack_other", number, number)
            last = found.hash
        if log.applied and max(log.applied) > number:
            yield Finding(box, "pack_hole", number + 1, max(log.applied))


def _told(log: _Log, found: Envelope, record_class: str, body: bytes, number: int) -> None:
    """What a box says of itself in its records."""
    box = log.card.facts
    if record_class == "audit_checkpoint":
        told = checkpoints.read(body, number, found.sequence, box.box, box.verify_key)
        if told is None:
            log.found.append(Finding(box.box, "checkpoint_forged", found.sequence, found.sequence))
        else:
            log.told.append(told)
    elif record_class == "log_adopted":
        log.adopted = found.sequence
    elif record_class == "pack_applied":
        try:
            fields = json.loads(body)
            log.applied[int(fields["number"])] = str(fields["hash"])
        except (ValueError, KeyError, TypeError, RecursionError):
            log.found.append(Finding(box.box, "malformed_content", found.sequence, found.sequence))


def _against_receipts(log: _Log) -> Iterator[Finding]:
    box = log.card.facts.box
    for one in log.receipts:
        tree = log.trees.get(one.size)
        if tree is not None and (tree != one.checkpoint or log.hashes.get(one.size, one.last) != one.last):
            yield Finding(box, "receipt_differs", 1, one.size)
        elif tree is None:
            whole = log.growth.tree.size
            yield Finding(box, "receipt_beyond", whole + 1, one.size, f"without a hole up to {whole}")


def _receipts_in(folder: Path) -> dict[bytes, list[Receipt]]:
    """Receipts that lie in a folder and below; what is none is passed over: a stick holds all sorts of things."""
    found: dict[bytes, list[Receipt]] = {}
    for path in sorted(folder.rglob("*.receipt")):
        raw = read_bounded(path, MAX_RECEIPT)
        try:
            one = receipt.parse(raw or b"")
        except SyncFault:
            continue
        found.setdefault(one.box, []).append(one)
    return found


def _opening_keys(folder: Path) -> Mapping[bytes, suite.RecordKey]:
    """None on a machine that does not have them."""
    if not (folder / "keys" / "record.key").exists():
        return {}
    return {key_id(key.public): key for key in hq_folder.record_keys(folder)}


def _older_pack_keys(folder: Path) -> Sequence[bytes]:
    """Those that are no longer published: old packs still bear their signatures."""
    found = []
    for path in sorted((folder / "keys").glob("packs*.key")):
        try:
            found.append(suite.SigningKey(path.read_bytes()).public)
        except (OSError, SyncFault):
            continue
    return found


def as_json(found: Finding | Report) -> str:
    """One line."""
    if isinstance(found, Report):
        return json.dumps({"box": found.box.hex(), "envelopes": found.envelopes, "whole": found.tree.size})
    fields: dict[str, object] = {"box": found.box.hex(), "finding": found.code, "wrong": found.wrong}
    return json.dumps(fields | {"first": found.first, "last": found.last, "detail": found.detail})


def as_text(found: Finding) -> str:
    """One line for a person."""
    kind = "pack" if found.code.startswith("pack") else "record" if found.code == "conflict" else "envelope"
    many = f"{kind}s {found.first} to {found.last}" if found.last > found.first else f"{kind} {found.first}"
    what = WORDS.get(found.code) or SENTENCES.get(found.code, found.code)
    about = f" ({found.detail})" if found.detail else ""
    which = f"{many}: " if found.first else ""
    return f"{'WRONG' if found.wrong else 'note '}  box {found.box.hex()[:8]}  {which}{what}{about}"
