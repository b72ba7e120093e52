"""The way through set-up: which page stands, what its answers lead to. The calls are in `setting_up.py`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal

from appliance.control.types import SetUp
from tui import model
from tui.screens.setup import first, keyboard, last, network, people, restore
from tui.screens.setup.page import Back, Given, Said, SetupPage
from tui.setting_up import BEGINS, BroughtBack, Moved, NotDone, Role, Stayed, Walk, Where, role_of
from tui.shell import Shell
from tui.widgets.banner import Notice
from tui.widgets.confirm import Confirm
from tui.words import plain

PAGES: Mapping[Where, type[SetupPage] | type[last.HeadquartersPage]] = {
    "join": first.JoinPage,
    "welcome": first.WelcomePage,
    "keyboard": keyboard.KeyboardPage,
    "place": first.PlacePage,
    "clinic": first.ClinicPage,
    "network": network.NetworkPage,
    "passphrase": people.PassphrasePage,
    "administrator": people.AdministratorPage,
    "clinical_lead": people.LeadPage,
    "codes_administrator": people.AdministratorCodes,
    "codes_clinical_lead": people.LeadCodes,
    "sheet": last.RecoveryPage,
    "sheet_back": last.SheetBackPage,
    "headquarters": last.HeadquartersPage,
    "done": last.DonePage,
    "restore": restore.RestorePage,
    "restore_key": restore.RestoreKeyPage,
    "restoring": restore.RestoringPage,
}


class SetupShell(Shell):
    """A console that can lead a new box through its set-up."""

    _walk: Walk | None = None
    _where: Where = "welcome"
    _runs = 0
    own_screen = False  # whether this console is on the box's own screen, with its keyboard

    # -- into it and out of it

    def enter_setup(self) -> None:
        """From wherever the console stood: to where set-up goes on."""
        self._runs += 1
        language: Literal["en", "es"] = "es" if self.words.language == "es" else "en"
        own = self.own_screen and self._set_up.machine
        self._walk = Walk(self.client, self.post_message, self._runs, language, own_screen=own)
        where = self._walk.begins(self._set_up)
        if where in ("join", "welcome", "restoring"):
            self._go(where)
        else:  # what the page shows may have to be fetched first
            self._once(f"setup {self._runs}", self._walk.arrive(where))

    def leave_setup(self) -> None:
        """It is over, or the line is another: nothing typed stays."""
        if self._walk is not None:
            self._walk.draft.forget_secrets()
            self._walk = None
        self.client.leave_set_up()

    @property
    def _set_up(self) -> SetUp:
        box = self.known.box
        return box.set_up if box is not None and box.set_up is not None else SetUp(step="welcome", born=False)

    def rest_setup(self) -> None:
        """Nobody pressed a key for long: what is secret leaves the screen."""
        if self._walk is None or self._where in ("join", "welcome", "restoring"):
            return
        if self._set_up.born or self._walk.draft.passphrase or self._where == "restore_key":
            self.leave_setup()
            self.enter_setup()
            self._say("note", "setup.rested")

    # -- what pages give

    def on_welcome_page_spoken(self, message: first.WelcomePage.Spoken) -> None:
        if self._walk is not None:
            self.speak(message.language)
            self._walk.language = "es" if message.language == "es" else "en"
            self._walk.instead = message.instead
            self._asks(self._walk.language_chosen())

    def on_said(self, message: Said) -> None:
        self._say("fault", message.sentence)

    def on_back(self, _message: Back) -> None:
        if self._walk is None:
            return
        self.notice = None
        if isinstance(self.screen, network.WifiPage | network.OwnWifiPage):
            self._show_page(network.NetworkPage)
        elif (where := self._walk.before(self._where)) != self._where:
            self._asks(self._walk.arrive(where))

    def on_given(self, message: Given) -> None:
        if self._walk is None or message.where != self._where:
            return
        self.notice = None
        role = role_of(message.where)
        doing: Mapping[Where, Callable[[Walk, dict[str, str]], None]] = {
            "join": self._join,
            "keyboard": self._keyboard,
            "place": lambda walk, given: self._asks(walk.set_place(given["zone"])),
            "clinic": self._clinic,
            "network": self._network,
            "passphrase": lambda walk, given: self._passphrase(walk, given["passphrase"]),
            "administrator": lambda walk, given: self._person(walk, role, given),
            "clinical_lead": lambda walk, given: self._person(walk, role, given),
            "codes_administrator": lambda walk, given: self._asks(walk.confirm_codes(role, given["code"])),
            "codes_clinical_lead": lambda walk, given: self._asks(walk.confirm_codes(role, given["code"])),
            "sheet": lambda walk, _: self._asks(
                walk.arrive("headquarters" if walk.draft.sheet_tried else "sheet_back")
            ),
            "sheet_back": lambda walk, _: self._asks(walk.try_sheet()),
            "headquarters": lambda walk, _: self._asks(walk.arrive("done")),
            "done": lambda walk, _: self._asks(walk.finish()),
            "restore": self._restore,
            "restore_key": self._restore_key,
        }
        doing[message.where](self._walk, message.values)

    def _join(self, walk: Walk, given: dict[str, str]) -> None:
        self._say("note", "banner.opening")
        self._asks(walk.join(given["passphrase"], self._set_up))

    def _keyboard(self, walk: Walk, given: dict[str, str]) -> None:
        if "layout" in given:
            self._say("note", "setup.keyboard.loading")
            self._asks(walk.set_keyboard(given["layout"]))
        else:
            self._asks(walk.arrive("place"))

    def _restore(self, walk: Walk, given: dict[str, str]) -> None:
        self._asks(walk.look_again() if restore.AGAIN in given else walk.arrive("restore_key"))

    def _restore_key(self, walk: Walk, given: dict[str, str]) -> None:
        """Asked once more: two boxes that are the same one must never run."""

        def answered(yes: bool | None) -> None:
            if yes and self._walk is walk and self._where == "restore_key":
                walk.asked_to_restore = True
                self._go("restoring")
                self._asks(walk.restore(given["passphrase"]))

        self.push_screen(Confirm(self.words, self.words("setup.restore_key.question")), answered)

    def on_brought_back(self, _message: BroughtBack) -> None:
        self._say("note", "setup.restoring.done")

    def _clinic(self, walk: Walk, given: dict[str, str]) -> None:
        if first.INSTEAD in given:
            walk.instead = True
            self._asks(walk.arrive("restore"))
            return
        walk.draft.name, walk.draft.phone = given["name"].strip(), given["phone"].strip()
        self._asks(walk.set_clinic())

    def _network(self, walk: Walk, given: dict[str, str]) -> None:
        kind = given["kind"]
        walk.draft.zone = walk.draft.zone or self._set_up.zone  # whose country's rules its radio keeps
        if kind == "keep":
            self._asks(walk.keep_network())
        elif kind == "wired":
            self._say("note", "setup.network.trying")
            self._asks(walk.set_network("wired", "", ""))
        elif kind == "wifi" and "wifi" not in given:
            walk.draft.heard = None
            self._show_page(network.WifiPage)
            self._asks(walk.scan())
        elif kind == "access_point" and "own" not in given:
            self._show_page(network.OwnWifiPage)
        else:
            prefix = "wifi" if kind == "wifi" else "own"
            name, password = given[prefix], given[f"{prefix}_password"]
            walk.draft.wifi = name.strip()
            self._say("note", "setup.network.trying")
            self._asks(walk.set_network("wifi" if kind == "wifi" else "access_point", name.strip(), password))

    def _passphrase(self, walk: Walk, passphrase: str) -> None:
        if self._set_up.born:
            self._asks(walk.change_passphrase(passphrase))
        else:
            walk.draft.passphrase = passphrase
            self._asks(walk.arrive("administrator"))

    def _person(self, walk: Walk, role: Role, given: dict[str, str]) -> None:
        person = walk.draft.people[role]
        person.name, person.username = given["name"].strip(), given["username"].strip()
        person.password = given["password"]
        if self._set_up.born or role == "administrator":
            self._asks(walk.give_person(role, born=self._set_up.born))
        else:
            self._say("note", "setup.making")
            self._asks(walk.found())

    # -- what the walk tells

    def on_moved(self, message: Moved) -> None:
        if self._walk is not None and message.run == self._walk.run:
            self.notice = None
            self._go(message.where)

    def on_stayed(self, message: Stayed) -> None:
        if self._walk is None or message.run != self._walk.run:
            return
        self.notice = None
        if message.said and self._where == "network" and self._walk.draft.network is not None:
            self._show_page(network.NetworkPage)
        elif isinstance(self.screen, SetupPage):
            self.screen.told()
        if message.said:
            self._say("note", message.said)

    def on_not_done(self, message: NotDone) -> None:
        if self._walk is None or message.run != self._walk.run or model.place(self.known) != "setup":
            return
        if message.where and message.where != self._where:
            self._go(message.where)
        elif not isinstance(self.screen, SetupPage | last.HeadquartersPage):  # nothing stands there yet
            self._go("join" if self._set_up.born else BEGINS[self._set_up.step])
        text = self.words.fault(message.code, plain(message.about), message.seconds)
        if self._where == "restore_key" and message.code == "wrong_passphrase":
            text = self.words("setup.restore_key.wrong")
        self.notice = Notice("fault", text)

    # -- inside

    def _go(self, where: Where) -> None:
        self._where = where
        self._show_page(PAGES[where])

    def _show_page(self, page: type[SetupPage] | type[last.HeadquartersPage]) -> None:
        if self._walk is not None:
            self._pop_until(lambda screen: False)
            made = page(self._frame, self._walk)
            made.known = self.known  # it is composed before it watches
            self.push_screen(made)

    def _asks(self, doing: Coroutine[Any, Any, None]) -> None:
        self._once("setup", doing)
