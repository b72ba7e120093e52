"""A backup brought back at the screen of a new box: by keyboard alone, in both languages, at 80x24."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio

from appliance.copies import restore
from appliance.faults import Fault
from appliance.identity import passwords
from appliance.store import birth
from tests.console.test_setup import Sitting
from tests.contract.test_setup import PASSPHRASE, RUTH
from tests.fakes.new_box import Here, cheap
from tests.fakes.old_box import Old, old_box, plugged_in


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def old() -> AsyncIterator[Old]:
    async with old_box() as made:
        yield made


@pytest.fixture
async def here(monkeypatch: pytest.MonkeyPatch, stick: Path) -> AsyncIterator[Here]:
    """A new box with the stick plugged in, not started yet."""
    monkeypatch.setattr(birth.give_birth, "__defaults__", birth.give_birth.__defaults__)
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    cheap()
    with TemporaryDirectory(prefix="hearth-") as folder:
        made = Here(Path(folder))
        try:
            yield made
        finally:
            await made.end()


@pytest.fixture
def stick(old: Old, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return plugged_in(old, tmp_path, monkeypatch)


async def to_the_list(person: Sitting) -> None:
    await person.at("WelcomePage")
    await person.presses(*([] if person.language == "en" else ["down"]), "ctrl+b")
    await person.place()
    await person.at("RestorePage")


async def to_the_question(person: Sitting, secret: str) -> None:
    await person.at("RestoreKeyPage")
    await person.types(secret)
    await person.until(lambda: person.page == "Confirm")
    await person.sees(person.says("setup.restore_key.question").partition("?")[0])


@pytest.mark.parametrize("language", ["en", pytest.param("es", marks=pytest.mark.again)])
async def test_a_new_box_becomes_the_one_that_the_backup_was_made_of(
    here: Here, impatient: None, stick: Path, old: Old, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back, a wrong passphrase, the words of the sheet; then people sign in as before."""
    go_on, check = threading.Event(), restore.check

    def slowly(folder: Path, unlock: Callable[[Path], object], tell: Callable[[int], None]) -> restore.Checked:
        tell(50)
        assert go_on.wait(20)
        return check(folder, unlock)  # type: ignore[arg-type]

    monkeypatch.setattr(restore, "check", slowly)
    await here.start()
    async with Sitting(here, language).before() as person:
        await to_the_list(person)
        await person.sees("BLUE")
        await person.presses("escape")
        await person.at("PlacePage")
        await person.types("madri")
        await person.at("RestorePage")
        await person.presses("enter")
        await to_the_question(person, "a wrong one here")
        assert "a wrong one here" not in person.screen
        await person.presses("enter")  # no
        await person.at("RestoreKeyPage")
        await person.types("a wrong one here")
        await person.until(lambda: person.page == "Confirm")
        await person.presses(person.says("confirm.yes_keys"))
        await person.sees(person.says("setup.restore_key.wrong"))
        await to_the_question(person, old.words)
        await person.presses(person.says("confirm.yes_keys"))
        await person.until(lambda: person.page == "RestoringPage")
        await person.sees("35 %")
        person._look("RestoringPage")
        await person.presses("escape", "enter")
        assert person.page == "RestoringPage"
        go_on.set()
        await person.until(lambda: person.page == "SignInPage")
        await person.sees(person.says("setup.restoring.done"))
        told = person.app.known.box
        assert told is not None
        assert (told.clinic, told.state, told.set_up) == ("Casa del Río", "unlocked", None)
        assert old.words not in repr(vars(person.app)) + person.screen
        assert (await person.app.client.sign_in("ruth", RUTH.password)).stage == "second"


async def test_a_stick_may_be_plugged_in_later_and_a_bad_backup_is_said_to_be_one(
    here: Here, impatient: None, stick: Path
) -> None:
    shutil.move(stick, stick.parent.parent / "in a drawer")
    await here.start()
    async with Sitting(here).before() as person:
        await to_the_list(person)
        await person.sees(person.says("setup.restore.no_stick"))
        stick.mkdir()
        await person.presses("enter")
        await person.sees(person.says("setup.restore.none"))
        stick.rmdir()
        shutil.move(stick.parent.parent / "in a drawer", stick)
        for copy in stick.iterdir():
            (copy / "manifest.sig").unlink()
        await person.presses("enter")
        await person.sees(person.says("setup.restore.found"))
        await person.at("RestorePage")
        await person.presses("enter")
        await person.sees(person.says("fault.backup_damaged"))
        assert person.page == "RestorePage"


async def test_from_the_clinics_name_it_is_one_key_too_and_without_it_set_up_goes_on(
    here: Here, impatient: None, stick: Path
) -> None:
    await here.start()
    async with Sitting(here).before() as person:
        await to_the_list(person)
        await person.presses("escape")
        await person.at("PlacePage")
        await person.presses("escape")
        await person.welcome()
        await person.place()
        await person.at("ClinicPage")
        await person.presses("ctrl+b")
        await person.at("RestorePage")


async def test_a_console_that_starts_anew_shows_how_far_it_is_and_what_comes_of_it(
    here: Here, impatient: None, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def fails(folder: Path, unlock: object, tell: Callable[[int], None]) -> restore.Checked:
        tell(50)
        assert go_on.wait(20)
        raise Fault("backup_damaged")

    monkeypatch.setattr(restore, "check", fails)
    await here.start()
    async with Sitting(here).before() as person:
        await to_the_list(person)
        await person.presses("enter")
        await to_the_question(person, PASSPHRASE)
        await person.presses("y")
        await person.sees("35 %")
        other = Sitting(here)
        async with other.before():
            await other.until(lambda: other.page == "RestoringPage")
            await other.sees("35 %")
            go_on.set()
            await other.at("RestorePage")
        await person.at("RestorePage")
        await person.sees(person.says("fault.backup_damaged"))


async def test_a_screen_that_nobody_watches_keeps_no_passphrase_half_typed(
    here: Here, impatient: None, stick: Path
) -> None:
    await here.start()
    async with Sitting(here).before() as person:
        await to_the_list(person)
        await person.presses("enter")
        await person.at("RestoreKeyPage")
        await person.presses("f", "o", "u", "r", "ctrl+r")
        await person.sees("four")
        person.seconds[0] += 3 * 300 + 1
        await person.until(lambda: person.page != "RestoreKeyPage")
        assert "four" not in person.screen.split()
