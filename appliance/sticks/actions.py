"""A stick is written or read because a person asks: one at a time, beside the box's other work, told as it goes on.

`begin` answers at once; `told` says how far it is and what came of the last one. Nothing here fails the box: it keeps
everything until HQ's receipt is in its store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from appliance import clock
from appliance.copies import places
from appliance.copies.places import Place
from appliance.faults import Fault
from appliance.home import Home
from appliance.policy import Actor, Facts, decide
from appliance.sticks import rows
from appliance.sticks.carrying import Carried, Carrying, Outbox, Refused
from appliance.store.database import Database
from sync.faults import SyncFault
from sync.spool import Spool, write_whole
from sync.stick import Stick

log = logging.getLogger(__name__)

Way = Literal["export", "import"]
NOW = "now"  # in the spool: ends the courier's wait, which then removes it
END_SECONDS = 1.0  # of the two that `hearth up` gives the appliance to end


@dataclass(frozen=True, slots=True)
class Told:
    """Field by field as `control.types.StickState` tells it."""

    step: Literal["", "writing", "reading"] = ""
    percent: int = 0
    way: Literal["", "export", "import"] = ""
    at: str = ""
    segments: int = 0
    bytes: int = 0
    there: int = 0
    settled: int = 0
    packs: int = 0
    others: int = 0
    nothing: bool = False
    refused: tuple[Refused, ...] = ()
    fault: str = ""


@dataclass(slots=True)
class Sticks:
    """`changed` is called on the event loop when `told()` is new."""

    home: Home
    db: Database
    outbox: Outbox
    changed: Callable[[], None]
    at: Callable[[], str] = clock.now_text
    _told: Told = field(default_factory=Told)
    _working: asyncio.Task[None] | None = None

    def told(self) -> Told:
        return self._told

    async def places(self) -> list[Place]:
        """Where a stick is plugged in. No folder of the settings: what carries records is carried away."""
        return await asyncio.to_thread(places.found, "", self.home.root)

    async def try_now(self) -> None:
        """Have the courier try at once. Fault `store_failed` when the spool cannot be written."""
        self.outbox.wake()
        try:
            self.home.spool.mkdir(mode=0o770, exist_ok=True)
            await asyncio.to_thread(write_whole, self.home.spool / NOW, b"", durable=False)
        except OSError:
            raise Fault("store_failed", "spool") from None

    async def adopt(self, actor: Actor, reason: str) -> None:
        """Go on after what HQ has, where this log was set back. Faults: refused, bad_request, wrong_state,
        not_enrolled."""
        await self.outbox.adopt(actor, reason)
        self.changed()

    async def begin(self, actor: Actor, way: Way, place: Path) -> None:
        """Begin, asking the policy. Faults: refused, stick_busy, stick_missing."""
        decide(actor, "carry_by_stick", Facts())
        if self._working is not None and not self._working.done():
            raise Fault("stick_busy")
        if not place.is_absolute() or not await asyncio.to_thread(self._is_outside, place):
            raise Fault("stick_missing")
        self._tell(Told(step="writing" if way == "export" else "reading", way=way))
        self._working = asyncio.get_running_loop().create_task(self._work(actor, way, Stick(place)))

    def _is_outside(self, place: Path) -> bool:
        """Whether it is a folder, and none of the box's own, where nobody would carry it from."""
        return place.is_dir() and not place.resolve().is_relative_to(self.home.root.resolve())

    async def finished(self) -> None:
        """Wait until nothing is carried. Its fault is in `told()`."""
        if self._working is not None:
            await asyncio.shield(self._working)

    async def close(self) -> None:
        """Do not wait long for a slow stick: what is on it whole counts, the rest goes on the next one."""
        if self._working is not None:
            await asyncio.wait({self._working}, timeout=END_SECONDS)
            self._working.cancel()

    async def _work(self, actor: Actor, way: Way, on: Stick) -> None:
        carried, fault = Carried(), ""
        carrying = Carrying(self.db, Spool(self.home.spool), self.outbox, self.at)
        loop = asyncio.get_running_loop()

        def tell(done: int, of: int) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._percent, 100 * done // max(of, 1))

        try:
            await (carrying.export if way == "export" else carrying.take)(on, carried, tell)
        except (Fault, SyncFault) as problem:
            fault = problem.code
        except Exception as problem:  # noqa: BLE001 - told, and the box goes on
            log.error("a stick was not carried: %s", type(problem).__name__)
            fault = "internal"
        with suppress(Fault):
            await self._note(actor, carried)
        log.info("a stick was %s: %d segments, %d settled, %d packs %s", way, carried.segments, carried.settled,
                 carried.packs, fault)  # fmt: skip
        self._tell(_result(way, self.at(), carried, fault))

    async def _note(self, actor: Actor, carried: Carried) -> None:
        permit, at = decide(actor, "carry_by_stick", Facts()), self.at()
        await self.db.write(lambda tx: rows.carried(tx, permit, carried.written, at))

    def _percent(self, percent: int) -> None:
        if self._told.step and percent != self._told.percent:
            self._tell(replace(self._told, percent=percent))

    def _tell(self, told: Told) -> None:
        self._told = told
        self.changed()


def _result(way: Way, at: str, carried: Carried, fault: str) -> Told:
    return Told(
        way=way,
        at=at,
        segments=carried.segments,
        bytes=carried.bytes,
        there=carried.there,
        settled=carried.settled,
        packs=carried.packs,
        others=carried.others,
        nothing=carried.nothing,
        refused=tuple(carried.refused),
        fault=fault,
    )
