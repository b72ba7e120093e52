"""The real control listener over a real store, for the suites that hold it and the fake daemon to one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.control import types
from appliance.control.backup import copies
from appliance.control.feed import Feed
from appliance.control.health import Probe
from appliance.control.listener import ControlListener
from appliance.copies.copier import Copier
from appliance.doctor.figures import Figures
from appliance.doctor.told import Told
from appliance.enrolment.desk import Desk
from appliance.enrolment.enroller import Enroller
from appliance.errands import Errands
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.machine.network import MachineNetwork
from appliance.machine.slot import OwnSlot
from appliance.power.actions import Power
from appliance.settings import BackupSection, Settings
from appliance.setup.guide import Guide
from appliance.sticks.actions import Sticks
from appliance.updates.actions import Updates
from tests.fakes.box import CHEAP, PASSPHRASE, OpenBox, open_box
from tests.fakes.machine import OfMachine, Programs, machine
from tests.fakes.sealing import Sealing
from tests.fakes.steward import Obedient
from tests.fakes.updates import updates


class Box:
    """The appliance around an open clinic, locked until its passphrase comes."""

    def __init__(self, opened: OpenBox, feed: Feed) -> None:
        self._opened, self._feed, self._unlocked = opened, feed, False
        self.hq_key: bytes | None = None
        db = opened.clinic.db
        self._power = Power(Obedient())
        self.steward = Obedient()
        self._own_slot = OwnSlot(self.steward)
        self._updates = updates(db.folder.parent)
        self._home = Home(db.folder.parent)
        made_up = db.folder.parent / "machine"
        made_up.mkdir()
        self._network = MachineNetwork(OfMachine(machine(made_up, Programs())), made_up / "net")
        self._keeper = Keeper(db.folder, db, db.key, cost=CHEAP)
        self._copier = Copier(Home(db.folder.parent), self._keeper, BackupSection(), lambda: feed.publish("copies"))
        self._enroller = Enroller(db, Desk(Home(db.folder.parent).spool), "test", lambda: feed.publish("sync"))
        self._sticks = Sticks(Home(db.folder.parent), db, Sealing(db), lambda: feed.publish("sync"))

    def is_unlocked(self) -> bool:
        return self._unlocked

    def clinic(self) -> Clinic:
        if not self._unlocked:
            raise Fault("box_locked")
        return self._opened.clinic

    def guide(self) -> Guide:
        return Guide(self._home, MachineNetwork(Errands()), self)  # never begun: there is none

    def set_settings(self, chosen: Settings) -> None:
        raise Fault("wrong_state", "no set-up")

    def tell_box(self) -> None:
        self._feed.publish("box")

    async def unlock(self, passphrase: str) -> None:
        if passphrase != PASSPHRASE:
            raise Fault("wrong_passphrase")
        await self._keeper.reconcile(now_text())
        self._unlocked = True
        self._feed.publish("gap")

    async def accept_rollback(self, passphrase: str, reason: str) -> None:
        raise Fault("wrong_state", "nothing is missing")

    def about(self) -> types.Box:
        state: Literal["locked", "unlocked"] = "unlocked" if self._unlocked else "locked"
        return types.Box(
            state=state, clinic="Riverbend", version="0", addresses=("https://box:8443",), relay_connected=True
        )

    def health(self) -> types.Health:
        return Probe(Path("/")).health()

    def keeper(self) -> Keeper:
        self.clinic()
        return self._keeper

    def headquarters(self) -> bytes | None:
        return self.hq_key

    def copier(self) -> Copier:
        self.clinic()
        return self._copier

    def enroller(self) -> Enroller:
        if not self._unlocked:
            raise Fault("box_locked")
        return self._enroller

    def sticks(self) -> Sticks:
        self.clinic()
        return self._sticks

    def copies(self) -> types.Copies:
        return copies(self._copier.told()) if self._unlocked else types.Copies()

    def network(self) -> MachineNetwork:
        return self._network

    def authority(self) -> str:
        return "AB:CD:EF:01"

    def power(self) -> Power:
        return self._power

    def own_slot(self) -> OwnSlot:
        return self._own_slot

    def updates(self) -> Updates:
        return self._updates

    async def examine(self, language: Literal["en", "es"]) -> types.Doctor:
        told = Told(Figures(), language)
        return types.Doctor(lines=told.lines, code=told.code, words=told.words, bad=told.bad)

    def sync(self) -> types.Sync:
        return types.Sync(state="up_to_date", queued=0, last_receipt_at="", last_attempt_at="", fault="")


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[tuple[OpenBox, Feed, Path]]:
    """The real listener on a socket in `folder`, over a real store; the box is locked."""
    feed = Feed(1000)
    async with open_box(folder) as opened:
        opened.clinic.live._publish = feed.publish
        listener = ControlListener(Box(opened, feed), feed)
        await listener.start(folder / "control.sock")
        opened.stop = listener.close
        try:
            yield opened, feed, folder / "control.sock"
        finally:
            await listener.close()
