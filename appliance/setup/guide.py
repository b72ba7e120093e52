"""The first set-up of a box, step by step, for whoever stands before its own screen.

It promises: there is none where a clinic was made otherwise or set-up has ended, for ever; nothing of it opens a clinic
that anybody has signed in to. Until the clinic is made there is nothing to protect. From then on every step asks for
what the passphrase gave (`join`), and is done with the standing of the administrator who was just made. What is secret
stands in the store or nowhere; the rest in `setup.json` and `hearth.toml`, whole after each step.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from appliance import settings
from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.control import types
from appliance.copies import restore
from appliance.faults import Fault
from appliance.founding import MAX_PASSPHRASE, MIN_PASSPHRASE, Founder, found
from appliance.home import Home
from appliance.identity.rules import Throttle, normal, unfit
from appliance.identity.staff import clean_name, clean_username
from appliance.ids import new_token, token_hash
from appliance.keeping import Keeper, Seen
from appliance.machine.network import MachineNetwork
from appliance.policy import Actor
from appliance.setup import answers, bringing_back, people, rows
from appliance.setup.answers import Answers, Step
from appliance.setup.bringing_back import Found
from appliance.setup.people import Role
from appliance.store import birth, keyslots

log = logging.getLogger(__name__)

ROLES: tuple[Role, ...] = ("administrator", "clinical_lead")
MAX_CLINIC, MAX_PHONE = 60, 40  # characters
MAX_TOKENS = 4  # consoles that go through set-up at once: the screen, a serial line
CHECKED = 70  # percent of a restoration when the backup was read from end to end; the rest is writing
JOINS_PER_MINUTE = 5  # each costs 128 MiB and a second of all cores
_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,32}(/[A-Za-z0-9_+\-]{1,32}){0,2}")


class Behind(Protocol):
    """What set-up needs of the appliance."""

    def is_unlocked(self) -> bool: ...
    def clinic(self) -> Clinic: ...
    def keeper(self) -> Keeper: ...
    async def unlock(self, passphrase: str) -> None: ...
    def set_settings(self, chosen: settings.Settings) -> None: ...
    def tell_box(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Person:
    """One of the first two as typed. No readable repr."""

    role: Role
    name: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Person({self.role})"


class Guide:
    """One for the box. `begin` once before it listens."""

    def __init__(self, home: Home, network: MachineNetwork, behind: Behind) -> None:
        self._home, self._network, self._behind = home, network, behind
        self._answers: Answers | None = None
        self._tokens: list[bytes] = []
        self._joins = Throttle(JOINS_PER_MINUTE, 60.0)
        self._changing = asyncio.Lock()
        self._restoring = -1

    def begin(self) -> None:
        """Find out whether there is a set-up here."""
        self._answers = answers.begin(self._home)

    # -- how far it is -------------------------------------------------------------------------------------------

    @property
    def under_way(self) -> bool:
        return self._answers is not None

    @property
    def answers(self) -> Answers:
        """Fault("wrong_state") where there is no set-up (any more)."""
        if self._answers is None:
            raise Fault("wrong_state", "this box is set up")
        return self._answers

    @property
    def born(self) -> bool:
        return birth.present(self._home.store)

    @property
    def master(self) -> bool:
        """Whether the machine's network and zone are the box's to change."""
        return self._network.possible

    # -- before there is a clinic, and after ---------------------------------------------------------------------

    async def place(self, token: str, language: Literal["en", "es"], zone: str) -> None:
        """The language of the box's screen, and the machine's zone. Faults: wrong_state, bad_request, not_signed_in."""
        await self._allowed(token)
        if zone and not _ZONE.fullmatch(zone):
            raise Fault("bad_request", "zone")
        if zone and self.master:
            await self._set_zone(zone)
        self._set("clinic", {"language": language})
        self._keep(msgspec.structs.replace(answers.reached(self.answers, "clinic"), zone=zone or self.answers.zone))

    async def keyboard(self, token: str, layout: str) -> None:
        """The keyboard at the box's screen. Faults: keyboard_unknown, not_the_machine, machine_busy, not_signed_in."""
        await self._allowed(token)
        await self._network.set_keyboard(layout)
        self._keep(msgspec.structs.replace(self.answers, keyboard=layout))

    async def _set_zone(self, zone: str) -> None:
        """A machine that does not answer keeps nobody at the first step: the zone can be set later too."""
        try:
            await self._network.set_zone(zone)
        except Fault as fault:
            if fault.code != "machine_busy":
                raise
            log.warning("set-up: the time zone was not set: %s", fault.code)
        time.tzset()

    async def name_clinic(self, token: str, name: str, phone: str) -> None:
        """As every page shows it from now on. Faults: bad_request and as above."""
        await self._allowed(token)
        self._set("clinic", {"name": _line(name, 1, MAX_CLINIC), "phone": _line(phone, 0, MAX_PHONE)})
        self._keep(answers.reached(self.answers, "network"))

    async def networks(self, token: str) -> tuple[types.HeardNetwork, ...]:
        """Wi-Fi in reach. Faults: not_the_machine, machine_busy, no_wifi, wifi_busy."""
        await self._allowed(token)
        return await self._network.scan()

    async def network(self, token: str, chosen: types.NetworkSettings) -> types.NetworkState:
        """How the box is on the network. Kept at once: whoever stands before the screen is not locked out by it.

        Faults: as above, wifi_refused, network_* for a field that is wrong.
        """
        await self._allowed(token)
        found = await self._network.try_settings(chosen)
        if found.seconds_left:
            found = await self._network.keep()
        self._keep(answers.reached(self.answers, "passphrase"))
        return found

    async def go_on(self, token: str, step: Step) -> None:
        """Go on there after a power cut too. Faults: wrong_state (what comes before it is missing), not_signed_in."""
        await self._allowed(token)
        after = answers.STEPS.index(step) >= answers.STEPS.index("codes")
        if after and not self.born:
            raise Fault("wrong_state", "there is no clinic yet")
        if step in ("sheet", "headquarters", "done") and not await self._everybody_ready():
            raise Fault("wrong_state", "codes are missing")
        self._keep(answers.reached(self.answers, step))

    # -- the clinic ----------------------------------------------------------------------------------------------

    async def give_birth(self, passphrase: str, founders: Sequence[Person]) -> str:
        """Make the clinic in one piece and open it; the token for the rest.

        Faults: wrong_state (there is one), bad_request, weak_passphrase, password_…, username_taken, the disk's.
        """
        if self._restoring >= 0:
            raise Fault("restore_busy")
        async with self._changing:
            self._refuse_a_clinic()
            check_passphrase(passphrase)
            first = [_founder(one, founders) for one in founders]
            if tuple(one.role for one in founders) != ROLES:
                raise Fault("bad_request", "people")
            if normal(founders[0].username).casefold() == normal(founders[1].username).casefold():
                raise Fault("username_taken")
            self._keep(answers.reached(self.answers, "passphrase"))  # so that the store is known for one of set-up's
            await asyncio.shield(asyncio.ensure_future(found(self._home, passphrase, first)))
            self._keep(answers.reached(self.answers, "codes"))
            await self._behind.unlock(passphrase)
            return self._admit()

    # -- a backup instead ----------------------------------------------------------------------------------------

    @property
    def restoring(self) -> int:
        """Percent of a backup that is being brought back; -1 where none is."""
        return self._restoring

    async def backups(self) -> tuple[int, list[Found]]:
        """How many sticks there are, and the backups on them. Fault("wrong_state")."""
        self._refuse_a_clinic()
        return await asyncio.to_thread(bringing_back.listed, self._home)

    async def restore(self, path: str, secret: str) -> None:
        """Bring the clinic of a backup back in place of a new one, open it, and end set-up for ever.

        Whole or not at all, as `hearth restore` does it. Faults: wrong_state, restore_busy, too_many_tries,
        backup_no_place (none of those on sticks), backup_damaged, store_newer, wrong_passphrase, those of the disk.
        """
        self._refuse_a_clinic()
        if self._restoring >= 0:
            raise Fault("restore_busy")
        if not self._joins.take("", time.monotonic()):
            raise Fault("too_many_tries")
        async with self._changing:
            self._refuse_a_clinic()
            folder = await asyncio.to_thread(bringing_back.chosen, path, self._home)
            await asyncio.to_thread(bringing_back.try_secret, folder, secret)
            self._reached(0)
            try:
                await asyncio.shield(asyncio.ensure_future(self._bring_back(folder, secret)))
            finally:
                self._reached(-1)

    def _refuse_a_clinic(self) -> None:
        if self.answers and self.born:
            raise Fault("wrong_state", "the clinic is made")

    async def _bring_back(self, folder: Path, secret: str) -> None:
        loop = asyncio.get_running_loop()

        def tell(percent: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._reached, percent * CHECKED // 100)

        checked = await asyncio.to_thread(restore.check, folder, lambda at: keyslots.unlock(at, secret), tell)
        try:
            await asyncio.to_thread(bringing_back.take_settings, checked.inside, self._home)
            await asyncio.to_thread(answers.forget, self._home)
            await restore.restore(checked, self._home, now_text())
        except Fault:
            with contextlib.suppress(Fault):
                self._keep(self.answers)  # set-up goes on where it was
            raise
        answers.finish(self._home)
        self._behind.set_settings(settings.load(self._home.settings))
        try:
            await self._behind.unlock(secret)
        except Fault as fault:  # it is there, and locked as any other
            log.warning("the restored box was not opened: %s", fault.code)
        self._end()

    def _reached(self, percent: int) -> None:
        if percent != self._restoring:
            self._restoring = percent
            self._behind.tell_box()

    async def join(self, passphrase: str) -> str:
        """Go on with a set-up that was cut short, or at another console; the token for it.

        Faults: wrong_state, wrong_passphrase, too_many_tries, those of the store.
        """
        if self._restoring >= 0:
            raise Fault("restore_busy")
        if self.answers and not self.born:
            raise Fault("wrong_state", "there is no clinic yet")
        if not self._joins.take("", time.monotonic()):
            raise Fault("too_many_tries")
        if self._behind.is_unlocked():
            await asyncio.to_thread(keyslots.open_with, self._home.store, passphrase)
        else:
            await self._behind.unlock(passphrase)
        await self._still_new()
        return self._admit()

    async def people(self, token: str) -> tuple[people.First, ...]:
        """The first two, and whether each has a second factor."""
        await self.standing(token)
        return await self._behind.clinic().db.read(people.first_two)

    async def sheet_tried(self, token: str) -> bool:
        """Whether a recovery sheet was typed back."""
        actor = await self.standing(token)
        return any(one.slot.kind == "sheet" and one.state == "works" for one in await self._slots(actor))

    async def change_passphrase(self, token: str, passphrase: str) -> None:
        """Another passphrase of the box in place of the first. Faults: weak_passphrase, bad_request, not_signed_in."""
        actor = await self.standing(token)
        check_passphrase(passphrase)
        slot = next(one.slot for one in await self._slots(actor) if one.slot.kind == "passphrase")
        await self._behind.keeper().rotate(actor, slot.id, passphrase, now_text())

    async def _slots(self, actor: Actor) -> list[Seen]:
        return await self._behind.keeper().list(actor, now_text())

    async def change_person(self, token: str, given: Person) -> None:
        """Another name, sign-in name or password ("" keeps it) of one of the first two. Before there is a clinic it is
        only looked at, so that a person hears at once what will not do. Faults: as `give_birth`."""
        if self.answers and not self.born:
            _founder(given, (given,))
            return
        actor = await self.standing(token)
        name, username = clean_name(given.name), clean_username(given.username)
        clinic, phc = self._behind.clinic(), ""
        if given.password:
            _check_password(given.password, username, name)
            phc = await clinic.door.hash(given.password)
        await clinic.db.write(lambda tx: people.change(tx, actor, given.role, name, username, phc))
        self._behind.tell_box()

    async def codes(self, token: str, role: Role) -> list[str]:
        """A sheet of codes for one of the two, shown once; it counts when one of them was typed back."""
        await self.standing(token)
        return await self._behind.clinic().db.write(lambda tx: people.print_codes(tx, role))

    async def confirm_codes(self, token: str, role: Role, typed: str) -> None:
        """Fault("wrong_code")."""
        await self.standing(token)
        await self._behind.clinic().db.write(lambda tx: people.confirm_codes(tx, role, typed))
        if await self._everybody_ready():
            self._keep(answers.reached(self.answers, "sheet"))

    async def finish(self, token: str) -> None:
        """Set-up is over, for ever. Faults: wrong_state (a step is missing), not_signed_in."""
        await self.standing(token)
        if not await self._everybody_ready():
            raise Fault("wrong_state", "codes are missing")
        self._end()

    # -- who may -------------------------------------------------------------------------------------------------

    async def standing(self, token: str) -> Actor:
        """The administrator, for whoever gave the passphrase. Faults: wrong_state, not_signed_in."""
        if self.answers and not self.born:
            raise Fault("wrong_state", "there is no clinic yet")
        actor = await self.actor(token)
        if actor is None:
            raise Fault("not_signed_in")
        return actor

    async def actor(self, token: str) -> Actor | None:
        """The same, None for everybody else."""
        if self._answers is None or not token or token_hash(token) not in self._tokens:
            return None
        if not self._behind.is_unlocked():
            return None
        await self._still_new()
        first = await self._behind.clinic().db.read(people.first_two)
        return Actor(first[0].person, "administrator", surface="console", address="console")

    async def _allowed(self, token: str) -> None:
        """Before there is a clinic everybody at the console; then as `standing`. Fault("restore_busy")."""
        if self._restoring >= 0:
            raise Fault("restore_busy")
        if self.answers and self.born:
            await self.standing(token)

    async def _still_new(self) -> None:
        """Fault("wrong_state") where somebody has signed in to this clinic ever: then it is nobody's to set up."""
        if not await self._behind.clinic().db.read(rows.untouched):
            self._end()
            raise Fault("wrong_state", "this clinic is in use")

    async def _everybody_ready(self) -> bool:
        return all(one.ready for one in await self._behind.clinic().db.read(people.first_two))

    def _admit(self) -> str:
        token = new_token()
        self._tokens = [*self._tokens[-MAX_TOKENS + 1 :], token_hash(token)]
        return token

    def _end(self) -> None:
        answers.finish(self._home)
        self._answers, self._tokens = None, []
        self._behind.tell_box()

    # -- what is kept --------------------------------------------------------------------------------------------

    def _keep(self, changed: Answers) -> None:
        if changed != self._answers or not self._home.setup.exists():
            answers.save(self._home, changed)
            self._answers = changed
        self._behind.tell_box()

    def _set(self, section: str, words: dict[str, str]) -> None:
        self._behind.set_settings(settings.save(self._home.settings, section, words))


def check_passphrase(passphrase: str) -> None:
    """Faults: weak_passphrase, bad_request (endless)."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise Fault("weak_passphrase")
    if len(passphrase) > MAX_PASSPHRASE:
        raise Fault("bad_request", "passphrase length")


def machine_zone(link: Path = Path("/etc/localtime")) -> str:
    """The machine's zone as the tz database names it, "" where it cannot be told."""
    with contextlib.suppress(OSError):
        found = str(link.resolve()).partition("zoneinfo/")[2]
        return found if _ZONE.fullmatch(found) else ""
    return ""


def _founder(given: Person, everybody: Sequence[Person]) -> Founder:
    name, username = clean_name(given.name), clean_username(given.username)
    _check_password(given.password, username, name)
    return Founder(name, username, given.role, given.password, first=given is everybody[0], codes=[])


def _check_password(password: str, username: str, name: str) -> None:
    if problem := unfit(password, (username, *name.split())):
        raise Fault(f"password_{problem}")


def _line(text: str, least: int, most: int) -> str:
    """One line without what cannot be seen. Fault("bad_request")."""
    line = " ".join("".join(char if char.isprintable() else " " for char in normal(text)).split())
    if not least <= len(line) <= most:
        raise Fault("bad_request", "length")
    return line
