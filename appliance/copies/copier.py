"""The open box's copies: made when somebody asks or when one is due, one at a time; and what is told of them.

`begin` answers at once; the copy is made beside the box's other work, and `facts` tells how far it is. A failed copy is
told until one succeeds. Nothing here fails the box.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from appliance import clock
from appliance.copies import backup, places, rows, rules
from appliance.copies.backup import Source, Step
from appliance.copies.places import Place
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.policy import BOX, Actor, Facts, decide
from appliance.settings import BackupSection

log = logging.getLogger(__name__)

END_SECONDS = 1.0  # of the two that `hearth up` gives the appliance to end
LOOK_SECONDS = 60.0  # how late an automatic copy may be, and how late "old" is told


@dataclass(frozen=True, slots=True)
class Told:
    """What everybody may know of the copies; no path and no name. Field by field as `control.types.Copies` tells it.

    `state` and `last_at`: of the newest good copy. `step` and `percent`: of the one that is being made, "" for none.
    `fault`: why the last try failed, "" when it did not. `restored_from`: this store came out of a copy of that moment,
    and nobody was told yet.
    """

    state: Literal["none", "fine", "old"] = "none"
    last_at: str = ""
    step: Literal["", "copying", "checking"] = ""
    percent: int = 0
    fault: str = ""
    automatic: bool = False
    same_disk: bool = False
    restored_from: str = ""


class _BrokenOffError(Exception):
    """The box ends while a copy is made."""


@dataclass(slots=True)
class Copier:
    """`changed` is called on the event loop when `told()` is new. `run` once, `close` once."""

    home: Home
    keeper: Keeper
    settings: BackupSection
    changed: Callable[[], None]
    now: Callable[[], int] = clock.now_seconds
    at: Callable[[], str] = clock.now_text
    _told: Told = field(default_factory=Told)
    _last: rows.Copy | None = None
    _in_folder: rows.Copy | None = None  # the newest in the folder of the settings: one on a stick does not put it off
    _tried: int | None = None
    _making: asyncio.Task[None] | None = None
    _ending: threading.Event = field(default_factory=threading.Event)

    async def load(self) -> None:
        """Take up what the store remembers."""
        self._last, untold = await self.keeper.db.read(lambda tx: (rows.last(tx), rows.untold(tx)))
        folder = self.settings.folder
        self._in_folder = await self.keeper.db.read(lambda tx: rows.last(tx, folder)) if folder else None
        place = await asyncio.to_thread(self._same_disk)
        self._told = replace(
            self._told,
            automatic=self.rhythm() > 0,
            same_disk=place,
            restored_from=untold.copied_at if untold else "",
        )

    def told(self) -> Told:
        """The newest facts."""
        last = self._last
        return replace(self._told, state=self._state(), last_at=last.at if last else "")

    def last(self) -> rows.Copy | None:
        """The newest good copy."""
        return self._last

    def rhythm(self) -> int:
        """Hours between two automatic copies, 0 for none."""
        return self.settings.every_hours if self.settings.folder else 0

    async def places(self) -> list[Place]:
        """Where a copy can go now."""
        return await asyncio.to_thread(places.found, self.settings.folder, self.home.root)

    async def begin(self, actor: Actor, place: Path) -> None:
        """Begin a copy in `place`, asking the policy. Faults: refused, backup_busy, backup_no_place, bad_request."""
        decide(actor, "back_up", Facts())
        await asyncio.to_thread(backup.check_place, place, self.home)
        if self._making is not None and not self._making.done():
            raise Fault("backup_busy")
        self._tell(step="copying", percent=0)
        self._making = asyncio.get_running_loop().create_task(self._make(actor, place))

    async def finished(self) -> None:
        """Wait until no copy is being made. Its fault is in `told()`."""
        if self._making is not None:
            await asyncio.shield(self._making)

    async def seen(self) -> None:
        """One who may back up has been told that the store came out of a copy."""
        if self._told.restored_from:
            at = self.at()
            await self.keeper.db.write(lambda tx: rows.told(tx, at))
            self._tell(restored_from="")

    async def run(self) -> None:
        """Make copies when they are due, until cancelled."""
        state = self._state()
        while True:
            if rules.due(_seconds(self._in_folder), self._tried, self.now(), self.rhythm()):
                await self._automatic()
            if self._state() != state:
                state = self._state()
                self.changed()
            await asyncio.sleep(LOOK_SECONDS)

    async def remind(self) -> Literal["off", "not_due", "busy", "made", "failed"]:
        """What a timer asks for: the copy that is due, made by now. Never one more than `run` would have made."""
        if not self.rhythm():
            return "off"
        if self._making is not None and not self._making.done():
            return "busy"
        if not rules.due(_seconds(self._in_folder), self._tried, self.now(), self.rhythm()):
            return "not_due"
        await self._automatic()
        return "failed" if self._told.fault else "made"

    async def close(self) -> None:
        """Break off what is being made: at once while pages are copied.

        A check that reads the copy's pages is not waited for, since the store must be closed in time; what it leaves
        goes with the next copy.
        """
        self._ending.set()
        if self._making is not None:
            await asyncio.wait({self._making}, timeout=END_SECONDS)

    # -- one copy ------------------------------------------------------------------------------------------------

    async def _automatic(self) -> None:
        self._tried = self.now()
        try:
            await self.begin(BOX, Path(self.settings.folder))
        except Fault as fault:
            if fault.code != "backup_busy":
                self._fail(fault.code)
        await self.finished()

    async def _make(self, actor: Actor, place: Path) -> None:
        try:
            async with self.keeper.still:
                await self._copy(actor, place)
        except Fault as fault:
            log.warning("a copy was not made: %s %s", fault.code, fault.detail)
            self._fail(fault.code)
        except _BrokenOffError:
            self._tell(step="", percent=0)
        except Exception as problem:  # noqa: BLE001 - told, and the box goes on
            log.error("a copy was not made: %s", type(problem).__name__)
            self._fail("internal")

    async def _copy(self, actor: Actor, place: Path) -> None:
        keeper, db = self.keeper, self.keeper.db
        source = Source(self.home, db, keeper.key)
        box, last, at = await backup.box_id(db), await db.read(backup.last_number), self.at()
        loop, seen = asyncio.get_running_loop(), [("", -1)]

        def tell(step: Step, percent: int) -> None:
            if self._ending.is_set():
                raise _BrokenOffError
            if seen[0] != (step, percent):
                seen[0] = (step, percent)
                loop.call_soon_threadsafe(lambda: self._tell(step=step, percent=percent))

        made = await asyncio.to_thread(backup.build, source, place, box, last, at, tell)
        copy = backup.note(made, place)
        permit = decide(actor, "back_up", Facts(thing=copy.name))
        await db.write(lambda tx: rows.add(tx, permit, copy))
        await asyncio.to_thread(backup.prune, place, box, self.settings.keep)
        self._last = copy
        self._in_folder = copy if copy.place == self.settings.folder else self._in_folder
        same = await asyncio.to_thread(self._same_disk)
        self._tell(step="", percent=0, fault="", same_disk=same)

    # -- what is told --------------------------------------------------------------------------------------------

    def _state(self) -> rules.State:
        return rules.state(_seconds(self._last), self.now(), self.rhythm())

    def _same_disk(self) -> bool:
        return self._last is not None and places.look(Path(self._last.place), self.home.root, "folder").same_disk

    def _fail(self, code: str) -> None:
        self._tell(step="", percent=0, fault=code)

    def _tell(self, **changes: object) -> None:
        self._told = replace(self._told, **changes)  # type: ignore[arg-type]
        self.changed()


def _seconds(copy: rows.Copy | None) -> float | None:
    return clock.parse(copy.at).timestamp() if copy else None
