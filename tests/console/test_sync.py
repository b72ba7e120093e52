"""Sync at the console: how records travel, a stick written and read, and the way out of a log that was set back."""

from __future__ import annotations

import pytest

from appliance.control.types import Place, StickRefusal, StickState
from tests.console.conftest import Desk, sitting_down
from tui.words import Language

STICK = Place(path="/media/clinic/BLUE", kind="stick", free=12 * 10**9, total=32 * 10**9, same_disk=False)
FULL = StickState(
    way="import",
    settled=12,
    packs=3,
    refused=tuple(
        StickRefusal(name=f"000000000000000{n}.hsb", code=code)
        for n, code in enumerate(("bundle_damaged", "receipt_other_key", "bundle_other_box", "pack_other_box"), 1)
    ),
)


async def at_the_page(desk: Desk, username: str = "ana") -> None:
    await desk.signs_in(username)
    await desk.presses("s")
    await desk.comes_to("SyncPage")


async def test_what_waits_is_told_with_its_size_age_rate_and_an_honest_time(desk: Desk) -> None:
    desk.daemon.tell_sync(
        state="sending",
        queued=410,
        queued_bytes=1_900_000,
        oldest_at="2031-03-01T09:00:00Z",
        rate=250.0,
        courier="sending",
    )
    await at_the_page(desk)
    await desk.sees("410 records, 1.9 MB, the oldest of Mar 1, 9:00 AM", "at most 2 h 6 min at the rate of late")
    desk.daemon.tell_sync(courier="hours", waits_until="2031-03-04T22:00:00Z")
    await desk.sees("waits for the hours that were set, until 10:00 PM")
    desk.daemon.tell_sync(courier="budget", waits_until="2031-03-05T00:00:00Z", budget_left=0, bytes_today=20_000_000)
    await desk.sees("today's data is used up", "20.0 MB used")
    desk.daemon.tell_sync(courier="waiting", state="hq_unreachable", fault="name_unknown")
    await desk.sees("not known while HQ can't be reached", "does not know HQ's name")


async def test_the_courier_is_told_to_try_now(desk: Desk) -> None:
    await at_the_page(desk)
    await desk.presses("f5")
    await desk.sees("The courier tries now.")
    await desk.presses("enter")
    await desk.until(lambda: desk.daemon.asked.count("now") == 2)


async def test_a_stick_is_chosen_written_and_told_of(desk: Desk) -> None:
    desk.daemon.places = (STICK,)
    await at_the_page(desk)
    await desk.presses("down", "enter")
    await desk.sees("Write on which stick?", "/media/clinic/BLUE", "can read nothing on it")
    await desk.presses("enter")
    await desk.until(lambda: desk.daemon.carried == [("export", "/media/clinic/BLUE")])
    desk.daemon.tell_sync(stick=StickState(step="writing", way="export", percent=40))
    await desk.sees("[########............] writing")
    desk.daemon.tell_sync(stick=StickState(way="export", segments=7, bytes=140_000, there=2))
    await desk.sees(
        "The stick is written. You can pull it out", "7 sealed parts written (140 kB), 2 were there already"
    )


async def test_what_a_stick_brought_and_what_was_not_taken_is_told(desk: Desk) -> None:
    desk.daemon.places = (STICK,)
    await at_the_page(desk)
    await desk.presses("down", "down", "enter")
    await desk.sees("Read which stick?", "/media/clinic/BLUE")
    await desk.presses("enter")
    await desk.until(lambda: desk.daemon.carried == [("import", "/media/clinic/BLUE")])
    desk.daemon.tell_sync(stick=FULL)
    await desk.sees("Something on it was not taken", "12 sealed parts have HQ's receipt now, 3 packs taken")
    await desk.sees("0000000000000001.hsb: It is cut short", "It is from another HQ.", "and 1 more")


async def test_a_stick_that_failed_says_why(desk: Desk) -> None:
    desk.daemon.tell_sync(stick=StickState(step="writing", way="export"))
    await at_the_page(desk)
    desk.daemon.tell_sync(stick=StickState(way="export", segments=1, bytes=9, fault="stick_full"))
    await desk.sees("The stick is full.", "FAILED")
    desk.daemon.tell_sync(stick=StickState(step="reading", way="import"))
    await desk.sees("] reading")
    desk.daemon.tell_sync(stick=StickState(way="import", nothing=True))
    await desk.sees("There is nothing for this box on that stick.")


async def test_without_a_stick_the_page_says_what_to_do_and_escape_leads_back(desk: Desk) -> None:
    await at_the_page(desk)
    await desk.presses("down", "enter")
    await desk.sees("No stick is there. Plug one in and press F5.")
    desk.daemon.places = (STICK,)
    await desk.presses("f5")
    await desk.sees("/media/clinic/BLUE")
    await desk.presses("escape")
    await desk.sees("What to do")
    await desk.presses("escape")
    await desk.comes_to("TodayPage")


async def test_a_refusal_is_told(desk: Desk) -> None:
    desk.daemon.places = (STICK,)
    await at_the_page(desk)
    await desk.presses("down", "enter")
    await desk.sees("/media/clinic/BLUE")
    desk.daemon.fail_next("sticks", "stick_busy")
    await desk.presses("enter")
    await desk.sees("A stick is being written or read already.")


async def test_an_administrator_finds_the_way_out_of_a_log_that_was_set_back(desk: Desk) -> None:
    desk.daemon.tell_sync(state="sending", queued=3, trouble="set_back")
    await at_the_page(desk, "dora")
    await desk.sees("A PERSON MUST DECIDE", "nothing goes out before that is decided")
    await desk.presses("down", "down", "down", "enter")
    await desk.sees("Why does this box go on after what HQ has?")
    await desk.types("short")
    await desk.presses("enter")
    await desk.sees("at least ten characters")
    await desk.types(" but long enough")
    await desk.presses("enter")
    await desk.sees("Go on after what HQ has?")
    await desk.presses("y")
    await desk.until(lambda: desk.daemon.adopted == ["short but long enough"])
    await desk.sees("The box goes on after what HQ has.")


async def test_whoever_has_looked_further_down_sees_what_is_asked_next(impatient: None) -> None:
    async with sitting_down(size=(80, 24)) as desk:
        desk.daemon.tell_sync(state="sending", queued=3, rate=250.0, trouble="set_back", budget_left=9, stick=FULL)
        await at_the_page(desk, "dora")
        await desk.sees("Go on after what HQ has ...")
        await desk.presses("pagedown")
        await desk.until(lambda: "Go on after what HQ has ..." not in desk.screen)
        await desk.presses("down")
        await desk.sees("Go on after what HQ has ...")
        await desk.presses("pagedown", "down", "down", "enter")
        await desk.sees("Why does this box go on after what HQ has?")


async def test_others_are_told_whom_to_ask(desk: Desk) -> None:
    desk.daemon.tell_sync(state="sending", queued=3, trouble="set_back")
    await at_the_page(desk, "ana")
    await desk.sees("An administrator has to decide")
    assert "Go on after" not in desk.screen


async def test_an_administrator_comes_from_here_to_the_page_of_headquarters(desk: Desk) -> None:
    desk.daemon.tell_sync(state="not_enrolled", queued=3)
    await at_the_page(desk, "dora")
    await desk.sees("Which HQ knows this box")
    assert "Write sealed records" not in desk.screen
    await desk.presses("enter")
    await desk.comes_to("EnrolPage")


async def test_nobody_else_is_offered_the_page_of_headquarters(desk: Desk) -> None:
    desk.daemon.tell_sync(state="not_enrolled", queued=3)
    await at_the_page(desk, "ana")
    await desk.sees("does not know an HQ yet")
    assert "Which HQ" not in desk.screen


async def test_who_may_not_carry_is_offered_nothing(desk: Desk) -> None:
    await at_the_page(desk, "ben")
    await desk.sees("HQ has everything.")
    assert "Write sealed records" not in desk.screen
    await desk.presses("f5")
    assert "now" not in desk.daemon.asked


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_page_fits(language: Language, size: tuple[int, int], impatient: None) -> None:
    async with sitting_down(language=language, size=size) as desk:
        desk.daemon.tell_sync(
            state="hq_unreachable",
            queued=1410,
            queued_bytes=12_900_000,
            oldest_at="2031-01-01T09:00:00Z",
            rate=2500.0,
            budget_left=100_000,
            bytes_today=9_900_000,
            fault="name_unknown",
            unreachable_since="2031-02-01T09:00:00Z",
            last_attempt_at="2031-03-04T14:00:00Z",
            trouble="set_back",
            heard_at="2031-02-01T09:00:00Z",
            silent=True,
            silent_days=31,
            stick=FULL,
        )
        await at_the_page(desk, "dora")
        await desk.sees(desk.app.words("sync.decide"), desk.app.words("sync.deed.adopt"))
