"""HQ's end of a stick: takes what boxes wrote on it, writes receipts and packs for them. `hearth hq import|export`.

Envelopes go the same way as from the line, through the server's own intake. Whatever is wrong with one box's folder is
told, and the next box's is gone on with.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from sync import bundle, envelope, pack, receipt, stick
from sync.bundle import Part
from sync.envelope import MAX_SEQUENCE
from sync.faults import SENTENCES, SyncFault
from sync.hq import packs
from sync.hq.objects import Objects, numbered_path
from sync.receipt import Receipt
from sync.stick import Stick

# After these the rest of that box's log cannot be taken either.
_ENDS = ("gap", "fork", "receipt_needed", "receipt_store_differs", "unknown_box", "box_revoked", "hq_failed")


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a box says of itself, on the line and on a stick. Unknown fields are borne."""

    version: str = ""
    queued: int = 0
    oldest_at: str = ""
    applied: int = 0
    certificate_ends: str = ""


class Intake(Protocol):
    """What takes an envelope at the line too, and what HQ has in its hands for one box."""

    @property
    def receipt_keys(self) -> Sequence[bytes]: ...
    @property
    def pack_keys(self) -> Sequence[bytes]: ...
    @property
    def objects(self) -> Objects: ...
    async def take(self, box: bytes, raw: bytes, handed: bytes) -> tuple[str, bytes]:
        """Store an envelope of `box` on top of what `handed` says; "accept" or "duplicate", and the receipt."""

    async def head(self, box: bytes) -> bytes | None:
        """The newest receipt that can be signed; None when nothing is there. Raises `unknown_box`, `box_revoked`."""

    async def heard(self, box: bytes, hello: bytes) -> None:
        """Keep what the box said of itself, "" for nothing, and that it was heard."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file, or with `name` "" a whole box, of which something was not taken, and why (a SyncFault's code)."""

    name: str
    code: str


@dataclass(slots=True)
class Told:
    """What came of one box's folder. `new`, `known`: envelopes; `size`: how many HQ has of it now; `packs`: written."""

    box: bytes
    new: int = 0
    known: int = 0
    size: int = 0
    packs: int = 0
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, name: str, fault: SyncFault) -> None:
        self.refused.append(Refused(name, fault.code))


async def import_all(hq: Intake, on: Stick) -> AsyncIterator[Told]:
    """Take what every box wrote on the stick. Raises `stick_missing` and `stick_failed` only."""
    for box in await asyncio.to_thread(on.boxes, "up"):
        told = Told(box)
        try:
            await _import(hq, on, told)
        except SyncFault as fault:
            if fault.code in ("stick_missing", "stick_failed"):
                raise
            told.refuse("", fault)
        yield told


async def export(hq: Intake, on: Stick, box: bytes) -> Told:
    """Write the newest receipt and the packs that this box lacks. Raises `stick_missing`, `stick_full` or
    `stick_failed`."""
    told = Told(box)
    try:
        signed = await hq.head(box)
    except SyncFault as fault:
        told.refuse("", fault)
        return told
    if signed is not None:
        told.size = receipt.parse(signed).size
        raw = bundle.pack(bundle.DOWN, box, [Part(bundle.RECEIPT, signed)])
        await asyncio.to_thread(on.write, "down", box, stick.HEAD, raw)
    applied = min(max(0, (await asyncio.to_thread(_hello, on, box)).applied), MAX_SEQUENCE)
    numbers = [
        int(name)
        async for entry in hq.objects.entries(f"packs/{box.hex()}", numbered_path("packs", box, applied))
        if (name := entry.path.rpartition("/")[2]).isdecimal()
    ]
    loop = asyncio.get_running_loop()

    def due() -> Iterator[tuple[int, bytes]]:
        """One at a time: a library of recordings is larger than this machine's memory may be."""
        for number in numbers:
            fetching = packs.fetch(hq.objects, box, number, hq.pack_keys)
            raw = asyncio.run_coroutine_threadsafe(fetching, loop).result()
            if raw is None:  # torn by a power cut, or damaged: what follows it can wait for it
                told.refuse(f"pack {number}", SyncFault("malformed_pack"))
                return
            yield number, raw

    def over(raw: bytes) -> bool:
        return _is_applied(raw, hq.pack_keys, box, applied)

    def write() -> int:
        made = on.renew("down", box, kind=bundle.PACK, head=(), due=due(), over=over)
        return sum(one.count for one in made)

    try:
        told.packs = await asyncio.to_thread(write)
    except SyncFault as fault:
        if fault.code in ("stick_missing", "stick_full", "stick_failed"):
            raise
        told.refuse("", fault)
    return told


async def _import(hq: Intake, on: Stick, told: Told) -> None:
    """What the box says of itself nobody signed, and a stick can be read twice: it was heard when something new came
    that it did sign."""
    hello: list[bytes] = []
    try:
        await _envelopes(hq, on, told, hello)
    finally:
        if told.new:
            await hq.heard(told.box, hello[0] if hello else b"{}")


async def _envelopes(hq: Intake, on: Stick, told: Told, hello: list[bytes]) -> None:
    handed = b""
    for name in sorted(await asyncio.to_thread(on.names, "up", told.box), key=lambda one: one != stick.HELLO):
        try:
            found = await asyncio.to_thread(on.read, "up", told.box, name)
        except SyncFault as fault:
            if fault.code == "stick_failed":
                raise
            told.refuse(name, fault)
            continue
        handed = _newest(hq, told, name, found.of(bundle.RECEIPT), handed)
        hello += found.of(bundle.HELLO)[:1]
        for raw in found.of(bundle.ENVELOPE):
            try:
                handed = await _take(hq, told, raw, handed)
            except SyncFault as fault:
                told.refuse(name, fault)
                if fault.code in _ENDS:
                    return


async def _take(hq: Intake, told: Told, raw: bytes, handed: bytes) -> bytes:
    """The receipt to go on with: the newest of the two."""
    if envelope.parse(raw).box != told.box:
        raise SyncFault("bundle_other_box")
    word, signed = await hq.take(told.box, raw, handed)
    told.new, told.known = told.new + (word == "accept"), told.known + (word != "accept")
    newest = max((one for one in (signed, handed) if one), key=lambda one: receipt.parse(one).size)
    told.size = receipt.parse(newest).size
    return newest


def _newest(hq: Intake, told: Told, name: str, receipts: Sequence[bytes], handed: bytes) -> bytes:
    """The newest receipt of ours for this box; another HQ's is told."""
    size = receipt.parse(handed).size if handed else 0
    for raw in receipts:
        try:
            found = _verified(raw, hq.receipt_keys, told.box)
        except SyncFault as fault:
            told.refuse(name, fault)
            continue
        if found.size > size:
            handed, size = raw, found.size
    return handed


def _verified(raw: bytes, receipt_keys: Sequence[bytes], box: bytes) -> Receipt:
    found = receipt.parse(raw)
    receipt.verify(found, receipt_keys, box)
    return found


def _hello(on: Stick, box: bytes) -> Hello:
    """What the box said; nothing known when it said nothing readable."""
    try:
        found = on.read("up", box, stick.HELLO).of(bundle.HELLO)
        return msgspec.json.decode(found[0] if found else b"{}", type=Hello)
    except (SyncFault, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Hello()


def _is_applied(raw: bytes, pack_keys: Sequence[bytes], box: bytes, applied: int) -> bool:
    """Whether this is a pack of ours that the box has applied."""
    try:
        found = pack.parse(raw)
        pack.verify(found, pack_keys, box)
    except SyncFault:
        return False
    return found.number <= applied


def as_json(told: Told) -> str:
    """One line."""
    refused = [{"file": one.name, "code": one.code} for one in told.refused]
    counts = {"new": told.new, "known": told.known, "size": told.size, "packs": told.packs}
    return json.dumps({"box": told.box.hex(), **counts, "refused": refused})


def as_text(told: Told, direction: str) -> list[str]:
    """Lines for a person: what was done, then every refusal with its sentence."""
    done = f"{told.new} new, {told.known} known already" if direction == "import" else f"{told.packs} packs written"
    first = f"box {told.box.hex()[:8]}  {done}, HQ has {told.size}"
    return [first, *(f"  not taken: {one.name or 'this box'}: {SENTENCES[one.code]}" for one in told.refused)]
