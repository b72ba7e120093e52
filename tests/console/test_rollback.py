"""A box whose store is older than what was here before: the console says so, and a person may go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from textual.widgets import Input

from tests.console.conftest import Desk, sitting_down
from tests.fakes.daemon import PASSPHRASE
from tui.words import Language

REASON = "the disk was put back from March"


@pytest.fixture
async def refused(impatient: None) -> AsyncIterator[Desk]:
    """The right passphrase was typed, and the store was refused."""
    async with sitting_down(locked=True) as desk:
        await meets_it(desk)
        yield desk


async def meets_it(desk: Desk, code: str = "store_rolled_back") -> None:
    desk.daemon.missing = code
    await desk.comes_to("UnlockPage")
    await desk.types(PASSPHRASE)
    await desk.presses("enter")
    await desk.comes_to("RollbackPage")


async def goes_on(desk: Desk, reason: str = REASON, passphrase: str = PASSPHRASE) -> None:
    await desk.types(reason)
    await desk.presses("enter")
    await desk.types(passphrase)
    await desk.presses("enter")


async def test_whoever_gives_a_reason_and_the_passphrase_goes_on_and_the_box_opens(refused: Desk) -> None:
    await refused.sees("something newer is missing. Missing entries of the audit: 7.", "put back first", "F12")
    await goes_on(refused)
    assert PASSPHRASE not in refused.screen
    await refused.sees("Go on without what is missing? This cannot be undone.")
    assert refused.daemon.accepted == []
    await refused.presses("y")
    await refused.comes_to("SignInPage")
    await refused.sees("The box is open, and the audit says why.")
    assert refused.daemon.accepted == [REASON]


async def test_enter_at_the_question_changes_nothing_and_the_passphrase_is_gone(refused: Desk) -> None:
    await goes_on(refused)
    await refused.comes_to("Confirm")
    await refused.presses("enter")
    await refused.comes_to("RollbackPage")
    assert refused.app.screen.query_one("#passphrase", Input).value == ""
    assert (refused.daemon.accepted, "accept-rollback" in refused.daemon.asked) == ([], False)


async def test_a_reason_that_says_nothing_is_asked_for_again(refused: Desk) -> None:
    await goes_on(refused, "  because  ")
    await refused.sees("write the reason in a few more words")
    assert "accept-rollback" not in refused.daemon.asked
    assert refused.app.focused is refused.app.screen.query_one("#reason", Input)


async def test_a_wrong_passphrase_accepts_nothing_and_the_reason_stays(refused: Desk) -> None:
    await goes_on(refused, passphrase="not this one")
    await refused.presses("y")
    await refused.until(lambda: refused.app.notice is not None and refused.app.notice.kind == "fault")
    await refused.comes_to("RollbackPage")
    assert refused.daemon.accepted == []
    await refused.types(PASSPHRASE)
    await refused.presses("enter")
    await refused.comes_to("Confirm")
    await refused.presses("y")
    await refused.comes_to("SignInPage")
    assert refused.daemon.accepted == [REASON]


async def test_a_box_that_got_the_newer_store_back_meanwhile_is_opened_and_nothing_is_noted(refused: Desk) -> None:
    refused.daemon.missing = ""
    await goes_on(refused)
    await refused.presses("y")
    await refused.comes_to("SignInPage")
    assert refused.daemon.accepted == []


async def test_escape_leads_back_to_the_passphrase_and_f12_to_what_a_helper_asks(refused: Desk) -> None:
    await refused.presses("f12")
    await refused.comes_to("MachinePage")
    await refused.presses("escape")
    await refused.comes_to("UnlockPage")


async def test_another_refusal_of_a_store_offers_nothing_of_the_kind(impatient: None) -> None:
    async with sitting_down(locked=True) as desk:
        desk.daemon.missing = "store_truncated"
        await desk.comes_to("UnlockPage")
        await desk.types(PASSPHRASE)
        await desk.presses("enter")
        await desk.sees("The store has been cut short.")
        assert desk.page == "UnlockPage"


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("code", ["store_rolled_back", "wal_missing"])
async def test_it_is_all_in_sight_at_80_by_24(language: Language, code: str, impatient: None) -> None:
    async with sitting_down(language=language, locked=True) as desk:
        await meets_it(desk, code)
        await desk.types("x" * 9)
        await desk.presses("enter", "x", "enter")
        await desk.sees(desk.app.words("rollback.short")[:40])
        body = desk.app.screen.query_one("#body")
        assert body.virtual_size.height <= body.container_size.height, desk.screen
