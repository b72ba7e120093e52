"""Releases at the console: what is told, what can be done, and that nothing is done without a yes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from appliance.control.types import Release
from tests.console.conftest import Desk, sitting_down
from tests.unit.tui.test_model import KNOWN
from tui import model

STICK = Release(path="/media/blue/hearth-0.7.1.raucb", where="blue", size=312_000_000, version="0.7.1")
LINE = Release(path="/spool/0.7.2.raucb", where="", size=318_000_000, version="0.7.2")
OLD = Release(path="/media/blue/old.raucb", where="blue", size=1, version="0.5.0", refused="update_older")


async def at_the_page(desk: Desk) -> None:
    await desk.signs_in("dora")
    await desk.presses("9")
    await desk.comes_to("UpdatesPage")


async def test_what_runs_and_how_old_its_patches_are_is_told(desk: Desk) -> None:
    desk.daemon.tell_updates(other_version="0.6.9", release="0.7.2", release_since="2031-03-01", fetching="fetching",
                             have=120_000_000, size=318_000_000, notes={"en": "Mends the sound."})  # fmt: skip
    await at_the_page(desk)
    await desk.sees("This box runs 0.7.0 its patches are 12 days old", "To go back to 0.6.9")
    await desk.sees("0.7.2 of 2031-03-01", "[########............] 120 of 318 MB", "it is coming", "Mends the sound.")


async def test_patches_of_half_a_year_ago_are_told_loudly(desk: Desk) -> None:
    desk.daemon.tell_updates(made_at="2030-01-01T00:00:00Z")
    await at_the_page(desk)
    await desk.sees("PATCHES 427 DAYS OLD")


async def test_a_release_on_a_stick_is_installed_after_a_yes_and_its_progress_shown(desk: Desk) -> None:
    desk.daemon.tell_updates(found=(OLD, STICK))
    await at_the_page(desk)
    await desk.sees("Install 0.7.1 from the stick blue (312 MB)", "0.5.0, on the stick blue: This release is older")
    await desk.presses("enter")
    await desk.sees("Install release 0.7.1? It takes 5 to 30 minutes.")
    await desk.presses("enter")  # no, by default
    await desk.comes_to("UpdatesPage")
    assert desk.daemon.released == []
    await desk.presses("enter")
    await desk.sees("Install release 0.7.1?")
    await desk.presses("y")
    await desk.until(lambda: desk.daemon.released == [("install", STICK.path, False)])
    desk.daemon.tell_updates(percent=40)
    await desk.sees("[########............] 0.7.1", "The box goes on working meanwhile.")
    desk.daemon.tell_updates(step="", installed="0.7.1")
    await desk.sees("Release 0.7.1 is installed.", "Restart now and start 0.7.1", "Restart tonight at 03:00")
    await desk.presses("down", "enter")
    await desk.until(lambda: desk.daemon.released[-1] == ("restart", "tonight", False))
    await desk.sees("The box restarts tonight at 03:00")


async def test_what_came_over_the_line_is_offered_too(desk: Desk) -> None:
    desk.daemon.tell_updates(found=(LINE,))
    await at_the_page(desk)
    await desk.sees("Install 0.7.2 from headquarters (318 MB)")


async def test_in_a_session_only_an_emergency_installs(desk: Desk) -> None:
    desk.daemon.tell_updates(found=(STICK,))
    await at_the_page(desk)
    await desk.sees("Install 0.7.1")
    desk.daemon.fail_next("install", "session_open")
    await desk.presses("enter", "y")
    await desk.sees("A session is going on", "Is it so urgent")
    await desk.presses("y")
    await desk.until(lambda: desk.daemon.released == [("install", STICK.path, True)])


async def test_why_an_installation_failed_is_told(desk: Desk) -> None:
    desk.daemon.tell_updates(step="installing", installing="0.7.1")
    await at_the_page(desk)
    await desk.sees("Installing [....................] 0.7.1")
    desk.daemon.tell_updates(step="", fault="update_damaged")
    await desk.sees("This release is damaged.")


async def test_a_release_that_fell_back_is_told_until_somebody_has_read_it(desk: Desk) -> None:
    desk.daemon.tell_updates(failed_version="0.7.1", fell_back=True)
    await at_the_page(desk)
    await desk.sees("Release 0.7.1 did not start well, so the box went back to 0.7.0 by itself.")
    await desk.presses("enter")
    await desk.until(lambda: "did not start well" not in desk.screen)
    assert desk.daemon.released == [("seen", "", False)]


async def test_one_goes_back_after_a_yes(desk: Desk) -> None:
    desk.daemon.tell_updates(other_version="0.6.9")
    await at_the_page(desk)
    await desk.sees("Go back to 0.6.9")
    await desk.presses("enter", "y")
    await desk.until(lambda: desk.daemon.released == [("back", "", False)])


async def test_a_machine_that_is_not_the_boxs_own_offers_nothing(desk: Desk) -> None:
    desk.daemon.tell_updates(possible=False, found=(STICK,))
    await at_the_page(desk)
    await desk.sees("does not run on a box of its own")
    assert "Install" not in desk.screen
    assert "Do it" not in desk.screen


async def test_the_front_desk_has_no_such_page(desk: Desk) -> None:
    await desk.signs_in("ana")
    await desk.presses("9")
    await desk.sees("may not do this here: Releases")


async def test_everything_is_there_in_spanish() -> None:
    async with sitting_down(language="es") as desk:
        desk.daemon.tell_updates(found=(STICK,), failed_version="0.7.2", fell_back=True)
        await at_the_page(desk)
        await desk.sees("Instalar la 0.7.1 de la memoria blue", "La versión 0.7.2 no arrancó bien")


@pytest.mark.parametrize(("state", "kind"), [("failed", "update_failed"), ("ready", "update_ready"), ("trial", "")])
def test_who_may_install_is_told_of_a_release_that_waits(state: str, kind: str) -> None:
    assert KNOWN.box is not None
    assert KNOWN.login is not None
    box = msgspec.structs.replace(KNOWN.box, update=state, update_version="0.7.1")
    for may, told in ((("install_update",), [kind] if kind else []), ((), [])):
        known = replace(KNOWN, box=box, login=msgspec.structs.replace(KNOWN.login, may=may))
        assert [one.kind for one in model.needs(known) if one.kind.startswith("update")] == told
