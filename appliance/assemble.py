"""Builds every object of the appliance once; the only file that sees them all.

A box starts locked: control socket and portal listen, and say so. `unlock` opens the store and brings the rest to life.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pwd
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Literal

import msgspec

from appliance import carrying, clock
from appliance.audit import outside
from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.contacts import rows as contacts
from appliance.contacts.wall import Wall
from appliance.control import types
from appliance.control.backup import copies
from appliance.control.feed import Feed
from appliance.control.health import Probe
from appliance.control.listener import ControlListener
from appliance.control.packs import with_packs
from appliance.control.sticks import stick
from appliance.copies.copier import Copier
from appliance.doctor import looking
from appliance.doctor.told import Told
from appliance.enrolment.desk import Desk
from appliance.enrolment.enroller import Enroller
from appliance.errands import Errands
from appliance.faults import Fault
from appliance.fitting import Carried
from appliance.home import Home
from appliance.identity.rules import Throttle
from appliance.keeping import Keeper
from appliance.live import Live
from appliance.machine.network import MachineNetwork
from appliance.machine.slot import OwnSlot
from appliance.network import lan_addresses, portal_urls
from appliance.outbox import metered
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.lives.rows import skip_numbers
from appliance.packs.actions import Applier
from appliance.portal import ends, named, tls
from appliance.portal.listener import PortalListener, application
from appliance.portal.mdns import Announcement
from appliance.portal.plain import Own, PlainListener
from appliance.power.actions import Power
from appliance.rollback.actions import accept
from appliance.settings import Settings
from appliance.setup.bringing_back import OF_THE_CLINIC
from appliance.setup.guide import Guide, machine_zone
from appliance.sticks.actions import Sticks
from appliance.store import checkup, keyslots, machine
from appliance.store.database import Database
from appliance.timekeeping.headquarters import Listening
from appliance.updates.actions import Updates
from media.client import RelayClient

log = logging.getLogger(__name__)

HEALTH_SECONDS = 5.0
WRONG_PASSPHRASES_PER_MINUTE = 5  # each try costs 128 MiB and a second of all cores: guessing must not stop a box
AGAIN_SECONDS = 1.0  # before a part that failed is started again
PAGES_SECONDS = 30.0  # how long a page may outlive the end of its login
TIMERS = "hearth-timer"  # the user of this machine whose timers remind the box of its daily work
NETWORK_SECONDS = 5.0  # a box that was moved to another network is found again within that
CERTIFICATE_SECONDS = 60.0  # between two looks whether a certificate ends


def known_uids(users: Iterable[str]) -> frozenset[int]:
    """The uids of those of the named users that this machine has."""
    found = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return frozenset(found[user] for user in users if user in found)


class Appliance:
    """One box. `start` once, `unlock` once, `close` once. `sockets`: what systemd opened for it (`listening.py`)."""

    def __init__(
        self, home: Home, settings: Settings, feed_start: int, sockets: Mapping[str, socket.socket] | None = None
    ) -> None:
        self._home, self._settings = home, settings
        self._sockets = sockets or {}
        self._feed = Feed(feed_start)
        self._probe = Probe(home.root)
        self._capacity = carrying.of_this_box(home, settings.media)
        self._control = ControlListener(
            self, self._feed, known_uids(settings.control.users), timers=known_uids([TIMERS])
        )
        self._portal: PortalListener | None = None
        self._plain: PlainListener | None = None
        self._announcement: Announcement | None = None
        self._tls: ssl.SSLContext | None = None
        self._clinic: Clinic | None = None
        self._keeper: Keeper | None = None
        self._relay: RelayClient | None = None
        self._forwarder: Forwarder | None = None
        self._applier: Applier | None = None
        self._by_name = named.ByName()
        self._wall = Wall(home.wall)
        self._copier: Copier | None = None
        self._sticks: Sticks | None = None
        self._enroller: Enroller | None = None
        self._named = [settings.clinic.name, settings.clinic.phone]  # as every page shows it
        self._port = settings.portal.port
        errands = Errands()
        self._ends = ends.Ends()
        self._network = MachineNetwork(errands)
        self._power = Power(errands)
        self._own_slot = OwnSlot(errands)
        self._updates = Updates(errands, home.spool, home.restart, lambda: self._feed.publish("box"))
        self._errands = errands
        self._hq_time = Listening(home.spool)  # from now on: what stands there may be of another start
        self._guide = Guide(home, self._network, self)
        self._tasks: list[asyncio.Task[None]] = []
        self._unlocking = asyncio.Lock()
        self._passphrases = Throttle(WRONG_PASSPHRASES_PER_MINUTE, 60.0)

    # -- what the listeners ask ----------------------------------------------------------------------------------

    def is_unlocked(self) -> bool:
        return self._clinic is not None

    def clinic(self) -> Clinic:
        if self._clinic is None:
            raise Fault("box_locked")
        return self._clinic

    def keeper(self) -> Keeper:
        if self._keeper is None:
            raise Fault("box_locked")
        return self._keeper

    def power(self) -> Power:
        return self._power

    async def examine(self, language: Literal["en", "es"]) -> types.Doctor:
        """What a helper on the telephone asks."""
        parts = self.about(), self.health(), self.sync(), self.copies()
        found = await asyncio.to_thread(looking.look, self._home, *parts)
        told = Told(found, language)
        return types.Doctor(lines=told.lines, code=told.code, words=told.words, bad=told.bad)

    def headquarters(self) -> bytes | None:
        facts = self._forwarder.headquarters() if self._forwarder else None
        return facts.record_key if facts else None

    def addresses(self) -> tuple[str, ...]:
        return portal_urls(self._settings.portal.host, self._settings.portal.name, self._port)

    def about(self) -> types.Box:
        return types.Box(
            state="new" if self._guide.under_way else "unlocked" if self._clinic else "locked",
            clinic=self._settings.clinic.name,
            phone=self._settings.clinic.phone,
            version=version("hearth"),
            addresses=self.addresses(),
            relay_connected=self._relay is not None and self._relay.connected,
            clock=self._clinic.clock.trouble if self._clinic else "",
            clock_correction=self._clinic.clock.correction if self._clinic else 0,
            clock_synchronised=self._clinic is not None and self._clinic.clock.synchronised,
            clock_source=self._clinic.clock.source if self._clinic else "machine",
            certificate_days=ends.days(self._ends.own, clock.moment()),
            authority_days=ends.days(self._ends.authority, clock.moment()),
            emergency=tuple(
                types.Contact(name=one.name, phone=one.phone, about=one.about) for one in self._wall.contacts
            ),
            set_up=self._set_up(),
            language=self._settings.clinic.language,
            update=self._updates.waiting()[0],
            update_version=self._updates.waiting()[1],
        )

    def guide(self) -> Guide:
        return self._guide

    def _set_up(self) -> types.SetUp | None:
        """How far set-up is, where there is one."""
        if not self._guide.under_way:
            return None
        told, born = self._guide.answers, self._guide.born
        zone = told.zone or machine_zone()
        return types.SetUp(
            step=told.step,
            born=born,
            zone=zone,
            machine=self._guide.master,
            keyboard=told.keyboard,
            restoring=self._guide.restoring,
        )

    def set_settings(self, chosen: Settings) -> None:
        """What was written into the settings counts at once where it can: what pages and papers are headed with, and
        what is asked for when the store is opened. Ports and the portal's name wait for the next start."""
        of_the_clinic = {one: getattr(chosen, one) for one in OF_THE_CLINIC}
        self._settings = msgspec.structs.replace(self._settings, **of_the_clinic)
        self._named[:] = [chosen.clinic.name, chosen.clinic.phone]

    def tell_box(self) -> None:
        self._feed.publish("box")

    def health(self) -> types.Health:
        """How the machine is, and how much of what it carries is in use."""
        carried = self._clinic.live.fitting.carried if self._clinic is not None else Carried()
        return msgspec.structs.replace(
            self._probe.health(),
            carried=carried.share,
            people=carried.people,
            capacity=self._capacity.source,
            store=self._clinic.db.trouble.code if self._clinic is not None else "",
        )

    def copier(self) -> Copier:
        if self._copier is None:
            raise Fault("box_locked")
        return self._copier

    def copies(self) -> types.Copies:
        return types.Copies() if self._copier is None else copies(self._copier.told())

    def enroller(self) -> Enroller:
        if self._enroller is None:
            raise Fault("box_locked")
        return self._enroller

    def sticks(self) -> Sticks:
        if self._sticks is None:
            raise Fault("box_locked")
        return self._sticks

    def network(self) -> MachineNetwork:
        return self._network

    def authority(self) -> str:
        """What a device shows of the box's own authority, for comparing; "" before the box was first unlocked."""
        return tls.fingerprint(self._home.tls)

    def _look_at_certificates(self) -> None:
        self._ends = ends.read(self._home.tls, self._by_name.names)

    def _asked_for_by(self) -> Own:
        """By which names and addresses people come here."""
        names = {self._name(), *self._by_name.names}
        return Own(frozenset(names), frozenset({*lan_addresses(), "127.0.0.1"}), self._port)

    def _name(self) -> str:
        """On the local network: another box may have had the wanted name first."""
        wanted = self._settings.portal.name if self._announcement is None else self._announcement.name
        return f"{wanted}.local"

    def own_slot(self) -> OwnSlot:
        return self._own_slot

    def updates(self) -> Updates:
        return self._updates

    def sync(self) -> types.Sync:
        if self._forwarder is None:
            return types.Sync(state="not_enrolled", queued=0, last_receipt_at="", last_attempt_at="", fault="")
        facts = types.Sync(**asdict(self._forwarder.state()))
        facts = facts if self._applier is None else with_packs(facts, self._applier.told())
        return facts if self._sticks is None else msgspec.structs.replace(facts, stick=stick(self._sticks.told()))

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen on control socket and portal, locked. Faults: port_taken, home_not_writable."""
        portal = self._settings.portal
        names = (f"{portal.name}.local",)
        self._tls = await asyncio.to_thread(tls.context, self._home.tls, names, lan_addresses())
        await asyncio.to_thread(self._by_name.load, self._home.tls, tls.bare())
        self._tls.sni_callback = self._by_name.choose
        await asyncio.to_thread(self._look_at_certificates)
        await asyncio.to_thread(self._guide.begin)
        await asyncio.to_thread(self._wall.load)
        ca = self._home.tls / tls.CA_FILE
        pages = application(
            self,
            self._named,
            ca,
            self._wall,
            being_set_up=lambda: self._guide.under_way,
            certificates=lambda: self._ends,
        )
        self._portal = PortalListener(pages)
        self._port = await self._portal.start(portal.host, portal.port, self._tls, self._sockets.get("https"))
        if "http" in self._sockets:  # below 1024: only where systemd opens it
            self._plain = PlainListener(self._asked_for_by)
            await self._plain.start(self._sockets["http"])
        await self._control.start(self._home.control_socket)
        self._keep_going(self._watch_health)
        self._keep_going(self._watch_network)
        self._keep_going(self._tell_names)

    async def accept_rollback(self, passphrase: str, reason: str) -> None:
        """On a locked box. Faults: wrong_passphrase, too_many_tries, wrong_state, bad_request, those of the store."""
        if not self._passphrases.take("", time.monotonic()):
            raise Fault("too_many_tries")
        async with self._unlocking:
            if self._clinic is not None:
                raise Fault("wrong_state", "the store is open")
            await self._updates.known()
            if self._updates.on_trial:  # as for opening it
                raise Fault("update_trial")
            opened = await asyncio.to_thread(keyslots.open_with, self._home.store, passphrase)
            await accept(self._home.store, opened, reason)

    async def unlock(self, passphrase: str) -> None:
        """Open the store, by a passphrase or a recovery sheet's words, and bring the box to life.

        Faults: wrong_passphrase, too_many_tries, those of the store.
        """
        if not self._passphrases.take("", time.monotonic()):
            raise Fault("too_many_tries")
        await self._unlock(lambda: keyslots.open_with(self._home.store, passphrase))

    async def unlock_by_machine(self) -> bool:
        """By the slot whose key this machine keeps, if it has one; whether it did. Faults: those of the store.

        On a release that has yet to prove itself: as soon as it has.
        """
        seed = await asyncio.to_thread(machine.seed, self._home.store)
        if seed is None:
            return False
        await self._updates.known()
        if self._updates.on_trial:
            self._tasks.append(asyncio.create_task(self._updates.until_proved(self._unlock_later)))
            return False
        opened = await asyncio.to_thread(keyslots.open_with_seed, self._home.store, "machine", seed)
        if opened is None:
            return False
        await self._unlock(lambda: opened)
        return True

    async def _unlock_later(self) -> None:
        try:
            await self.unlock_by_machine()
        except Fault as fault:
            log.warning("the machine's own key slot did not open the box: %s", fault.code)

    async def _unlock(self, find: Callable[[], keyslots.Opened]) -> None:
        async with self._unlocking:
            if self._clinic is not None:
                return
            await self._updates.known()
            if self._updates.on_trial:  # opening may migrate, and the release before must still know this store
                raise Fault("update_trial")
            opened = await asyncio.to_thread(find)
            db = await Database.open(self._home.store, opened.key, reserve=True)
            try:
                keeper = await self._kept(db, opened)
                live = Live(db, self._feed.publish)
                clinic = Clinic(db, live, self._settings.sign_in.second_factor, record_key=self.headquarters)
                clinic.clock.heard, clinic.clock.errands = self._hq_time, self._errands
                await clinic.clock.begin()
                clinic.clock.changed = self._clock_changed
                clinic.board.remind_minutes = self._settings.sessions.remind_minutes
                clinic.audit.seen = lambda: outside.witness(self._home.store)
                await self._renew_certificate(db)
                with contextlib.suppress(Fault):  # a full disk: what is there can be read all the same
                    await db.write(skip_numbers)  # a copy of this store that runs elsewhere must not number as we do
                self._wall.hang(await db.read(lambda tx: contacts.contacts(tx, "emergency")))
                copier = Copier(self._home, keeper, self._settings.backup, lambda: self._feed.publish("copies"))
                await copier.load()
            except BaseException:
                clock.let_go()
                await db.close()
                raise
            self._clinic, self._copier, self._keeper = clinic, copier, keeper
        self._relay = RelayClient(
            self._home.relay_socket,
            admitted=live.admitted,
            on_event=live.relay_event,
            on_connected=live.relay_connected,
        )
        live.relay = self._relay
        await live.begin()
        on_metered = metered.limits(self._settings.sync)
        self._forwarder = Forwarder(db, self._home.spool, lambda: self._feed.publish("sync"), limits=on_metered)
        self._hq_time.signed = lambda: self._forwarder.signed_at if self._forwarder else 0.0
        self._sticks = Sticks(self._home, db, self._forwarder, lambda: self._feed.publish("sync"))
        self._applier = self._applying(db, clinic, self._forwarder)
        self._keep_going(self._relay.run)
        self._keep_going(self._forwarder.run)
        self._keep_going(self._applier.run)
        self._enroller = Enroller(db, Desk(self._home.spool), version("hearth"), self._enrolment_changed)
        self._keep_going(self._enroller.run)
        self._keep_going(copier.run)
        self._keep_going(lambda: self._updates.run(db))
        self._keep_going(lambda: checkup.run(db))
        self._keep_going(lambda: self._watch_certificate(db))
        self._keep_going(lambda: self._watch_pages(clinic))
        self._keep_going(clinic.board.run)
        self._keep_going(clinic.clock.run)
        self._keep_going(clinic.audit.run)
        self._tasks.append(asyncio.create_task(self._own_slot.tidy(keeper)))
        self._feed.publish("gap")  # everything is new

    def _applying(self, db: Database, clinic: Clinic, forwarder: Forwarder) -> Applier:
        """What takes packs of headquarters up."""
        return Applier(
            db,
            self._home.spool,
            on_change=lambda: self._feed.publish("sync"),
            ended=clinic.end_logins_of,
            sent=forwarder.wake,
            certificate=lambda: self._renew_certificate(db),
            believed=lambda: not clinic.clock.trouble,
        )

    async def _kept(self, db: Database, opened: keyslots.Opened) -> Keeper:
        """The slots of the open store, in order; which one opened it is in the audit from now on."""
        keeper = Keeper(self._home.store, db, opened.key, opened.number)
        await keeper.reconcile(now_text(), opened.slot)
        return keeper

    async def close(self) -> None:
        """End in order: nobody new, then what runs, then the store, left as one clean file."""
        if self._clinic is not None:
            self._clinic.live.end()
        closing = [
            part.close() for part in (self._announcement, self._plain, self._portal, self._control) if part is not None
        ]
        for problem in await asyncio.gather(*closing, return_exceptions=True):
            if problem is not None:
                log.error("a part of the appliance did not end well: %s", type(problem).__name__)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._copier is not None:
            await self._copier.close()
        if self._sticks is not None:
            await self._sticks.close()
        await self._updates.close()
        if self._clinic is not None:
            await self._clinic.live.close()
            await self._clinic.clock.end()
            with contextlib.suppress(Fault):  # a full disk: what is signed next will cover these entries too
                await self._clinic.audit.close()
            await self._clinic.db.close()

    def _enrolment_changed(self) -> None:
        """HQ's keys may be others now, and the console waits for the word."""
        if self._forwarder is not None:
            self._forwarder.wake()
        self._feed.publish("sync")

    def _clock_changed(self) -> None:
        self._feed.publish("gap")  # every time shown is another one now

    async def _watch_network(self) -> None:
        """Keep name and certificate right while addresses change, of a locked box too as far as that goes."""
        announced: tuple[str, ...] | None = None
        while True:
            addresses = lan_addresses()
            if addresses != announced:
                await self._announce(addresses)
                if self._clinic is not None:
                    await self._renew_certificate(self._clinic.db)
                announced = addresses
                self._feed.publish("box")
            await asyncio.sleep(NETWORK_SECONDS)

    async def _watch_certificate(self, db: Database) -> None:
        while True:
            await self._renew_certificate(db)
            await asyncio.sleep(CERTIFICATE_SECONDS)

    async def _tell_names(self) -> None:
        """Have the machine answer on the local network to the names that headquarters got a certificate for."""
        told: frozenset[str] | None = None
        while self._network.possible:
            if self._by_name.names != told:
                names = self._by_name.names
                await self._network.set_names(names | {f"{self._settings.portal.name}.local"} if names else names)
                told = names
            await asyncio.sleep(CERTIFICATE_SECONDS)
        await asyncio.Event().wait()  # no such machine

    async def _announce(self, addresses: tuple[str, ...]) -> None:
        if not self._settings.portal.announce:
            return
        if self._announcement is not None:
            await self._announcement.close()
        self._announcement = Announcement(self._settings.portal.name, self._port, addresses)
        await self._announcement.start()

    async def _renew_certificate(self, db: Database) -> None:
        try:
            await tls.renew(db, self._home.tls, self._settings.portal.name, lan_addresses(), self._tls)
            await named.follow(db, self._home.tls, self._by_name, tls.bare())
            await asyncio.to_thread(self._look_at_certificates)
        except (OSError, ssl.SSLError, Fault) as problem:  # the old one still serves, and a session needs the box
            log.error("the portal's certificate could not be renewed: %s", type(problem).__name__)

    async def _watch_pages(self, clinic: Clinic) -> None:
        """Logins and visits also end by themselves, without a change that anybody is told of."""
        while True:
            await asyncio.sleep(PAGES_SECONDS)
            await clinic.look_after_logins()

    async def _watch_health(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            if self._clinic is not None:
                await self._clinic.db.tend()
                await self._clinic.live.look_at_capacity()
            self._feed.publish("health")

    def _keep_going(self, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(_again_and_again(part)))


async def _again_and_again(part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """One failure, such as a disk that was full, must not leave a box without its relay until somebody restarts it."""
    while True:
        try:
            await part()
        except Exception as problem:  # noqa: BLE001 - whatever it is, the part is wanted
            log.error("a part of the appliance failed and is started again: %s", type(problem).__name__)
        await asyncio.sleep(AGAIN_SECONDS)
