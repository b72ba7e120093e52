"""A wrong clock at the console: it says so, and whoever may says what time it is."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.console.conftest import Desk, sitting_down


async def _types_over(desk: Desk, query: str, text: str) -> None:
    field = desk.app.screen.query_one(query, Input)
    field.value = text
    await desk.pilot.pause()


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("behind", "its clock stood still"),
        ("ahead", "much too late"),
        ("jumped", "while the box was running"),
    ],
)
async def test_a_wrong_clock_is_told_before_anybody_signs_in_and_first_on_today(
    desk: Desk, trouble: str, why: str
) -> None:
    desk.daemon.tell_box(clock=trouble, clock_correction=-365 * 86400)
    await desk.sees("The clock is wrong. Printed codes work")
    await desk.signs_in("ana")
    await desk.sees("! The clock is wrong: press C and say what time it is")
    await desk.presses("c")
    await desk.comes_to("ClockPage")
    await desk.sees(why, "goes on from the last time it saw", "Mar 4, 2030, 2:05 PM")


async def test_what_was_typed_is_shown_in_full_and_set_only_after_a_yes(desk: Desk) -> None:
    desk.daemon.tell_box(clock="behind")
    await desk.signs_in("ana")
    await desk.presses("c")
    await desk.comes_to("ClockPage")
    await _types_over(desk, "#date", "2032-03-04")
    await desk.presses("enter")
    await desk.sees("Set the clock to Mar 4, 2032, 2:05 PM?", "366 d 0 h")
    await desk.presses("n")
    await desk.comes_to("ClockPage")
    assert desk.daemon.told == []
    await desk.presses("enter", "y")
    await desk.until(lambda: desk.daemon.told)
    assert desk.daemon.told[0].startswith("2032-03-04T14:05:")
    await desk.comes_to("TodayPage")
    await desk.sees("The box goes by Mar 4, 2032, 2:05 PM now.")
    assert "clock is wrong" not in desk.screen


async def test_what_is_no_date_is_said_so_and_nothing_is_asked(desk: Desk) -> None:
    await desk.signs_in("ana")
    await desk.presses("c")
    await desk.comes_to("ClockPage")
    await _types_over(desk, "#date", "yesterday")
    await desk.presses("enter")
    await desk.sees("Please type the date like 2026-11-22")
    assert desk.page == "ClockPage"


async def test_a_clock_that_a_time_server_sets_is_not_asked_for(desk: Desk) -> None:
    desk.daemon.tell_box(clock_synchronised=True)
    await desk.signs_in("ana")
    await desk.presses("c")
    await desk.comes_to("ClockPage")
    await desk.presses("enter")
    await desk.sees("Note: A time server sets this clock.")
    await desk.presses("escape")
    await desk.comes_to("TodayPage")


async def test_who_may_not_set_the_clock_is_told_so(desk: Desk) -> None:
    await desk.signs_in("ben")
    await desk.presses("c")
    await desk.sees("Your role (facilitator) may not do this here: Set the clock.")


async def test_the_page_fits_the_smallest_window_in_both_languages(impatient: None) -> None:
    for language, last in (("en", "Nobody is signed out by it."), ("es", "Nadie pierde su sesión")):
        async with sitting_down(language=language) as desk:
            desk.daemon.tell_box(clock="behind")
            await desk.signs_in("ana")
            await desk.presses("c")
            await desk.comes_to("ClockPage")
            await desk.sees(last)
