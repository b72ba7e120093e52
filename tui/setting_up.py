"""The first set-up of a box at the console: where a person is in it, what was typed so far, the calls of the client.

What was typed stays in this object until it is done with or forgotten, so that nobody types twice after a step back;
secrets are in no message but the one that hands them on, and go when the clinic is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import (
    AccessPointSettings,
    FoundBackup,
    FoundBackups,
    HeardNetwork,
    NetworkSettings,
    NetworkState,
    SetUp,
    SetUpPerson,
    SetUpStep,
    Sheet,
    WifiSettings,
)
from tui import places
from tui.work import Post

Role = Literal["administrator", "clinical_lead"]
Where = Literal[
    "join",  # the passphrase of a set-up that was cut short
    "welcome",
    "keyboard",
    "place",
    "clinic",
    "network",
    "passphrase",
    "administrator",
    "clinical_lead",
    "codes_administrator",
    "codes_clinical_lead",
    "sheet",
    "sheet_back",
    "headquarters",
    "done",
    "restore",  # a backup instead of a new clinic
    "restore_key",
    "restoring",
]
INSTEAD: tuple[Where, ...] = ("restore", "restore_key", "restoring")
ORDER: tuple[Where, ...] = tuple(one for one in get_args(Where)[1:] if one not in INSTEAD)
# What each counts as, of the nine steps that people are told of; welcome, join and a backup's are none.
NUMBERS: Mapping[Where, int] = {
    "keyboard": 1,  # of the box's own screen; elsewhere the step begins with the place
    "place": 1,
    "clinic": 2,
    "network": 3,
    "passphrase": 4,
    "administrator": 5,
    "clinical_lead": 5,
    "codes_administrator": 6,
    "codes_clinical_lead": 6,
    "sheet": 7,
    "sheet_back": 7,
    "headquarters": 8,
    "done": 9,
}
STEPS = 9
FEWEST = "US"  # whose radio rules allow what nearly all countries do, where nobody said where the box is
# Where a step of the box begins at the console.
BEGINS: Mapping[SetUpStep, Where] = {
    "welcome": "welcome",
    "place": "place",
    "clinic": "clinic",
    "network": "network",
    "passphrase": "passphrase",
    "codes": "codes_administrator",
    "sheet": "sheet",
    "headquarters": "headquarters",
    "done": "done",
}


@dataclass(slots=True, repr=False)
class Person:
    """One of the first two, as typed."""

    name: str = ""
    username: str = ""
    password: str = ""
    ready: bool = False


@dataclass(slots=True, repr=False)
class Draft:
    """All that was typed or shown so far in this run. Never printed."""

    name: str = ""
    phone: str = ""
    zone: str = ""
    keyboard: str = ""
    passphrase: str = ""
    wifi: str = ""
    people: dict[Role, Person] = field(default_factory=lambda: {"administrator": Person(), "clinical_lead": Person()})
    codes: dict[Role, tuple[str, ...]] = field(default_factory=dict)
    sheet: Sheet | None = None
    sheet_tried: bool = False
    heard: tuple[HeardNetwork, ...] | None = None
    network: NetworkState | None = None
    backups: FoundBackups | None = None
    backup: FoundBackup | None = None  # the one that was chosen

    def forget_secrets(self) -> None:
        """What opens anything goes; names stay."""
        self.passphrase, self.sheet = "", None
        self.codes.clear()
        for person in self.people.values():
            person.password = ""


class Moved(Message):
    """What was asked is done: go to `where`."""

    def __init__(self, run: int, where: Where) -> None:
        super().__init__()
        self.run = run
        self.where = where


class Stayed(Message):
    """It was done, or heard, and the page stays: it draws itself anew. `said`: a sentence's id, or ""."""

    def __init__(self, run: int, said: str = "") -> None:
        super().__init__()
        self.run = run
        self.said = said


class BroughtBack(Message):
    """The backup is the box's from now on, and set-up is over."""


class NotDone(Message):
    """It was refused. `where`: the step at which it is to be put right, "" for where one is."""

    def __init__(self, run: int, code: str, about: str, seconds: int, where: Where | Literal[""] = "") -> None:
        super().__init__()
        self.run = run
        self.code = code
        self.about = about
        self.seconds = seconds
        self.where = where


@dataclass(slots=True)
class Walk:
    """One run through set-up. `run` tells answers of an older one apart; `language` is that of the screen."""

    client: ControlClient
    post: Post
    run: int
    language: Literal["en", "es"]
    draft: Draft = field(default_factory=Draft)
    own_screen: bool = False  # whose keyboard is the box's to set
    instead: bool = False  # a backup comes back in place of a new clinic
    asked_to_restore: bool = False  # by this console, in this run

    def after(self, where: Where) -> Where:
        """The next one."""
        order = self._order
        return order[min(order.index(where) + 1, len(order) - 1)]

    def before(self, where: Where) -> Where:
        """The one before; the first is its own."""
        if where == "join":
            return "join"
        if where == "restoring":
            return "restore"
        if where == "sheet_back" and self.draft.sheet_tried:
            return "sheet"
        order = self._order
        return order[max(order.index(where) - 1, 0)]

    @property
    def _order(self) -> tuple[Where, ...]:
        order = (*ORDER[: ORDER.index("clinic")], *INSTEAD) if self.instead else ORDER
        return tuple(one for one in order if one != "keyboard" or self.own_screen)

    def begins(self, known: SetUp) -> Where:
        """Where to go on with what the box has."""
        if known.restoring >= 0:
            self.instead = True
            return "restoring"
        if known.born and not self.client.joined:
            return "join"
        if not known.born and known.step == "passphrase" and not self.draft.passphrase:
            return "passphrase"
        return BEGINS[known.step]

    # -- what is asked of the box --------------------------------------------------------------------------------

    async def arrive(self, where: Where) -> None:
        """What a page needs before it is shown, then the page."""

        async def fetch() -> None:
            if where in ("codes_administrator", "codes_clinical_lead", "sheet", "administrator", "clinical_lead"):
                await self._learn_people()
            if where == "restore":
                self.draft.backups = await self.client.backups_in_set_up()
            role = role_of(where)
            if where.startswith("codes_") and role not in self.draft.codes and not self.draft.people[role].ready:
                self.draft.codes[role] = await self.client.codes_in_set_up(role)
            if where == "sheet" and self.draft.sheet is None and not self.draft.sheet_tried:
                self.draft.sheet = await self.client.add_sheet(self.language)
            if where in ("sheet", "headquarters", "done"):
                await self.client.set_step(where)

        await self._try(fetch, where)

    async def join(self, passphrase: str, known: SetUp) -> None:
        """Go on with a set-up that was cut short."""
        await self._onward(lambda: self.client.join_set_up(passphrase), BEGINS[known.step])

    async def language_chosen(self) -> None:
        """The first answer: the box keeps it with the next one."""
        await self._try(_nothing, self.after("welcome"))

    async def set_keyboard(self, layout: str) -> None:
        """The keys are so at once, and whoever chose tries them."""

        async def load() -> None:
            await self.client.set_keyboard_in_set_up(layout)
            self.draft.keyboard = layout

        await self._stay(load, "setup.keyboard.loaded")

    async def set_place(self, zone: str) -> None:
        self.draft.zone = zone
        await self._onward(lambda: self.client.set_place(self.language, zone), self.after("place"))

    async def look_again(self) -> None:
        """For sticks that were plugged in meanwhile."""

        async def look() -> None:
            self.draft.backups = await self.client.backups_in_set_up()

        await self._stay(look)

    async def restore(self, secret: str) -> None:
        """Bring the chosen backup back. The box tells how far it is, and then that it is set up."""
        try:
            await self.client.restore_in_set_up(self.draft.backup.path if self.draft.backup else "", secret)
        except ControlFault as fault:
            where: Where = "restore_key" if fault.code in ("wrong_passphrase", "too_many_tries") else "restore"
            self.post(NotDone(self.run, fault.code, fault.about, fault.seconds, where))
        else:
            self.post(BroughtBack())
        finally:
            self.asked_to_restore = False

    async def set_clinic(self) -> None:
        await self._onward(lambda: self.client.set_clinic(self.draft.name, self.draft.phone), "network")

    async def keep_network(self) -> None:
        """As it is."""
        await self._onward(lambda: self.client.set_step("passphrase"), "passphrase")

    async def scan(self) -> None:
        """Listen for Wi-Fi."""

        async def listen() -> None:
            self.draft.heard = await self.client.scan_in_set_up()

        await self._stay(listen)

    async def set_network(self, kind: Literal["wired", "wifi", "access_point"], name: str, password: str) -> None:
        """Try it; the page tells the address that came of it."""
        country = places.country(self.draft.zone) or FEWEST
        settings = NetworkSettings(
            kind=kind,
            wifi=WifiSettings(name=name, password=password, country=country) if kind == "wifi" else None,
            access_point=(
                AccessPointSettings(name=name, password=password, country=country) if kind == "access_point" else None
            ),
        )

        async def join() -> None:
            self.draft.network = await self.client.network_in_set_up(settings)

        await self._stay(join, "setup.network.joined")

    async def change_passphrase(self, passphrase: str) -> None:
        """After the clinic was made; "" keeps it."""

        async def change() -> None:
            if passphrase:
                await self.client.change_passphrase_in_set_up(passphrase)

        await self._onward(change, "administrator")

    async def give_person(self, role: Role, *, born: bool) -> None:
        """Before the clinic is made the box only looks at it; then it changes them."""
        person = self.draft.people[role]
        given = SetUpPerson(role=role, name=person.name, username=person.username, password=person.password)

        async def change() -> None:
            await self.client.change_founder(given)
            if born:
                person.password = ""

        await self._onward(change, self.after(role))

    async def found(self) -> None:
        """The clinic, in one piece."""
        people = tuple(
            SetUpPerson(role=role, name=one.name, username=one.username, password=one.password)
            for role, one in self.draft.people.items()
        )

        async def make() -> None:
            try:
                await self.client.found_clinic(self.draft.passphrase, people)
            except ControlFault as fault:
                if fault.code == "wrong_state":  # another console was faster, or the answer was lost
                    await self.client.join_set_up(self.draft.passphrase)
                else:
                    raise
            self.draft.forget_secrets()

        await self._onward(make, "codes_administrator")

    async def confirm_codes(self, role: Role, typed: str) -> None:
        """One of them as it was written down; "" where they were confirmed before."""
        here: Where = "codes_administrator" if role == "administrator" else "codes_clinical_lead"

        async def confirm() -> None:
            if not self.draft.people[role].ready:
                await self.client.confirm_codes_in_set_up(role, typed)
            self.draft.people[role].ready = True
            self.draft.codes.pop(role, None)

        await self._onward(confirm, self.after(here))

    async def try_sheet(self) -> None:
        """The person typed some of its words rightly: the box is shown that all of them open it."""
        sheet = self.draft.sheet

        async def attempt() -> None:
            if sheet is not None:
                await self.client.try_key(sheet.id, " ".join(sheet.words))
            self.draft.sheet, self.draft.sheet_tried = None, True

        await self._onward(attempt, "headquarters")

    async def finish(self) -> None:
        """Done; the box tells that it is set up."""
        await self._stay(self.client.finish_set_up)

    # -- inside --------------------------------------------------------------------------------------------------

    async def _learn_people(self) -> None:
        if not self.client.joined:
            return
        found = await self.client.set_up_people()
        for one in found.people:
            person = self.draft.people[one.role]
            person.name, person.username, person.ready = one.name, one.username, one.ready
        self.draft.sheet_tried = found.sheet

    async def _onward(self, work: Callable[[], Awaitable[object]], where: Where) -> None:
        """Do it, then fetch what the next page needs."""
        try:
            await work()
        except ControlFault as fault:
            self._refused(fault)
        else:
            await self.arrive(where)

    async def _try(self, work: Callable[[], Awaitable[object]], where: Where) -> None:
        try:
            await work()
        except ControlFault as fault:
            self._refused(fault)
        else:
            self.post(Moved(self.run, where))

    async def _stay(self, work: Callable[[], Awaitable[object]], said: str = "") -> None:
        try:
            await work()
        except ControlFault as fault:
            self._refused(fault)
        else:
            self.post(Stayed(self.run, said))

    def _refused(self, fault: ControlFault) -> None:
        where: Where | Literal[""] = "passphrase" if fault.code == "weak_passphrase" else ""
        if fault.code == "not_signed_in":
            self.client.leave_set_up()
            where = "join"
        self.post(NotDone(self.run, fault.code, fault.about, fault.seconds, where))


def role_of(where: Where) -> Role:
    """Whose step that is."""
    return "clinical_lead" if where in ("clinical_lead", "codes_clinical_lead") else "administrator"


async def _nothing() -> None:
    return None
