"""The first set-up at the console, before a real appliance and a real store: every step, both ways, with the power gone
between any two, in both languages at 80x24."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.cells import cell_len
from textual.events import Key
from textual.widgets import Input

from appliance.control.client import ControlClient
from appliance.control.types import KEYBOARDS
from appliance.identity import passwords
from appliance.store import birth
from tests.console.conftest import NAMED
from tests.fakes.new_box import Here, NewBox, Steward, cheap
from tests.fakes.waiting import at_work
from tui.app import Console
from tui.screens.setup.last import SheetBackPage
from tui.setting_up import Draft
from tui.words import Words

DRAWN = set("─│┌┐└┘├┤┬┴┼═║╔╗╚╝█▀▄•")
PASSPHRASE = "four quiet lamps here"
RUTH = ("Ruth Stone", "ruth", "seven green boats", "seven green boats")
LENA = ("Lena Brandt", "lena", "seven blue boats", "seven blue boats")


class Sitting:
    """One person before the box's own screen."""

    def __init__(self, box: NewBox | Here, language: str = "en") -> None:
        self.box = box
        self.language = language
        self.seconds = [0.0]
        self.app = self._console()
        self.seen: list[str] = []

    def _console(self) -> Console:
        clock: Callable[[], float] = lambda: self.seconds[0]  # noqa: E731
        now: Callable[[], datetime] = lambda: datetime(2031, 3, 4, 14, 5, tzinfo=UTC)  # noqa: E731
        made = Console(ControlClient(self.box.socket), Words("en", UTC), clock=clock, idle_check=0.01, now=now)
        made.bell = lambda: None  # type: ignore[method-assign]
        return made

    @asynccontextmanager
    async def before(self) -> AsyncIterator[Sitting]:
        """The console runs; another one each time."""
        self.app = self._console()
        async with self.app.run_test(size=(80, 24)) as self.pilot:
            yield self

    @property
    def page(self) -> str:
        return type(self.app.screen).__name__

    @property
    def screen(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips(self.app.size))

    @property
    def draft(self) -> Draft:
        assert self.app._walk is not None
        return self.app._walk.draft

    def says(self, identifier: str, **facts: object) -> str:
        return self.app.words(identifier, **facts)

    async def until(self, condition: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(20):
                while not condition():
                    await self.pilot.pause()
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"at {self.page}\n{self.screen}") from None

    async def at(self, page: str) -> None:
        await self.until(lambda: self.page == page and self.app.screen.is_mounted and not self.app._busy)
        await self.pilot.pause()
        self._look(page)

    async def sees(self, text: str) -> None:
        await self.until(lambda: " ".join(text.split()) in " ".join(self.screen.split()))

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, *texts: str, then: str = "enter") -> None:
        """Each into its field, with Enter behind it, all in one piece as a slow line delivers it."""
        for text in texts:
            for char in text:
                self.app.post_message(Key(NAMED.get(char, char), char))
            self.app.post_message(Key(then, None))
        await self.pilot.pause()

    def clear(self) -> None:
        for field in self.app.screen.query(Input):
            field.value = ""

    def _look(self, page: str) -> None:
        """It fits, in glyphs that a bare terminal has, and says where one is."""
        self.seen.append(page)
        lines = self.screen.splitlines()
        assert len(lines) == 24 and {cell_len(line) for line in lines} == {80}, page
        odd = {char for char in self.screen if char not in DRAWN and not " " <= char <= "ÿ" and char != "\n"}
        assert not odd, (page, odd)
        body = self.app.screen.query_one("#body")
        assert body.virtual_size.height <= body.container_size.height, f"{page} is cut\n{self.screen}"

    # -- the steps, each from its page to the next one

    async def welcome(self) -> None:
        await self.at("WelcomePage")
        await self.presses(*([] if self.language == "en" else ["down"]), "enter")

    async def place(self) -> None:
        await self.at("PlacePage")
        await self.types("madri")

    async def clinic(self) -> None:
        await self.at("ClinicPage")
        await self.types("Casa del Río", "555 0142")

    async def network(self) -> None:
        await self.at("NetworkPage")
        await self.presses("enter")

    async def passphrase(self) -> None:
        await self.at("PassphrasePage")
        await self.types(PASSPHRASE, PASSPHRASE)

    async def administrator(self) -> None:
        await self.at("AdministratorPage")
        await self.types(*RUTH)

    async def lead(self) -> None:
        await self.at("LeadPage")
        await self.types(*LENA)

    async def administrator_codes(self) -> None:
        await self.at("AdministratorCodes")
        await self.types(self.draft.codes["administrator"][3].lower())

    async def lead_codes(self) -> None:
        await self.at("LeadCodes")
        await self.types(self.draft.codes["clinical_lead"][0].replace("-", " "))

    async def sheet(self) -> None:
        await self.at("RecoveryPage")
        sheet = self.draft.sheet
        assert sheet is not None
        await self.presses("enter")
        await self.at("SheetBackPage")
        assert isinstance(self.app.screen, SheetBackPage)
        await self.types(*(sheet.words[place][:4] for place in self.app.screen._places))

    async def headquarters(self) -> None:
        await self.at("HeadquartersPage")
        await self.presses("ctrl+l")

    async def done(self) -> None:
        await self.at("DonePage")
        await self.presses("enter")

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        first = [self.welcome, self.place, self.clinic, self.network, self.passphrase, self.administrator, self.lead]
        return [*first, self.administrator_codes, self.lead_codes, self.sheet, self.headquarters, self.done]


@pytest.fixture
def box() -> Iterator[NewBox]:
    with TemporaryDirectory(prefix="hearth-") as folder:
        made = NewBox(Path(folder))
        try:
            yield made
        finally:
            made.end()


@pytest.fixture
async def here(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Here]:
    """A new box in this process, not started yet."""
    monkeypatch.setattr(birth.give_birth, "__defaults__", birth.give_birth.__defaults__)
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    cheap()
    with TemporaryDirectory(prefix="hearth-") as folder:
        made = Here(Path(folder))
        try:
            yield made
        finally:
            await made.end()


async def test_a_new_box_is_set_up_by_keyboard_alone_there_and_back_again(here: Here, impatient: None) -> None:
    """Each step is left by Escape and come back to, and what was typed stands there still."""
    await here.start()
    async with Sitting(here).before() as person:
        await person.welcome()
        await person.at("PlacePage")
        await person.presses("escape")
        await person.welcome()
        for step in person.steps()[1:7]:
            await step()
        pages = ["LeadPage", "AdministratorPage", "PassphrasePage", "NetworkPage", "ClinicPage", "PlacePage"]
        await person.at("AdministratorCodes")
        for page in pages:
            await person.presses("escape")
            await person.at(page)
        await person.presses("enter")
        await person.at("ClinicPage")
        assert [field.value for field in person.app.screen.query(Input)] == ["Casa del Río", "555 0142"]
        person.clear()
        await person.types("Casa del Mar", "555 0143")
        await person.network()
        await person.at("PassphrasePage")
        await person.types("", "")  # the one that was chosen stays
        await person.at("AdministratorPage")
        person.clear()
        await person.types("Ruth Q. Stone", "ruthq", "", "")
        await person.at("LeadPage")
        await person.types("", "", "", "")
        await person.at("AdministratorCodes")
        assert "Ruth Q. Stone (ruthq)" in person.screen
        for step in person.steps()[7:]:
            await step()
        await person.until(lambda: person.page == "SignInPage")
        told = person.app.known.box
        assert told is not None
        assert (told.clinic, told.phone, told.state, told.set_up) == ("Casa del Mar", "555 0143", "unlocked", None)
        kept = repr(vars(person.app)) + person.screen
        assert PASSPHRASE not in kept and RUTH[2] not in kept


async def test_the_power_may_go_between_any_two_steps(box: NewBox, impatient: None) -> None:
    """In Spanish: what was confirmed is there again at the next start, and the console goes on where it was."""
    await box.start()
    person = Sitting(box, "es")
    resumes = {
        person.place: ("ClinicPage",),
        person.clinic: ("NetworkPage",),
        person.network: ("PassphrasePage",),
        person.lead: ("JoinPage", "AdministratorCodes"),
        person.administrator_codes: ("JoinPage", "AdministratorCodes"),
        person.lead_codes: ("JoinPage", "RecoveryPage"),
        person.sheet: ("JoinPage", "HeadquartersPage"),
        person.headquarters: ("JoinPage", "DonePage"),
    }
    steps = person.steps()

    async def cut() -> None:
        await person.until(lambda: not person.app._busy)
        box.kill()
        await person.until(lambda: not person.app.known.reached)
        await box.start()
        await person.until(lambda: person.app.known.reached)

    async with person.before():
        at = 0
        while at < len(steps):
            step = steps[at]
            if step == person.lead_codes and person.page == "AdministratorCodes":
                await person.presses("enter")  # they were confirmed before the power went
            await step()
            at += 1
            if step == person.administrator:  # a console that stays needs nothing typed twice
                await person.at("LeadPage")
                await cut()
            if step not in resumes:
                continue
            await cut()
            person.app.leave_setup()
            person.app.enter_setup()  # as a console that was started anew
            await person.at(resumes[step][0])
            if len(resumes[step]) > 1:
                await person.types(PASSPHRASE)
                await person.at(resumes[step][1])
        await person.until(lambda: person.page == "SignInPage")
        assert person.app.words.language == "es"


async def test_what_cannot_be_right_is_said_before_the_box_is_asked(here: Here, impatient: None) -> None:
    await here.start()
    async with Sitting(here).before() as person:
        for step in person.steps()[:4]:
            await step()
        await person.at("PassphrasePage")
        await person.types("short", "short")
        await person.sees(person.says("fault.weak_passphrase"))
        await person.types(PASSPHRASE, PASSPHRASE + "!")
        await person.sees(person.says("setup.differ"))
        await person.types(PASSPHRASE)
        await person.at("AdministratorPage")
        await person.types("Ruth Stone", "two words", "seven green boats", "seven green boats")
        await person.sees(person.says("setup.one_word"))
        person.clear()
        person.app.screen.set_focus(person.app.screen.query_one("#name"))
        await person.types("Ruth Stone", "ruth", "ruth stone ruth", "ruth stone ruth")
        await person.sees(person.says("fault.password_name"))
        await person.types("qwertyuiop12", "qwertyuiop12")
        await person.sees(person.says("fault.password_common"))
        person.clear()
        person.app.screen.set_focus(person.app.screen.query_one("#name"))
        await person.administrator()
        await person.at("LeadPage")
        await person.types("Lena Brandt", "RUTH", "seven blue boats", "seven blue boats")
        await person.sees(person.says("setup.other_username"))
        person.clear()
        person.app.screen.set_focus(person.app.screen.query_one("#name"))
        await person.types(*LENA)
        await person.at("AdministratorCodes")


async def test_a_screen_that_nobody_watches_keeps_no_secret(here: Here, impatient: None) -> None:
    await here.start()
    async with Sitting(here).before() as person:
        for step in person.steps()[:7]:
            await step()
        await person.at("AdministratorCodes")
        shown = person.draft.codes["administrator"][0]
        assert shown in person.screen
        person.seconds[0] += 3 * 300 + 1
        await person.at("JoinPage")
        assert shown not in person.screen and not person.app.client.joined


async def test_a_console_waits_for_a_box_that_is_starting(here: Here, impatient: None) -> None:
    async with Sitting(here).before() as person:
        await person.sees(person.says("away.text"))
        await here.start()
        await person.at("WelcomePage")


async def test_a_codes_page_that_the_box_forgot_about_asks_for_the_passphrase(box: NewBox, impatient: None) -> None:
    """The box was gone while the codes were written down: they are made anew, for they were on no disk."""
    await box.start()
    async with Sitting(box).before() as person:
        for step in person.steps()[:7]:
            await step()
        await person.at("AdministratorCodes")
        shown = person.draft.codes["administrator"][0]
        box.kill()
        await person.until(lambda: not person.app.known.reached)
        await box.start()
        await person.until(lambda: person.app.known.reached)
        await person.types(shown)
        await person.at("JoinPage")
        await person.types("not that one at all")
        await person.sees(person.says("fault.wrong_passphrase"))
        await person.types(PASSPHRASE)
        await person.administrator_codes()
        await person.at("LeadCodes")


async def test_wi_fi_is_chosen_from_a_list_and_a_wrong_password_is_said(
    here: Here, impatient: None, tmp_path: Path
) -> None:
    steward = Steward(tmp_path)
    here._errands = tmp_path
    await here.start()
    async with at_work(steward.run()), Sitting(here, "es").before() as person:
        for step in person.steps()[:3]:
            await step()
        await person.at("NetworkPage")
        await person.presses("down", "down", "down", "enter")
        await person.at("OwnWifiPage")
        await person.types("House", "short")
        await person.sees(person.says("setup.network.short"))
        await person.presses("escape")
        await person.at("NetworkPage")
        await person.presses("down", "down", "enter")
        await person.sees("Riverbend")
        await person.at("WifiPage")
        await person.presses("enter")
        await person.types("a wrong password")
        await person.sees(person.says("fault.wifi_refused"))
        person.app.screen.query_one("#wifi_password", Input).value = ""
        await person.types(Steward.PASSWORD)
        await person.at("NetworkPage")
        await person.sees(person.says("setup.network.joined"))
        await person.presses("enter")
        await person.at("PassphrasePage")
    asked = [one for one in steward.asked if one["do"] != "names"]
    assert [one["do"] for one in asked] == ["zone", "scan", "set", "set", "keep"]
    assert asked[0]["zone"] == "Europe/Madrid"
    assert asked[-2]["network"]["wifi"]["country"] == "ES"


@pytest.mark.parametrize(("language", "usual"), [pytest.param("en", "us", marks=pytest.mark.again), ("es", "latam")])
async def test_on_the_boxs_own_screen_the_keyboard_is_chosen_and_tried_before_anything_is_typed(
    here: Here, impatient: None, tmp_path: Path, language: str, usual: str
) -> None:
    steward = Steward(tmp_path)
    here._errands = tmp_path
    await here.start()
    async with at_work(steward.run()), Sitting(here, language).before() as person:
        person.app.own_screen = True
        person.app.enter_setup()
        await person.welcome()
        await person.at("KeyboardPage")
        await person.presses("enter")
        await person.sees(person.says("setup.keyboard.loaded"))
        await person.sees(person.says("setup.keyboard.now", keyboard=person.says(f"keyboard.{usual}")))
        await person.types("abc", then="up")
        await person.sees("abc")
        await person.presses("enter")
        await person.until(lambda: len(steward.asked) > 1 and not person.app._busy)
        await person.sees(person.says("setup.keyboard.loaded"))
        await person.until(lambda: not person.app.screen.query_one("#try", Input).value)
        person._look("KeyboardPage")
        await person.types("ñ@-/")
        await person.at("PlacePage")
        await person.presses("escape")
        await person.at("KeyboardPage")
        await person.presses("escape")
        await person.at("WelcomePage")
    asked = [one for one in steward.asked if one["do"] == "keyboard"]
    before = KEYBOARDS[max(KEYBOARDS.index(usual) - 1, 0)]
    assert asked == [{"do": "keyboard", "layout": one} for one in (usual, before)]


@pytest.mark.again
async def test_a_keyboard_that_the_machine_does_not_take_keeps_nobody_there(here: Here, impatient: None) -> None:
    await here.start()
    async with Sitting(here).before() as person:
        await person.at("WelcomePage")
        person.app.own_screen = True
        person.app.enter_setup()
        walk = person.app._walk
        assert walk is not None and not walk.own_screen  # no steward, no question
        walk.own_screen = True
        await person.welcome()
        await person.at("KeyboardPage")
        await person.presses("enter")
        await person.sees(person.says("fault.not_the_machine"))
        await person.presses("tab", "enter")
        await person.at("PlacePage")
