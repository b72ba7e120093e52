"""The line to the box: lost, back again, gaps; health and sync always in sight."""

from __future__ import annotations

from tests.console.conftest import Desk
from tests.fakes import clinic


async def test_a_lost_line_keeps_the_last_facts_and_says_from_when(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.daemon.stop()
    await desk.sees("No connection to the box since 2:05 PM.", "Marta Velasco")
    assert desk.app.screen.has_class("stale")


async def test_without_a_line_a_command_says_that_nothing_was_done(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.daemon.stop()
    await desk.sees("No connection")
    await desk.presses("a")
    await desk.sees("No connection to the box right now. Nothing was done.")


async def test_the_line_comes_back_by_itself_with_what_happened_meanwhile(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.daemon.stop()
    await desk.sees("No connection")
    desk.daemon.tell_session(clinic.GROUP, locked=True)
    await desk.daemon.start()
    await desk.sees("door LOCKED")
    await desk.until(lambda: "No connection" not in desk.screen)
    assert not desk.app.screen.has_class("stale")


async def test_a_cut_feed_is_taken_up_again(desk: Desk) -> None:
    await desk.opens_the_group()
    snapshots = desk.daemon.asked.count("snapshot")
    desk.daemon.disconnect()
    await desk.until(lambda: desk.daemon.asked.count("snapshot") > snapshots)
    desk.daemon.tell_session(clinic.GROUP, locked=True)
    await desk.sees("door LOCKED")


async def test_a_gap_leads_to_a_new_snapshot(desk: Desk) -> None:
    await desk.opens_the_group()
    snapshots = desk.daemon.asked.count("snapshot")
    desk.daemon.tell_gap()
    await desk.until(lambda: desk.daemon.asked.count("snapshot") > snapshots)


async def test_a_missing_entry_leads_to_a_new_snapshot(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.lose_an_entry()
    desk.daemon.tell_session(clinic.GROUP, locked=True)
    await desk.sees("door LOCKED")
    desk.daemon.tell_session(clinic.GROUP, locked=False)
    await desk.sees("open, door unlocked")


async def test_those_who_wait_on_are_not_announced_again_after_a_reconnection(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.disconnect()
    desk.daemon.tell_health(load=1.7)
    await desk.sees("Load 1.7")
    assert desk.bells == 0


async def test_a_refused_snapshot_is_told_with_its_sentence(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.version += 1
    desk.daemon.disconnect()
    await desk.sees("The box runs another version than this console.")


async def test_health_and_sync_are_on_every_page(desk: Desk) -> None:
    await desk.comes_to("SignInPage")
    await desk.sees("Load 0.4/4", "Memory 38 %", "Disk 12 %", "52 °C", "HQ: has everything")
    await desk.signs_in()
    for key in ("t", "n", "h", "s", "question_mark"):
        await desk.presses(key)
        await desk.sees("Load 0.4/4", "HQ: has everything, receipt 1:40 PM", "Picture and sound: on")


async def test_an_unreachable_hq_shows_since_when_and_how_much_waits(desk: Desk) -> None:
    await desk.signs_in()
    desk.daemon.tell_sync(
        state="hq_unreachable", queued=12, unreachable_since="2031-03-02T09:00:00Z", fault="wrong_certificate"
    )
    await desk.sees("HQ: NOT REACHED since Mar 2, 9:00 AM, 12 waiting", "12 records wait safely on the box")
    await desk.presses("s")
    await desk.sees("12 records", "What answers at HQ's address is not the HQ we know.")


async def test_an_unreachable_hq_without_a_since_shows_the_last_attempt(desk: Desk) -> None:
    await desk.signs_in()
    desk.daemon.tell_sync(state="hq_unreachable", queued=1, last_attempt_at="2031-03-04T14:01:00Z")
    await desk.sees("HQ: NOT REACHED, tried 2:01 PM, 1 waiting")


async def test_a_box_in_trouble_says_it_in_words(desk: Desk) -> None:
    await desk.signs_in()
    desk.daemon.tell_health(disk_used=115 * clinic.GIB, temperature=84.0, memory_used=8 * clinic.GIB, load=9.0)
    desk.daemon.tell_box(relay_connected=False)
    await desk.sees(
        "The disk is nearly full", "The box is too hot", "The memory is nearly full", "Picture and sound: DOWN"
    )
    await desk.presses("h")
    await desk.sees("NEARLY FULL", "TOO HOT", "BUSY", "DOWN, starting again by itself")
