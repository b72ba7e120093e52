"""Backups at the console: what is told to whom, and one made on a stick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from appliance.control.types import Copies, Place
from tests.console.conftest import Desk, sitting_down
from tests.unit.tui.test_model import KNOWN
from tui import backups, model
from tui.model import Known
from tui.words import Language

STICK = Place(path="/media/clinic/BLUE", kind="stick", free=12 * 10**9, total=32 * 10**9, same_disk=False)
FOLDER = Place(path="/srv/copies", kind="folder", free=10**9, total=10**10, same_disk=True)
GONE = Place(path="/mnt/gone", kind="folder", free=0, total=0, same_disk=False, fault="backup_no_place")


def backup_needs(copies: Copies) -> list[str]:
    found = {need.kind for need in model.needs(replace(KNOWN, copies=copies))}
    return sorted(found & {"restored", "backup_failed", "no_backup", "old_backup"})


def test_no_backup_an_old_one_and_a_failed_one_need_somebody() -> None:
    assert backup_needs(Copies(state="none")) == ["no_backup"]
    assert backup_needs(Copies(state="old", last_at="2031-01-01T00:00:00Z")) == ["old_backup"]
    assert backup_needs(Copies(state="fine", fault="backup_full")) == ["backup_failed"]
    assert backup_needs(Copies(state="none", fault="backup_full")) == ["backup_failed"]
    assert backup_needs(Copies(state="fine", restored_from="2031-01-01T00:00:00Z")) == ["restored"]
    assert backup_needs(Copies(state="fine")) == backup_needs(Copies()) == []


def test_while_one_is_made_nobody_is_asked_for_one() -> None:
    assert backup_needs(Copies(state="none", fault="backup_full", step="copying")) == []
    assert model.needs(Known()) == ()


def test_the_end_of_a_backup_is_told_once() -> None:
    copying, made = Copies(step="copying"), Copies(state="fine", last_at="2031-01-01T00:00:00Z")
    assert backups.ended(copying, made) == "done"
    assert backups.ended(copying, Copies(fault="backup_full")) == "backup_full"
    assert backups.ended(made, made) == backups.ended(copying, copying) == backups.ended(None, made) == ""


async def at_the_page(desk: Desk) -> None:
    await desk.signs_in("dora")
    await desk.presses("b")
    await desk.comes_to("BackupsPage")


async def test_an_administrator_backs_up_on_a_stick_and_sees_how_far_it_is(desk: Desk) -> None:
    desk.daemon.places = (FOLDER, STICK)
    desk.daemon.tell_copies(state="none")
    await desk.signs_in("dora")
    await desk.sees("There is NO BACKUP of this box yet")
    await desk.presses("b")
    await desk.sees("none yet NONE YET", "/media/clinic/BLUE", "free: 11.2 of 29.8 GB", "THE BOX'S OWN DISK")
    await desk.presses("down", "enter")
    await desk.until(lambda: desk.daemon.backed_up == ["/media/clinic/BLUE"])
    desk.daemon.tell_copies(percent=40)
    await desk.sees("Under way", "[########............] copying")
    desk.daemon.tell_copies(step="checking", percent=80)
    await desk.sees("reading it back")
    desk.daemon.tell_copies(step="", state="fine", last_at="2031-03-04T14:05:00Z")
    await desk.sees("The backup is made, read back and opened.", "hearth-backup-1dc69106-000004", "fine")


async def test_a_backup_that_failed_says_why(desk: Desk) -> None:
    desk.daemon.places = (GONE,)
    desk.daemon.tell_copies(step="copying")
    await at_the_page(desk)
    desk.daemon.tell_copies(step="", fault="backup_full")
    await desk.sees("There is not enough room for the backup.", "Last try", "FAILED")


async def test_a_place_that_is_refused_is_told(desk: Desk) -> None:
    desk.daemon.places = (STICK,)
    await at_the_page(desk)
    await desk.sees("/media/clinic/BLUE")
    desk.daemon.fail_next("backups", "backup_busy")
    await desk.presses("enter")
    await desk.sees("A backup is being made already.")


async def test_without_a_stick_the_page_says_what_to_do(desk: Desk) -> None:
    await at_the_page(desk)
    await desk.sees("No stick is there. Plug one in")
    desk.daemon.places = (STICK,)
    await desk.presses("f5")
    await desk.sees("/media/clinic/BLUE")


async def test_a_restoration_is_told_until_an_administrator_has_seen_it(desk: Desk) -> None:
    desk.daemon.tell_copies(state="fine", restored_from="2031-02-28T09:00:00Z", last_at="2031-03-04T14:05:00Z")
    await desk.signs_in("dora")
    await desk.sees("This box came out of a backup of Feb 28, 9:00 AM")
    await desk.presses("b")
    await desk.sees("switch the old one off")
    await desk.until(lambda: "seen" in desk.daemon.asked)
    await desk.sees("switch the old one off")  # it stays while the page does
    await desk.presses("escape")
    await desk.comes_to("TodayPage")
    await desk.until(lambda: "came out of a backup" not in desk.screen)


async def test_others_are_told_that_a_backup_is_missing_but_cannot_make_one(desk: Desk) -> None:
    desk.daemon.tell_copies(state="none")
    await desk.signs_in("ana")
    await desk.sees("There is NO BACKUP of this box yet: an administrator presses B")
    await desk.presses("b")
    await desk.sees("may not do this here: Backups")
    assert desk.page == "TodayPage" and "backups?" not in desk.daemon.asked


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_page_fits_80_by_24(language: Language, impatient: None) -> None:
    async with sitting_down(language=language) as desk:
        desk.daemon.places = (FOLDER, STICK, GONE)
        desk.daemon.tell_copies(
            state="old",
            last_at="2031-02-01T14:05:00Z",
            fault="backup_failed",
            same_disk=True,
            restored_from="2031-01-28T09:00:00Z",
        )
        await at_the_page(desk)
        shown: Callable[[], bool] = lambda: "/mnt/gone" in desk.screen  # noqa: E731
        await desk.until(shown)
        await desk.sees(desk.app.words("backups.hint.make"), desk.app.words("backups.unfit"))
