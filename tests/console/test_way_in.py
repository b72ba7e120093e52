"""Unlock, sign in, sign out, and what the screen must not keep."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from textual.events import Key
from textual.widgets import Input

from tests.console.conftest import NAMED, Desk, sitting_down
from tests.fakes import clinic
from tests.fakes.daemon import PASSPHRASE, PASSWORD


@pytest.fixture
async def desk(impatient: None) -> AsyncIterator[Desk]:
    """At a box that was just started."""
    async with sitting_down(locked=True) as made:
        yield made


async def test_a_wrong_passphrase_says_so_and_leaves_the_field_empty(desk: Desk) -> None:
    await desk.comes_to("UnlockPage")
    await desk.types("wrong one")
    await desk.presses("enter")
    await desk.sees("That is not the passphrase of this box.")
    assert desk.app.screen.query_one(Input).value == ""


async def test_the_passphrase_leads_to_the_sign_in(desk: Desk) -> None:
    await desk.unlocks()
    await desk.sees("The box is unlocked. Please sign in.")


async def test_passphrase_and_password_are_never_on_the_screen(desk: Desk) -> None:
    await desk.comes_to("UnlockPage")
    await desk.types(PASSPHRASE)
    assert PASSPHRASE not in desk.screen and "•" * len(PASSPHRASE) in desk.screen
    await desk.presses("enter")
    await desk.comes_to("SignInPage")
    await desk.types("ana")
    await desk.presses("enter")
    await desk.types(PASSWORD)
    assert PASSWORD not in desk.screen
    await desk.presses("enter")
    await desk.comes_to("TodayPage")
    assert PASSWORD not in repr(vars(desk.app)) and PASSPHRASE not in repr(vars(desk.app))


@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_name_and_password_that_arrive_in_one_piece_end_in_their_own_fields(desk: Desk, key: str) -> None:
    await desk.unlocks()
    for name in (*"ana", key, *(NAMED.get(char, char) for char in PASSWORD), "enter"):
        desk.app.post_message(Key(name, {"space": " "}.get(name, name if len(name) == 1 else None)))
    await desk.until(lambda: desk.page == "TodayPage")


async def test_enter_in_an_empty_name_stays_there(desk: Desk) -> None:
    """Else a name, Tab and a password typed next would leave the password readable in the name's field."""
    await desk.unlocks()
    await desk.presses("enter")
    await desk.types("ben")
    await desk.presses("tab")
    await desk.types(PASSWORD)
    assert desk.app.screen.query_one("#username", Input).value == "ben"
    assert PASSWORD not in desk.screen


async def test_a_wrong_password_says_so_and_leaves_the_field_empty(desk: Desk) -> None:
    await desk.unlocks()
    await desk.types("ana")
    await desk.presses("tab", "x", "enter")
    await desk.sees("That name and password do not belong together.")
    assert desk.app.screen.query_one("#password", Input).value == ""


async def test_too_many_tries_are_told_in_the_consoles_own_words(desk: Desk) -> None:
    desk.daemon.fail_next("unlock", "too_many_tries")
    await desk.comes_to("UnlockPage")
    await desk.presses("x", "enter")
    await desk.sees("Too many tries. Wait a minute, then try again.")


async def test_signing_out_takes_every_name_from_the_screen_and_the_token_from_the_client(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("ctrl+o")
    await desk.comes_to("SignInPage")
    assert "Velasco" not in desk.screen and "Marin" not in desk.screen
    assert not desk.app.client.signed_in
    await desk.until(lambda: not desk.daemon.tokens)


async def test_five_minutes_without_a_key_lock_the_console(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.wait_long(301)
    await desk.sees("Signed out: no key was pressed for a while.")
    assert desk.page == "SignInPage" and not desk.app.client.signed_in


async def test_a_key_keeps_the_console_open(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.wait_long(299)
    await desk.presses("h")
    desk.wait_long(299)
    await desk.presses("s")
    await desk.sees("Sync with HQ")
    assert desk.app.client.signed_in


async def test_the_lock_closes_an_open_invitation_and_an_open_question(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("end", "i", "y")
    await desk.comes_to("InvitationPanel")
    desk.wait_long(301)
    await desk.comes_to("SignInPage")
    assert len(desk.app.screen_stack) == 2


async def test_an_invitation_that_comes_after_the_lock_is_not_shown(desk: Desk) -> None:
    await desk.opens_the_group()
    held = desk.daemon.hold("reissue")
    await desk.presses("end", "i", "y")
    await desk.until(lambda: "reissue" in desk.daemon.asked)
    await desk.presses("ctrl+o")
    held.set()
    await desk.until(lambda: not desk.app._busy)
    assert desk.page == "SignInPage" and "PIN" not in desk.screen


async def test_a_login_that_the_box_ended_leads_back_to_the_sign_in(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.tokens.clear()
    await desk.presses("v")
    await desk.sees("The box has ended your login. Please sign in again.")
    assert desk.page == "SignInPage"


async def test_a_box_that_locks_takes_everybody_back_to_the_passphrase(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.tell_box(state="locked")
    await desk.comes_to("UnlockPage")
    assert "Velasco" not in desk.screen


async def test_the_next_person_to_sign_in_sees_only_their_own(desk: Desk) -> None:
    await desk.signs_in("ana")
    await desk.sees("Evening group")
    await desk.presses("ctrl+o")
    await desk.signs_in("ben")
    await desk.sees("Tuesday group")
    assert "Evening group" not in desk.screen


async def test_what_an_old_line_still_tells_is_not_listened_to(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.tell_member(clinic.GROUP, clinic.JONAS, standing="waiting")
    desk.app._sign_out("banner.signed_out")
    await desk.comes_to("SignInPage")
    await desk.until(lambda: desk.app.known.reached)
    assert desk.app.known.sessions == () and desk.bells == 0
