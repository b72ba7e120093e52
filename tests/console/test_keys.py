"""The page of keys: what an administrator does there, and that no secret stays on the screen."""

from __future__ import annotations

from typing import Literal

import pytest

from appliance.store import sheet
from tests.console.conftest import Desk, sitting_down
from tests.fakes.daemon_keys import AT, ENTROPY, HQ_CODE, _slot

NEW = "seven slow boats at noon"
KEEPS: tuple[Literal["on_disk", "by_tpm"], ...] = ("on_disk", "by_tpm")
WORDS = sheet.words(ENTROPY, "en")


async def opens(desk: Desk, username: str = "dora") -> None:
    await desk.signs_in(username)
    await desk.presses("k")
    await desk.comes_to("KeysPage")
    await desk.sees("Keys of the box", "front desk")


async def test_only_an_administrator_comes_to_the_keys(desk: Desk) -> None:
    await desk.signs_in("cleo")
    await desk.presses("k")
    await desk.sees("Your role")
    assert desk.page == "TodayPage"


async def test_a_passphrase_is_added_when_it_was_typed_the_same_twice(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("p")
    await desk.comes_to("KeyForm")
    await desk.types("night shift")
    await desk.presses("enter")
    await desk.types(NEW)
    await desk.presses("enter")
    await desk.types("something else")
    await desk.presses("enter")
    await desk.sees("not the same")
    assert NEW not in desk.screen
    await desk.types(NEW)
    await desk.presses("enter")
    await desk.sees("The new passphrase opens the box", "night shift")
    assert desk.daemon.keys.secrets["0" * 15 + "1"] == NEW


async def test_a_short_passphrase_is_not_sent(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("p", "enter")
    await desk.comes_to("KeyForm")
    await desk.types("short")
    await desk.presses("enter")
    await desk.types("short")
    await desk.presses("enter")
    await desk.sees("at least 12 characters")
    assert "passphrase" not in desk.daemon.asked


async def test_a_sheet_is_shown_once_and_counts_after_it_was_typed_back(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("w")
    await desk.comes_to("SheetPanel")
    await desk.sees("RECOVERY SHEET", *WORDS)
    await desk.presses("enter")
    await desk.comes_to("KeyForm")
    assert not any(word in desk.screen for word in WORDS)
    await desk.types(" ".join(WORDS[:11]))
    await desk.presses("enter")
    await desk.sees("not the words of that sheet", "NOT TRIED")
    await desk.presses("down", "y")
    await desk.comes_to("KeyForm")
    await desk.types(" ".join(WORDS))
    await desk.presses("enter")
    await desk.sees("It counts as a way in")
    assert "NOT TRIED" not in desk.screen


async def test_the_last_way_in_is_not_removed(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("x")
    await desk.sees("last way into the box")
    assert "remove" not in desk.daemon.asked


async def test_removing_asks_first(desk: Desk) -> None:
    desk.daemon.keys.slots.append(_slot("b" * 16, "sheet", "works", "safe"))
    await opens(desk)
    await desk.presses("down", "x")
    await desk.comes_to("Confirm")
    await desk.sees("Remove Recovery sheet (safe)?")
    await desk.presses("n")
    await desk.comes_to("KeysPage")
    assert "remove" not in desk.daemon.asked
    await desk.presses("x")
    await desk.comes_to("Confirm")
    await desk.presses("y")
    await desk.sees("Removed.")
    assert [slot.id for slot in desk.daemon.keys.slots] == ["a" * 16]


async def test_a_passphrase_is_changed_in_one_step(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("m")
    for _ in range(2):
        await desk.types(NEW)
        await desk.presses("enter")
    await desk.sees("the old one does not any more")
    assert desk.daemon.keys.secrets["a" * 16] == NEW


async def test_a_rekey_says_how_long_it_takes_and_asks_first(desk: Desk) -> None:
    await opens(desk)
    held = desk.daemon.hold("rekey")
    await desk.presses("z")
    await desk.comes_to("Confirm")
    await desk.sees("About 1 s", "small box up to 8")
    await desk.presses("y")
    await desk.sees("The store gets its new key")
    held.set()
    await desk.sees("The store has a new key, after 1.5 s")
    assert desk.daemon.keys.rekeys == 1
    assert "gets its new key" not in desk.screen


async def test_hq_gets_a_slot_only_where_there_is_an_hq(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("q")
    await desk.sees("does not know an HQ yet")
    desk.daemon.keys.enrolled = True
    await desk.presses("escape", "k")
    await desk.comes_to("KeysPage")
    await desk.sees("front desk")
    await desk.presses("q")
    await desk.comes_to("Confirm")
    await desk.sees(HQ_CODE)  # compared with HQ by telephone
    await desk.presses("y")
    await desk.sees("held elsewhere")


@pytest.mark.parametrize("keeps", ["on_disk", "by_tpm"])
async def test_the_box_opens_by_itself_after_it_was_said_what_guards_it(
    desk: Desk, keeps: Literal["on_disk", "by_tpm"]
) -> None:
    desk.daemon.keys.machine_keeps = keeps
    await opens(desk)
    await desk.presses("o")
    await desk.comes_to("Confirm")
    await desk.sees("its card can open it" if keeps == "on_disk" else "A TPM guards the key")
    await desk.presses("n")
    await desk.comes_to("KeysPage")
    assert desk.daemon.keys.told_of_a_tpm == []
    await desk.presses("o")
    await desk.comes_to("Confirm")
    await desk.presses("y")
    await desk.sees("opens by itself from its next start", "This machine", "NOT TRIED", "tried at the next start")
    assert desk.daemon.keys.told_of_a_tpm == [keeps == "by_tpm"]
    assert ("Without a TPM" in desk.screen) is (keeps == "on_disk")
    await desk.presses("down", "y")
    await desk.sees("Nobody types this one")


async def test_where_the_machine_is_not_the_boxs_own_it_keeps_nothing(desk: Desk) -> None:
    await opens(desk)
    await desk.presses("o")
    await desk.sees("does not run on a box of its own")
    assert desk.daemon.keys.told_of_a_tpm == []


@pytest.mark.parametrize("where", ["SheetPanel", "KeyForm"])
async def test_no_secret_stays_on_a_screen_that_nobody_watches(desk: Desk, where: str) -> None:
    await opens(desk)
    await desk.presses("w")
    await desk.comes_to("SheetPanel")
    if where == "KeyForm":
        await desk.presses("enter")
        await desk.comes_to(where)
        await desk.types("abandon ability")
        await desk.sees("abandon ability")
    desk.wait_long(10_000)
    await desk.comes_to("SignInPage")
    await desk.presses("escape")
    assert not any(word in desk.screen for word in (*WORDS, "abandon"))


@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_state_fits_a_small_terminal(language: str, impatient: None) -> None:
    async with sitting_down(language=language) as made:  # one of two words
        made.daemon.keys.slots += [
            _slot("b" * 16, "sheet", "untried", "safe in the office, second floor, left"),
            _slot("c" * 16, "hq", "elsewhere", ""),
            _slot("d" * 16, "machine", "untried", ""),
            _slot("e" * 16, "sheet", "foreign", "ñandú"),
        ]
        await made.signs_in("dora")
        await made.presses("k")
        await made.comes_to("KeysPage")
        await made.sees("front desk", made.app.words("keys.kind.hq"))
        for sentence in ("untried", "foreign", "single", "own_untried", "machine"):
            await made.sees(" ".join(made.app.words(f"keys.remark.{sentence}").split()))
        for key, form in (("p", "KeyForm"), ("w", "SheetPanel")):
            await made.presses(key)
            await made.comes_to(form)
            await made.sees(made.app.words("keys.form.keys" if form == "KeyForm" else "sheet.keys").split("  ")[0])
            assert not made.app.screen.vertical_scrollbar.display
            await made.presses("escape")
        for keeps in KEEPS:
            made.daemon.keys.machine_keeps = keeps
            await made.presses("escape", "k")
            await made.comes_to("KeysPage")
            await made.sees("front desk")
            await made.presses("o")
            await made.comes_to("Confirm")
            await made.sees(" ".join(made.app.words(f"keys.guard.{keeps}").split())[:30])
            await made.presses("n")
        assert AT
