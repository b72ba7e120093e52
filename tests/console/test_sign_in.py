"""The steps after the password."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.console.conftest import Desk, sitting_down
from tests.fakes.daemon import DIGITS, PASSWORD, SHEET
from tui.words import Language


async def _gives_password(desk: Desk, *steps: str, page: str, username: str = "cleo") -> None:
    desk.daemon.steps[username] = list(steps)  # type: ignore[arg-type]
    await desk.comes_to("SignInPage")
    if not desk.app.screen.query_one("#username", Input).value:
        await desk.types(username)
        await desk.presses("tab")
    await desk.types(PASSWORD)
    await desk.presses("enter")
    await desk.comes_to(page)


@pytest.mark.parametrize("code", [DIGITS, SHEET[0]])
async def test_a_code_of_the_app_or_of_the_sheet_is_the_second_step(desk: Desk, code: str) -> None:
    await _gives_password(desk, "second", page="CodePage")
    assert not desk.app.client.signed_in and desk.app.known.login is None
    await desk.sees("The six digits of the app on your phone, or a code from your printed sheet")
    await desk.types(code)
    await desk.presses("enter")
    await desk.comes_to("TodayPage")


async def test_a_wrong_code_says_so_and_leaves_the_field_empty(desk: Desk) -> None:
    await _gives_password(desk, "second", page="CodePage")
    await desk.types("000000")
    await desk.presses("enter")
    await desk.sees("Not done:", "code")
    assert desk.page == "CodePage" and desk.app.screen.query_one(Input).value == ""


async def test_escape_goes_back_to_the_password_and_what_was_reached_is_forgotten(desk: Desk) -> None:
    await _gives_password(desk, "second", page="CodePage")
    await desk.presses("escape")
    await desk.comes_to("SignInPage")
    assert desk.app.client._half == ""


async def test_a_step_that_took_too_long_begins_again(desk: Desk) -> None:
    await _gives_password(desk, "second", page="CodePage")
    desk.daemon.fail_next("code", "not_signed_in")
    await desk.types(DIGITS)
    await desk.presses("enter")
    await desk.comes_to("SignInPage")
    await desk.sees("Please sign in again.")


async def test_who_has_a_passkey_alone_is_led_to_the_portal(desk: Desk) -> None:
    desk.daemon.factors = {"authenticator": 0, "codes": 0, "passkeys": 1}
    await _gives_password(desk, "second", page="CodePage")
    await desk.sees("Sign in at https://hearth.local:8443", "codes on paper")


async def test_with_a_wrong_clock_a_printed_code_is_asked_for(desk: Desk) -> None:
    desk.daemon.tell_box(clock="behind")
    await _gives_password(desk, "second", page="CodePage")
    await desk.sees("the digits of an app may not fit: take a printed code.")


async def test_a_password_that_somebody_else_made_up_is_changed_first(desk: Desk) -> None:
    await _gives_password(desk, "new_password", page="NewPasswordPage")
    await desk.types("a word of mine")
    await desk.presses("enter")
    await desk.types("another one!!")
    await desk.presses("enter")
    await desk.sees("Not done:")
    assert "a word of mine" not in desk.screen
    for _ in range(2):
        await desk.types("a word of mine")
        await desk.presses("enter")
    await desk.comes_to("TodayPage")


async def test_a_first_sheet_is_shown_once_and_counts_when_one_code_was_typed(desk: Desk) -> None:
    await _gives_password(desk, "set_up", page="SheetPage")
    await desk.sees(*SHEET, "They are shown this once.")
    await desk.types("K7Q9M-XXXXX")
    await desk.presses("enter")
    await desk.sees("Not done:", SHEET[9])
    await desk.types(SHEET[0])
    await desk.presses("enter")
    await desk.comes_to("TodayPage")
    assert SHEET[1] not in repr(vars(desk.app))


async def test_a_sheet_does_not_stay_on_a_screen_that_nobody_looks_at(desk: Desk) -> None:
    await _gives_password(desk, "set_up", page="SheetPage")
    desk.wait_long(301)
    await desk.comes_to("SignInPage")
    assert SHEET[0] not in desk.screen


@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_step_fits_the_smallest_window(impatient: None, language: Language) -> None:
    async with sitting_down(language=language) as desk:
        desk.daemon.tell_box(clock="behind")
        for step, page, last in (
            ("second", "CodePage", "Esc"),
            ("new_password", "NewPasswordPage", "Once more" if language == "en" else "Otra vez"),
            ("set_up", "SheetPage", "Esc"),
        ):
            await _gives_password(desk, step, page=page)
            body = "\n".join(desk.screen.splitlines()[1:-4])
            assert last in body and "╝" in body, desk.screen
            assert desk.app.screen.query_one("#body").max_scroll_y == 0, desk.screen
            await desk.presses("escape")
