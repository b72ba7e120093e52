"""The machine at the console: what a helper asks, restart and switch off, delete everything."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from textual.widgets import Input

from appliance.control.types import Doctor
from appliance.doctor.figures import Figures, code, read
from tests.console.conftest import Desk, sitting_down
from tests.fakes import clinic
from tests.fakes.daemon import FakeDaemon
from tui.machine import DoctorTold
from tui.screens.machine import grouped


def _quiet(daemon: FakeDaemon) -> None:
    """No session goes on."""
    for one in list(daemon.sessions):
        daemon.tell_session(one, state="ended")


async def _types(desk: Desk, text: str) -> None:
    desk.app.screen.query_one("#typed", Input).value = text
    await desk.presses("enter")


@pytest.fixture
async def locked(impatient: None) -> AsyncIterator[Desk]:
    async with sitting_down() as made:
        made.daemon.tell_box(state="locked")
        await made.comes_to("UnlockPage")
        yield made


# -- for a helper ------------------------------------------------------------------------------------------------------


async def test_whoever_runs_the_box_reads_out_how_it_is_and_shows_the_same_as_a_code(desk: Desk) -> None:
    await desk.signs_in("ana")
    await desk.presses("f12")
    await desk.comes_to("MachinePage")
    await desk.sees(" 1 ok Hearth 0.7.0; open", " 6 ok Disk: 82 % free, 19.5 GiB", "Read out last:")
    await desk.presses("enter")
    await desk.sees(*grouped(code(desk.daemon.figures)))
    await desk.presses("enter")
    await desk.sees(" 1 ok Hearth")


async def test_at_a_locked_box_whoever_sits_there_reads_it_out(locked: Desk) -> None:
    await locked.comes_to("UnlockPage")
    await locked.presses("f12")
    await locked.comes_to("MachinePage")
    await locked.sees(" 1 ok Hearth 0.7.0")
    await locked.presses("escape")
    await locked.comes_to("UnlockPage")


async def test_who_does_not_run_the_box_is_told_so(desk: Desk) -> None:
    await desk.signs_in("ben")
    await desk.presses("f12")
    await desk.sees("may not do this here: For a helper.")


async def test_a_box_that_does_not_say_is_asked_once_more(desk: Desk) -> None:
    await desk.signs_in("ana")
    await desk.presses("f12")
    await desk.comes_to("MachinePage")
    desk.app.screen.post_message(DoctorTold(None))
    await desk.sees("Press Esc and try once more.")


FULL = Figures(
    **{
        "major": 10, "minor": 12, "patch": 100, "running": 3, "up_hours": 8_000, "slot": 1, "trial": 0, "fell_back": 1,
        "release_days": 1_000, "update": 1, "line": 3, "mbps": 10_000, "address": 254, "address_kind": 1, "gateway": 0,
        "hq": 1, "hq_fault": 3, "hq_hours": 8_000, "receipt_days": 1_000, "queued": 60_000, "clock": 6,
        "clock_from": 2, "clock_minutes": 900_000, "clock_off": -99_999, "portal_days": 1_000, "name_days": 1_000,
        "courier_days": 1_000, "disk_percent": 100, "disk_mib": 900_000, "store": 3, "card": 1, "card_used": 110,
        "card_errors": 1_000, "card_written": 10_000, "degrees": 100, "throttled": 2, "memory_mib": 20_000,
        "memory_total": 30_000, "relay": 0, "people": 100, "carried": 900, "capacity": 0, "backup": 3,
        "backup_days": 1_000,
    }
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_longest_text_and_its_code_fit_the_smallest_window(language: str, impatient: None) -> None:
    async with sitting_down(language=language) as desk:
        desk.daemon.figures = FULL
        await desk.signs_in("ana")
        await desk.presses("f12")
        await desk.comes_to("MachinePage")
        await desk.until(lambda: "13 NO" in desk.screen)
        lines = desk.screen.splitlines()
        assert any("Enter" in line or "Intro" in line for line in lines)  # the last line is there, nothing is cut off
        await desk.presses("enter")
        await desk.until(lambda: grouped(code(FULL))[-1] in desk.screen)
        typed = " ".join(part for part in grouped(code(FULL)) if part in desk.screen)
        assert read(typed.lower()) == FULL


# -- restart and switch off --------------------------------------------------------------------------------------------


async def test_the_box_restarts_or_switches_off_after_one_question(desk: Desk) -> None:
    _quiet(desk.daemon)
    await desk.signs_in("ana")
    desk.app.action_do("restart_box")
    await desk.sees("Restart the box or switch it off?", "N Neither")
    await desk.presses("n")
    assert desk.daemon.powered == []
    desk.app.action_do("restart_box")
    await desk.comes_to("Choice")
    await desk.presses("o")
    await desk.sees("The box switches off now.")
    assert desk.daemon.powered == [("off", False)]


async def test_while_a_session_goes_on_it_is_asked_twice(desk: Desk) -> None:
    assert any(one.state == "open" for one in clinic.sessions())
    await desk.signs_in("ana")
    desk.app.action_do("restart_box")
    await desk.comes_to("Choice")
    await desk.presses("r")
    await desk.sees("A session is going on. Everybody in it loses the line.")
    assert desk.daemon.powered == []
    await desk.presses("r")
    await desk.sees("The box restarts now.")
    assert desk.daemon.powered == [("restart", True)]


async def test_a_hearth_that_is_a_guest_on_its_machine_says_that_it_cannot(desk: Desk) -> None:
    desk.daemon.fail_next("power", "not_the_machine")
    await desk.signs_in("ana")
    desk.app.action_do("restart_box")
    await desk.comes_to("Choice")
    await desk.presses("r")
    await desk.sees("not its to change")


# -- everything --------------------------------------------------------------------------------------------------------


async def test_an_administrator_deletes_everything_by_the_clinics_name(desk: Desk) -> None:
    await desk.signs_in("dora")
    desk.app.action_do("reset_box")
    await desk.comes_to("ResetPage")
    await desk.sees("It cannot be undone.", "Nothing is deleted yet.", desk.daemon.box.clinic)
    await _types(desk, "another clinic")
    await desk.sees("That is not the name of the clinic")
    assert desk.daemon.deleted == []
    await _types(desk, desk.daemon.box.clinic.lower())
    await desk.sees("The keys are destroyed.")
    assert len(desk.daemon.deleted) == 1


async def test_nobody_else_deletes_anything(desk: Desk) -> None:
    await desk.signs_in("ana")
    await desk.presses("ctrl+n")
    await desk.sees("may not do this here: Delete everything.")


async def test_at_a_box_that_nobody_can_open_a_word_typed_twice_deletes_it(locked: Desk) -> None:
    await locked.comes_to("UnlockPage")
    await locked.sees("Ctrl-N makes this a new box.")
    await locked.presses("ctrl+n")
    await locked.comes_to("ResetPage")
    await locked.sees("Only if nobody has the passphrase", "type ERASE")
    locked.daemon.fail_next("erase", "erase_wait")
    await _types(locked, "erase")
    await locked.sees("Nothing is deleted yet. Read it once more.")
    await locked.sees("Type ERASE once more to delete everything.")
    await _types(locked, "erase")
    await locked.sees("The keys are destroyed.")
    assert locked.daemon.deleted == ["erase"]


@pytest.mark.parametrize("language", ["en", "es"])
async def test_its_pages_fit_the_smallest_window(language: str, impatient: None) -> None:
    async with sitting_down(language=language) as desk:
        await desk.signs_in("dora")
        desk.app.action_do("reset_box")
        await desk.comes_to("ResetPage")
        await desk.sees("Nothing is deleted yet." if language == "en" else "Todavía no se ha borrado nada.")


# -- the clock ---------------------------------------------------------------------------------------------------------


async def test_far_back_is_asked_of_an_administrator_once_more_and_told_to_others(desk: Desk) -> None:
    for user in ("ana", "dora"):
        desk.daemon.fail_next("clock", "clock_before_audit")
        await desk.signs_in(user)
        await desk.presses("c")
        await desk.comes_to("ClockPage")
        await desk.presses("enter", "y")
        if user == "ana":
            await desk.sees("an administrator can set it back")
            await desk.presses("escape", "ctrl+o")
            await desk.comes_to("SignInPage")
    await desk.sees("The box has noted things at later times already.")
    await desk.presses("y")
    await desk.until(lambda: desk.daemon.told)
    assert desk.daemon.set_back


async def test_headquarters_sets_the_clock_and_nobody_is_asked(desk: Desk) -> None:
    desk.daemon.tell_box(clock_synchronised=True, clock_source="headquarters")
    await desk.signs_in("ana")
    await desk.presses("c")
    await desk.sees("Headquarters sets this clock.")


async def test_a_card_with_errors_is_the_first_thing_on_its_page(desk: Desk) -> None:
    desk.daemon.tell_health(card="failing", throttled="now")
    await desk.signs_in("ana")
    await desk.sees("The card has errors")
    await desk.presses("h")
    await desk.sees("CARD HAS ERRORS", "is slowed down")


def test_the_wire_carries_no_name() -> None:
    told = msgspec.json.decode(msgspec.json.encode(Doctor(lines=(), code="", words=("a", "b"))))
    assert set(told) == {"lines", "code", "words", "bad"}
