"""Releases: found on sticks and in the spool, installed by the steward because a person asks, started when it suits.

`begin` answers at once; `told` says how far it is. What runs and what failed is the steward's to say
(`told/slots.json`); here is only what this process was asked for, and in `restart.json` the night for which a restart
was promised.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from appliance.clock import now_text
from appliance.errands import Errands
from appliance.faults import Fault
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Database, Transaction
from appliance.updates import rows, rules
from sync import items
from sync.releases import Fetching, Wanted
from sync.spool import read_bounded, write_whole

log = logging.getLogger(__name__)

MEDIA = Path("/media")
LOOK_SECONDS = 5.0  # between two looks at sticks and spool
INSTALL_SECONDS = 7500.0  # what the steward's unit is given
ERRAND_SECONDS = 150.0
SAID_SECONDS = 100.0  # more than what hearth-slot is given to tell which release runs
SAY_SECONDS = 0.1  # between two looks for that
MOST_FOUND = 8  # bundles looked at; more on one stick say nothing new
MAX_FILE = 65_536
RUNNING = Path("/usr/lib/hearth/release")
When = Literal["now", "tonight", "later"]


class Slots(msgspec.Struct, frozen=True):
    """What the steward says of them (`appliance.steward.update.facts`)."""

    slot: str = ""
    version: str = ""
    trial: bool = False
    installed: str = ""
    other_version: str = ""
    floor: str = ""
    fell_back: bool = False
    failed_version: str = ""
    since: int = 0
    made_at: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A bundle that lies somewhere. `refused`: why it is not for this box; `where`: the stick, "" for the line."""

    path: str
    where: str
    size: int
    version: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What this process knows besides the slots."""

    step: Literal["", "installing"] = ""
    percent: int = 0
    version: str = ""  # that is being installed, or was
    fault: str = ""  # of the last try
    restart_at: float = 0.0  # Unix seconds, 0 for none
    found: tuple[Found, ...] = ()
    release: items.Update | None = None
    fetching: Fetching = field(default_factory=Fetching)


@dataclass(slots=True)
class Updates:
    """`changed` is called on the event loop when something is new; `wall`: Unix seconds."""

    errands: Errands
    spool: Path
    promise: Path  # restart.json
    changed: Callable[[], None]
    wall: Callable[[], float] = time.time
    media: Path = MEDIA
    system: Path = Path("/etc/rauc/system.conf")
    _told: Told = field(default_factory=Told)
    _looked: dict[tuple[str, int, int], Found] = field(default_factory=dict)
    _working: asyncio.Task[None] | None = None
    _began: float = field(default_factory=time.monotonic)

    @property
    def possible(self) -> bool:
        """Whether this machine's releases are the box's to change."""
        return self.errands.possible and bool(self.slots().slot)

    def slots(self) -> Slots:
        """How they are; nothing on a machine without a steward."""
        told = self.errands.told("slots")
        try:
            return msgspec.convert(told.facts if told else {}, type=Slots)
        except msgspec.ValidationError:
            return Slots()

    @property
    def on_trial(self) -> bool:
        """Whether the release that runs has yet to prove itself: until then no store is opened."""
        return self.slots().trial

    async def known(self) -> None:
        """Until the steward has told which release runs and whether it is on trial: it looks while this process starts.

        One that tells nothing for SAID_SECONDS keeps nobody out of the box for good.
        """
        while self.errands.possible and self.errands.told("slots") is None:  # a file in memory
            if time.monotonic() > self._began + SAID_SECONDS:
                return
            await asyncio.sleep(SAY_SECONDS)

    def told(self) -> Told:
        return self._told

    def waiting(self) -> tuple[Literal["", "trial", "failed", "installed", "ready"], str]:
        """What a release waits for, the most pressing first, and which one."""
        slots = self.slots()
        if slots.trial:
            return "trial", slots.version
        if slots.failed_version:
            return "failed", slots.failed_version
        if slots.installed:
            return "installed", slots.installed
        fit = [one.version for one in self._told.found if not one.refused and self.possible]
        return ("ready", max(fit, key=rules.version)) if fit else ("", "")

    # -- what a person asks for

    async def begin(self, db: Database, actor: Actor, path: str, *, anyway: bool, repair: bool = False) -> None:
        """Begin to install. `anyway`: although a session goes on. Faults: refused, not_the_machine, session_open,
        machine_busy (one is under way), not_found (no such bundle)."""
        await self._noted(db, actor, anyway=anyway)
        if self._working is not None and not self._working.done():
            raise Fault("machine_busy")
        found = next((one for one in self._told.found if one.path == path), None)
        if found is None:
            raise Fault("not_found")
        self._tell(step="installing", percent=0, version=found.version, fault="")
        self._working = asyncio.get_running_loop().create_task(self._install(path, repair=repair))

    async def back(self, db: Database, actor: Actor) -> None:
        """Have the other release started next. Faults: refused, not_the_machine, update_no_other, update_trial, …"""
        await self._noted(db, actor, anyway=True)
        await self.errands.ask("update", {"do": "back"}, ERRAND_SECONDS)
        self.changed()

    async def restart(self, db: Database, actor: Actor, when: When, *, anyway: bool) -> None:
        """Start what was installed: now, at night, or whenever somebody restarts the box.

        Faults: refused, not_the_machine, session_open.
        """
        await self._noted(db, actor, anyway=anyway or when != "now")
        at = rules.tonight(datetime.fromtimestamp(self.wall(), UTC).astimezone()).timestamp()
        await self._promise(at if when == "tonight" else 0.0)
        if when == "now":
            await self.errands.ask("power", {"do": "restart"}, ERRAND_SECONDS)

    async def seen(self, db: Database, actor: Actor) -> None:
        """Somebody has read that a release failed."""
        await self._noted(db, actor, anyway=True, note=False)
        await self.errands.ask("update", {"do": "seen"}, ERRAND_SECONDS)
        self.changed()

    async def _noted(self, db: Database, actor: Actor, *, anyway: bool, note: bool = True) -> None:
        def write(tx: Transaction) -> None:
            permit = decide(actor, "install_update", Facts())
            if not self.possible:
                raise Fault("not_the_machine")
            if not anyway and rows.sessions_go_on(tx):
                raise Fault("session_open")
            if note:
                rows.note(tx, permit, now_text())

        await db.write(write)

    async def _install(self, path: str, *, repair: bool) -> None:
        watching = asyncio.create_task(self._watch_percent())
        try:
            what = {"do": "install", "path": path, "repair": repair}
            await self.errands.ask("update", what, INSTALL_SECONDS)
            self._tell(step="", percent=100)
        except Fault as fault:
            self._tell(step="", fault=fault.code)
        except Exception as problem:  # noqa: BLE001 - told, and the box goes on
            log.error("a release was not installed: %s", type(problem).__name__)
            self._tell(step="", fault="internal")
        finally:
            watching.cancel()

    async def _watch_percent(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            told = await asyncio.to_thread(self.errands.told, "update")
            if told is not None and told.state == "working" and told.percent != self._told.percent:
                self._tell(percent=told.percent)

    # -- what goes on by itself

    async def run(self, db: Database) -> None:
        """Look for releases, have the courier fetch the one that HQ told of, restart when it was promised."""
        with contextlib.suppress(OSError, msgspec.DecodeError, TypeError):
            self._tell(restart_at=msgspec.json.decode(self.promise.read_bytes(), type=float))
        while True:
            with contextlib.suppress(OSError):
                await self.look(db)
                await self._keep_promise(db)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, db: Database) -> None:
        """Once."""
        release = await db.read(rows.told)
        running = self.slots().version or await asyncio.to_thread(_text, RUNNING)
        await asyncio.to_thread(self._want, release, running)
        fetching = await asyncio.to_thread(self._fetching)
        found: tuple[Found, ...] = ()
        if self.possible and not self._told.step:
            found = tuple([await self._about(one) for one in await asyncio.to_thread(self._bundles)])
        else:
            found = self._told.found
        self._tell(release=release, fetching=fetching, found=found)

    def _want(self, release: items.Update | None, running: str) -> None:
        """Ask the courier for what HQ told of, if it is newer than what runs and this is a box of ours."""
        file = self.spool / "update" / "wanted.json"
        kind = compatible(self.system)
        wanted = b""
        if (
            release is not None
            and kind
            and release.digest
            and not release.url
            and rules.newer(release.release, running)
        ):
            wanted = msgspec.json.encode(
                Wanted(release=release.release, digest=release.digest, size=release.size, compatible=kind)
            )
        there = read_bounded(file, MAX_FILE) or b""
        if wanted and wanted != there:
            file.parent.mkdir(mode=0o2770, exist_ok=True)
            write_whole(file, wanted)
        elif there and not wanted:
            file.unlink(missing_ok=True)

    def _fetching(self) -> Fetching:
        raw = read_bounded(self.spool / "update" / "told.json", MAX_FILE)
        try:
            return Fetching() if raw is None else msgspec.json.decode(raw, type=Fetching)
        except msgspec.DecodeError:
            return Fetching()

    def _bundles(self) -> list[tuple[Found, int]]:
        """What lies there, with its time of change; nothing is opened here."""
        found = []
        sticks = sorted(self.media.glob("*/*.raucb")) if self.media.is_dir() else []
        for place in [*sorted((self.spool / "update").glob("*.raucb")), *sticks][:MOST_FOUND]:
            with contextlib.suppress(OSError):
                about = place.lstat()
                where = "" if place.parent.parent == self.spool else place.parent.name
                found.append((Found(path=str(place), where=where, size=about.st_size), about.st_mtime_ns))
        return found

    async def _about(self, one: tuple[Found, int]) -> Found:
        """What the steward says of it; asked once for each file that looks another way."""
        found, changed = one
        key = (found.path, found.size, changed)
        if key not in self._looked:
            while len(self._looked) >= 2 * MOST_FOUND:
                del self._looked[next(iter(self._looked))]
            self._looked[key] = await self._look_at(found)
        return self._looked[key]

    async def _look_at(self, found: Found) -> Found:
        try:
            facts = (await self.errands.ask("update", {"do": "look", "path": found.path}, ERRAND_SECONDS)).facts
        except Fault as fault:
            return replace(found, refused=fault.code)
        return replace(found, version=str(facts.get("version", "")), refused=str(facts.get("refused", "")))

    async def _keep_promise(self, db: Database) -> None:
        """Restart when the night has come, unless a session goes on: then the next night."""
        at, now = self._told.restart_at, self.wall()
        if not at or not (rules.due(at, now) or rules.missed(at, now)):
            return
        await self._promise(0.0)
        if rules.due(at, now) and self.slots().installed and not await db.read(rows.sessions_go_on):
            with contextlib.suppress(Fault):
                await self.errands.ask("power", {"do": "restart"}, ERRAND_SECONDS)
                return
        if self.slots().installed:
            night = rules.tonight(datetime.fromtimestamp(now, UTC).astimezone())
            await self._promise(night.timestamp())

    async def _promise(self, at: float) -> None:
        if at:
            await asyncio.to_thread(write_whole, self.promise, msgspec.json.encode(at))
        else:
            await asyncio.to_thread(lambda: self.promise.unlink(missing_ok=True))
        self._tell(restart_at=at)

    def _tell(self, **changes: Any) -> None:
        told = replace(self._told, **changes)
        if told != self._told:
            self._told = told
            self.changed()

    async def until_proved(self, then: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do that as soon as the release that runs has proved itself."""
        while await asyncio.to_thread(lambda: self.on_trial):  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(1.0)
        await then()

    async def close(self) -> None:
        """The steward goes on by itself; only we do not wait for it any more."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)


def compatible(system: Path) -> str:
    """Which kind of box this is, as RAUC has it; "" for none of ours."""
    lines = (line.partition("=") for line in _text(system).splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == "compatible"), "")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")[:MAX_FILE].strip()
    except OSError:
        return ""
