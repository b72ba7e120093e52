"""Every page in both languages: it fits 80x24, a bare terminal can draw it, its keys are in sight."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from tests.console.conftest import Desk, sitting_down
from tests.fakes import clinic
from tui.widgets.address import AddressCode
from tui.words import Language

# What the kernel's own font and Debian's console fonts have: Latin-1, lines, blocks, the bullet of masked fields.
DRAWN = set("─│┌┐└┘├┤┬┴┼═║╔╗╚╝█▀▄•")


async def pages(desk: Desk) -> AsyncIterator[str]:
    """Walk through every page; its name as it stands there."""
    yes = desk.app.words("confirm.yes_keys")
    await desk.comes_to("UnlockPage")
    yield "unlock"
    await desk.unlocks()
    yield "sign in"
    await desk.signs_in()
    yield "today"
    for key, page in (("n", "SessionPage"), ("h", "HealthPage"), ("s", "SyncPage"), ("question_mark", "HelpPage")):
        await desk.presses(key)
        await desk.comes_to(page)
        yield page
    await desk.presses("escape", "ctrl+p")
    await desk.comes_to("Palette")
    yield "palette"
    await desk.presses("escape", "d")
    await desk.comes_to("Confirm")
    yield "confirm"
    await desk.presses("escape", "end", "i", yes)
    await desk.comes_to("InvitationPanel")
    yield "invitation"
    await desk.presses("escape")
    desk.daemon.tell_member(clinic.GROUP, clinic.JONAS, standing="waiting")
    await desk.until(lambda: desk.bells)
    await desk.daemon.stop()
    await desk.until(lambda: not desk.app.known.reached)
    yield "lost"


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_page_fits_and_needs_only_the_glyphs_of_a_bare_terminal(
    language: Language, size: tuple[int, int], impatient: None
) -> None:
    async with sitting_down(language=language, size=size, locked=True) as desk:
        async for page in pages(desk):
            lines = desk.screen.splitlines()
            assert len(lines) == size[1] and {cell_len(line) for line in lines} == {size[0]}, page
            odd = {char for char in desk.screen if char not in DRAWN and not " " <= char <= "ÿ" and char != "\n"}
            assert not odd, (page, odd)
            assert not desk.app.screen.vertical_scrollbar.display, page


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_keys_of_every_page_are_in_sight_at_80_by_24(language: Language, impatient: None) -> None:
    async with sitting_down(language=language, locked=True) as desk:
        async for page in pages(desk):
            if page in ("palette", "confirm", "invitation", "lost"):
                continue
            foot = "\n".join(desk.screen.splitlines()[-3:])
            assert desk.app.words("command.palette") in foot, page
            if desk.app.known.login is not None:
                assert desk.app.words("command.sign_out") in foot, page


async def test_help_lists_every_command_and_says_what_the_role_may_not_do(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    await desk.presses("question_mark")
    await desk.sees("Vouch", "(not for your role) Let a waiting person into the")
    await desk.presses("end")
    await desk.sees("Quit", "^Q")


async def test_the_palette_does_a_command_by_its_name(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("ctrl+p", *"vouch", "enter")
    await desk.sees("Marta Velasco is vouched for.")


async def test_the_palette_explains_what_it_cannot_do(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    await desk.presses("ctrl+p", *"admit")
    await desk.sees("not for your role")
    await desk.presses("enter")
    await desk.sees("Your role (front desk) may not do this here: Admit.")


async def test_the_palette_can_be_left_and_finds_nothing_kindly(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("ctrl+p", *"xyzzy")
    await desk.sees("No command has this name.")
    await desk.presses("enter", "escape")
    await desk.comes_to("SessionPage")


async def test_escape_goes_back_one_page_at_a_time(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("h", "s", "question_mark")
    assert desk.page == "HelpPage"
    await desk.presses("escape")
    assert desk.page == "SessionPage"
    await desk.presses("escape")
    assert desk.page == "TodayPage"
    await desk.presses("escape")
    assert desk.page == "TodayPage"


async def test_ctrl_c_does_not_end_the_console_but_says_what_does(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("ctrl+c")
    await desk.sees("To leave the console press ^Q.")


async def test_a_click_on_a_key_hint_does_the_same(desk: Desk) -> None:
    await desk.opens_the_group()
    foot = desk.screen.splitlines()
    row = next(number for number, line in enumerate(foot) if "H Health" in line)
    await desk.pilot.click(offset=(foot[row].index("Health") + 1, row))
    await desk.comes_to("HealthPage")


async def test_the_list_of_today_shows_a_session_with_enter(desk: Desk) -> None:
    await desk.signs_in()
    await desk.presses("enter")
    await desk.comes_to("SessionPage")
    await desk.sees("Tuesday group", "Ben Okafor connected")


async def test_a_letter_works_as_the_capital_that_the_hints_show(desk: Desk) -> None:
    """Caps Lock is on, or somebody presses what stands there."""
    await desk.signs_in()
    for key, page in (("H", "HealthPage"), ("S", "SyncPage"), ("T", "TodayPage"), ("N", "SessionPage")):
        await desk.presses(key)
        await desk.comes_to(page)
    await desk.presses("D")
    await desk.comes_to("Confirm")
    await desk.presses("N")
    await desk.comes_to("SessionPage")
    assert "deny" not in desk.daemon.asked


async def test_nobody_is_counted_in_a_session_that_has_ended(desk: Desk) -> None:
    await desk.signs_in()
    title = next(one.title for one in desk.app.known.sessions if one.id == clinic.GROUP)
    desk.daemon.tell_session(clinic.GROUP, state="ended")
    await desk.until(lambda: any(title in line and line.split()[-3:] == ["-"] * 3 for line in desk.screen.splitlines()))


@pytest.mark.parametrize("language", ["en", "es"])
async def test_how_much_of_the_box_is_in_use_is_in_sight_at_80_by_24(language: Language, impatient: None) -> None:
    async with sitting_down(language=language) as desk:
        await desk.signs_in()
        desk.daemon.tell_health(carried=0.634, people=14, capacity="measured")
        await desk.sees("63 %")
        desk.daemon.tell_health(carried=1.02, people=20, capacity="assumed")
        await desk.until(
            lambda: any(line.lstrip().startswith("! ") and "102 %" in line for line in desk.screen.splitlines())
        )
        await desk.presses("h")
        await desk.comes_to("HealthPage")
        await desk.sees("102 %, 20")
        assert all(len(line.rstrip()) <= 80 for line in desk.screen.splitlines())


@pytest.mark.parametrize("language", ["en", "es"])
async def test_where_the_portal_is_stands_on_an_empty_day_and_on_a_page_of_its_own(
    language: Language, impatient: None
) -> None:
    async with sitting_down(language=language) as desk:
        desk.daemon.sessions.clear()
        await desk.signs_in()
        await desk.sees(" ".join(desk.app.words("today.portal", address="https://192.168.1.5:8443").split()))
        await desk.presses("ctrl+p")
        await desk.comes_to("Palette")
        await desk.types(desk.app.words("command.portal"))
        await desk.presses("enter")
        await desk.comes_to("PortalPage")
        await desk.sees("https://192.168.1.5:8443/trust", "█████")
        body = desk.app.screen.query_one("#body")
        assert body.virtual_size.height <= body.container_size.height


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_code_of_the_portal_covers_nothing_and_goes_where_there_is_no_room(
    language: Language, impatient: None
) -> None:
    async with sitting_down(language=language, locked=True) as desk:
        for page in ("UnlockPage", "SignInPage"):
            await (desk.comes_to(page) if page == "UnlockPage" else desk.unlocks())
            await desk.sees("https://192.168.1.5:8443", "█████")
            code = desk.app.screen.query_one(AddressCode).region
            assert all(field.region.right < code.x for field in desk.app.screen.query(Input))
            await desk.pilot.resize_terminal(80, 19)
            await desk.until(lambda: not desk.app.screen.query_one(AddressCode).display)
            await desk.pilot.resize_terminal(80, 24)
            await desk.until(lambda: desk.app.screen.query_one(AddressCode).display)
