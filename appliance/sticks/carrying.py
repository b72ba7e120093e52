"""From the store onto a stick and back, without asking anybody: `actions.py` asks, and tells how far it is.

What is on the stick whole stays there until HQ's receipt for it has come; what is not goes with the next export.
Reading is idempotent: a receipt settles once, a pack is taken once; what is not for this box is told and left alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Protocol

import msgspec

from appliance.faults import Fault
from appliance.outbox.actions import take_head
from appliance.outbox.rows import sealed_bytes
from appliance.policy import Actor
from appliance.sticks import rows
from appliance.sticks.rows import Due
from appliance.store.database import Database
from sync import bundle, envelope, pack, stick
from sync.bundle import Part
from sync.faults import SyncFault
from sync.keys import HqFacts
from sync.spool import DIGITS, Spool, read_bounded, write_whole
from sync.stick import Stick

MOST_REFUSED = 20  # told of one stick; more say nothing new


class Outbox(Protocol):
    """What seals; the Forwarder."""

    async def seal_all(self) -> int:
        """Seal everything that waits. How many segments were made."""

    def wake(self) -> None:
        """Look now."""

    async def adopt(self, actor: Actor, reason: str) -> object:
        """Go on after what HQ has."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken, and why (a SyncFault's code)."""

    name: str
    code: str


@dataclass(slots=True)
class Carried:
    """What came of one stick. Export: `segments` and `bytes` written, `there` were on it whole already. Import:
    `settled` segments have their receipt now, `packs` were taken; `others`: boxes with something on it besides this."""

    segments: int = 0
    bytes: int = 0
    there: int = 0
    settled: int = 0
    packs: int = 0
    others: int = 0
    nothing: bool = False
    refused: list[Refused] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def refuse(self, name: str, code: str) -> None:
        if len(self.refused) < MOST_REFUSED:
            self.refused.append(Refused(name, code))


Tell = Callable[[int, int], None]  # done, of how many; called from a thread


@dataclass(slots=True)
class Carrying:
    """One open store and its spool. `at` gives the time to note."""

    db: Database
    spool: Spool
    outbox: Outbox
    at: Callable[[], str]

    async def export(self, on: Stick, carried: Carried, tell: Tell) -> None:
        """Write what HQ has no receipt for. `carried` says how far it came, whatever is raised.

        Raises Fault `not_enrolled`; SyncFault `stick_missing`, `stick_full`, `stick_failed`, and those of a log that
        may not go on (`set_back`, `receipt_other_bytes`, `restored`).
        """
        await asyncio.to_thread(on.look)
        if (await self.db.write(rows.due)).hq is None:
            raise Fault("not_enrolled")
        await self.outbox.seal_all()
        due = await self.db.write(rows.due)
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._write, on, due, carried, tell, loop)

    async def take(self, on: Stick, carried: Carried, tell: Tell) -> None:
        """Read what HQ wrote for this box. Faults as `export`, but never `stick_full`."""
        due = await self.db.write(rows.due)
        if due.hq is None:
            raise Fault("not_enrolled")
        names, boxes = await asyncio.to_thread(lambda: (on.names("down", due.box), on.boxes("down")))
        carried.others = sum(box != due.box for box in boxes)
        carried.nothing = not names
        for done, name in enumerate(sorted(names, key=lambda one: one != stick.HEAD)):
            tell(done, len(names))
            try:
                found = await asyncio.to_thread(on.read, "down", due.box, name)
            except SyncFault as fault:
                if fault.code == "stick_failed":
                    raise
                carried.refuse(name, fault.code)
                continue
            for raw in found.of(bundle.RECEIPT):
                await self._settle(raw, due.hq, name, carried)
            for raw in found.of(bundle.PACK):
                await asyncio.to_thread(self._put_pack, raw, due, name, carried)
        self.outbox.wake()

    # -- writing, in a thread

    def _write(self, on: Stick, due: Due, carried: Carried, tell: Tell, loop: asyncio.AbstractEventLoop) -> None:
        newest = [Part(bundle.RECEIPT, due.receipt)] if due.receipt else []
        hello = Part(bundle.HELLO, self._hello(due))
        on.write("up", due.box, stick.HELLO, bundle.pack(bundle.UP, due.box, [hello, *newest]))

        def over(raw: bytes) -> bool:
            return self._is_settled(raw, due, loop)

        def segments() -> Iterator[tuple[int, bytes]]:
            for done, sequence in enumerate(due.unsettled):
                tell(done, len(due.unsettled))
                raw = asyncio.run_coroutine_threadsafe(self._sealed(sequence), loop).result()
                if raw is not None:
                    yield sequence, raw

        for one in on.renew("up", due.box, kind=bundle.ENVELOPE, head=newest, due=segments(), over=over):
            carried.segments += one.count
            carried.bytes += one.size
            carried.written += one.numbers
        carried.there = len(due.unsettled) - carried.segments

    async def _sealed(self, sequence: int) -> bytes | None:
        return await self.db.read(lambda tx: sealed_bytes(tx, sequence))

    def _is_settled(self, raw: bytes, due: Due, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether this is an envelope that this box sealed and HQ has. One of another life of the box is not: that may
        be the only copy."""
        try:
            found = envelope.parse(raw)
        except SyncFault:
            return False
        if found.box != due.box or found.sequence > due.settled:
            return False
        known = asyncio.run_coroutine_threadsafe(self._hash(found.sequence), loop).result()
        return known == found.hash

    async def _hash(self, sequence: int) -> bytes | None:
        return await self.db.read(lambda tx: rows.hash_of(tx, sequence))

    def _hello(self, due: Due) -> bytes:
        said = {"version": version("hearth"), "queued": due.queued, "oldest_at": due.oldest_at}
        return json.dumps({**said, "applied": self._applied()}).encode()

    def _applied(self) -> int:
        """The newest pack that the box took over, as the appliance tells its courier."""
        try:
            raw = read_bounded(self.spool.root / "packs.json", 4096)
            found = msgspec.json.decode(raw or b"{}", type=dict[str, int])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return 0
        return found.get("applied", 0)

    # -- reading

    async def _settle(self, raw: bytes, hq: HqFacts, name: str, carried: Carried) -> None:
        before = (await self.db.write(rows.due)).settled
        try:
            against = await self.db.write(lambda tx: take_head(tx, raw, hq, self.at()))
        except SyncFault as fault:
            against = fault.code
        if against:
            carried.refuse(name, against)
        carried.settled += (await self.db.write(rows.due)).settled - before

    def _put_pack(self, raw: bytes, due: Due, name: str, carried: Carried) -> None:
        """Into the spool, where the courier's go too. The applier checks again, and takes them in their order."""
        try:
            found = pack.parse(raw)
            pack.verify(found, due.hq.pack_keys if due.hq else (), due.box)
        except SyncFault as fault:
            carried.refuse(name, fault.code)
            return
        if found.number <= self._applied():
            return
        folder = self.spool.root / "down"
        try:
            folder.mkdir(mode=0o770, exist_ok=True)
            write_whole(folder / f"{found.number:0{DIGITS}d}.pack", raw)
        except OSError:
            raise SyncFault("spool_failed") from None
        carried.packs += 1
