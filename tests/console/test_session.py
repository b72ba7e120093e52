"""Waiting room and roster: every command by its key, and why it is not done."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.console.conftest import Desk, sitting_down
from tests.fakes import clinic
from tests.fakes.daemon import FakeDaemon
from tui.screens.session import SessionPage


def standing(desk: Desk, member: str) -> str:
    return next(one.standing for one in desk.daemon.sessions[clinic.GROUP].members if one.id == member)


def group(desk: Desk) -> SessionPage:
    assert isinstance(desk.app.screen, SessionPage)
    return desk.app.screen


async def test_v_vouches_and_a_admits_the_highlighted_person(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("v")
    await desk.sees("Marta Velasco is vouched for.")
    await desk.presses("a")
    await desk.sees("Marta Velasco is admitted.", "WAITING ROOM (1)", "IN THE SESSION (4)")
    assert standing(desk, clinic.MARTA) == "admitted"


async def test_denying_asks_once(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("d")
    await desk.sees("Marta Velasco?", "Y yes")
    assert standing(desk, clinic.MARTA) == "waiting"
    await desk.presses("y")
    await desk.sees("WAITING ROOM (1)")
    assert standing(desk, clinic.MARTA) == "denied"


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_anything_but_yes_is_no(desk: Desk, key: str) -> None:
    await desk.opens_the_group()
    await desk.presses("d", key)
    await desk.comes_to("SessionPage")
    assert standing(desk, clinic.MARTA) == "waiting" and "deny" not in desk.daemon.asked


async def test_the_question_is_for_the_person_it_was_asked_about(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("d")
    desk.daemon.tell_member(clinic.GROUP, clinic.MARTA, standing="admitted")
    await desk.until(lambda: desk.app.known.sessions[1].members[1].standing == "admitted")
    await desk.presses("y")
    await desk.sees("Only a person who is waiting can be denied.")
    assert standing(desk, clinic.IVAN) == "waiting" and "deny" not in desk.daemon.asked


async def test_the_highlight_follows_the_person_and_not_the_row(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("down")
    desk.daemon.tell_member(clinic.GROUP, clinic.MARTA, standing="denied")
    await desk.sees("WAITING ROOM (1)")
    await desk.presses("a")
    await desk.sees("Ivan Petrov is admitted.")


async def test_when_the_highlighted_person_is_gone_nobody_is_highlighted(desk: Desk) -> None:
    await desk.opens_the_group()
    of = desk.daemon.sessions[clinic.GROUP]
    desk.daemon.tell_session(clinic.GROUP, members=tuple(one for one in of.members if one.id != clinic.MARTA))
    await desk.sees("WAITING ROOM (1)")
    await desk.presses("a")
    await desk.sees("Choose a person first, with the arrow keys.")
    assert "admit" not in desk.daemon.asked


async def test_a_key_that_bounces_asks_once(desk: Desk) -> None:
    await desk.opens_the_group()
    held = desk.daemon.hold("admit")
    await desk.presses("a", "a", "a")
    held.set()
    await desk.sees("Marta Velasco is admitted.")
    assert desk.daemon.asked.count("admit") == 1


async def test_l_and_u_lock_and_unlock_the_door(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("l")
    await desk.sees("The door is locked.", "door LOCKED")
    await desk.presses("a")
    await desk.sees("The door is locked. Unlock it first, then admit.")
    await desk.presses("u")
    await desk.sees("The door is unlocked.", "open, door unlocked")


async def test_o_opens_and_e_ends_after_a_question(desk: Desk) -> None:
    await desk.signs_in("cleo")
    await desk.presses("end", "o")
    await desk.sees("The session is open.")
    assert desk.daemon.sessions[clinic.EVENING].state == "open"
    await desk.presses("e")
    await desk.sees("End 'Evening group' for everybody?")
    await desk.presses("y")
    await desk.sees("The session has ended.")


async def test_the_front_desk_is_told_what_its_role_may_not_do(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    assert "Admit" not in desk.screen
    await desk.presses("a")
    await desk.sees("Your role (front desk) may not do this here: Admit.")
    assert "admit" not in desk.daemon.asked


async def test_a_stopped_invitation_is_reissued_without_a_question(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    group(desk).go_to(clinic.RUTH)
    await desk.presses("i")
    await desk.sees("New invitation for Ruth Adeyemi", "PIN 000001", "https://hearth.local:8443/join#", "▀")


async def test_an_invitation_leaves_nothing_on_the_screen(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("end", "i", "y")
    await desk.sees("PIN 000001")
    await desk.presses("escape")
    await desk.comes_to("SessionPage")
    await desk.sees("Nadia Haddad has a new invitation.")
    assert "000001" not in desk.screen and "000001" not in repr(vars(desk.app))


async def test_enter_on_a_need_leads_to_its_person(desk: Desk) -> None:
    await desk.signs_in()
    await desk.presses("shift+tab", "down", "enter")
    await desk.comes_to("SessionPage")
    await desk.sees("Ruth Adeyemi")
    await desk.presses("i")
    await desk.sees("New invitation for Ruth Adeyemi")


async def test_n_goes_round_all_who_wait(desk: Desk) -> None:
    await desk.opens_the_group()
    await desk.presses("n")
    assert group(desk).target == (clinic.GROUP, clinic.IVAN)
    await desk.presses("n")
    assert group(desk).target == (clinic.GROUP, clinic.MARTA)


@pytest.mark.parametrize("code", ["wrong_state", "session_locked", "not_found", "store_failed", "internal", "novel"])
async def test_a_refused_action_shows_the_consoles_own_sentence(desk: Desk, code: str) -> None:
    await desk.opens_the_group()
    desk.daemon.fail_next("admit", code)
    await desk.presses("a")
    await desk.sees(desk.app.words.fault(code))
    assert "the box's own sentence" not in desk.screen


async def test_an_arrival_rings_once_and_says_who(desk: Desk) -> None:
    await desk.signs_in()
    await desk.presses("h")
    assert desk.bells == 0, "those who waited before the sign-in are in the list, not announced"
    desk.daemon.tell_member(clinic.GROUP, clinic.JONAS, standing="waiting")
    await desk.sees("Jonas Field is waiting to come in (Tuesday group).")
    desk.daemon.tell_member(clinic.GROUP, clinic.JONAS, connected=False)
    desk.daemon.tell_health(load=1.7)
    await desk.sees("Load 1.7")
    assert desk.bells == 1


async def test_an_announcement_goes_when_nobody_waits_any_more(desk: Desk) -> None:
    await desk.signs_in()
    desk.daemon.tell_member(clinic.GROUP, clinic.JONAS, standing="waiting")
    await desk.sees("Jonas Field is waiting to come in")
    for member in (clinic.JONAS, clinic.MARTA, clinic.IVAN):
        desk.daemon.tell_member(clinic.GROUP, member, standing="admitted")
    await desk.until(lambda: "waiting to come in" not in desk.screen)


async def test_no_session_today_says_what_to_expect(impatient: None) -> None:
    async with sitting_down() as desk:
        desk.daemon.sessions.clear()
        await desk.signs_in("ana")
        await desk.sees("No session today. Sessions appear here by themselves")
        await desk.presses("n")
        await desk.sees("Nobody is waiting right now.")


async def test_a_role_that_sees_no_session_is_told_what_it_can_see(desk: Desk) -> None:
    await desk.signs_in("dora")
    await desk.sees("Your role (administrator) sees no sessions. ^P lists what you can do;")


async def test_a_session_that_left_the_list_says_so(desk: Desk) -> None:
    await desk.opens_the_group()
    del desk.daemon.sessions[clinic.GROUP]
    desk.daemon.tell_gap()
    await desk.sees("This session is no longer on today's list.")


async def test_a_patients_name_cannot_draw_on_the_screen(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.tell_member(clinic.GROUP, clinic.MARTA, display_name="[@click=app.exit]x[/] \x1b[2J\u202e")
    await desk.sees("as [@click=ap..")


def test_the_fake_daemon_is_the_one_of_the_contract() -> None:
    from tests.contract import test_control_client

    assert vars(test_control_client)["FakeDaemon"] is FakeDaemon


async def test_a_full_box_is_said_and_admitting_asks(desk: Desk) -> None:
    await desk.opens_the_group()
    desk.daemon.tell_session(clinic.GROUP, full=True)
    await desk.sees("! AT THE LIMIT: nobody more fits with a picture.")
    await desk.presses("a")
    await desk.sees("What about Marta Velasco?", "N Keep waiting.", "F Let in with fewer", "Y Let in with all")
    assert standing(desk, clinic.MARTA) == "waiting"


@pytest.mark.parametrize(("key", "beyond"), [("f", "fewer"), ("Y", "anyway")])
async def test_a_key_lets_in_beyond_the_limit_in_the_way_it_says(desk: Desk, key: str, beyond: str) -> None:
    await desk.opens_the_group()
    desk.daemon.tell_session(clinic.GROUP, full=True)
    await desk.presses("a")
    await desk.comes_to("Choice")
    await desk.presses(key)
    await desk.sees("Marta Velasco is admitted.")
    assert desk.daemon.beyond == [beyond]


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_anything_else_keeps_waiting(desk: Desk, key: str) -> None:
    await desk.opens_the_group()
    desk.daemon.tell_session(clinic.GROUP, full=True)
    await desk.presses("a")
    await desk.comes_to("Choice")
    await desk.presses("x", key)
    await desk.sees("Marta Velasco goes on waiting")
    assert standing(desk, clinic.MARTA) == "waiting" and desk.daemon.beyond == []


async def test_one_who_lost_the_device_is_told_code_and_pin_on_the_phone_after_a_question(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    group(desk).go_to(clinic.LEA)
    await desk.presses("j")
    await desk.sees("Has Lea Brandt lost device or line?")
    assert "rejoin" not in desk.daemon.asked
    await desk.presses("y")
    await desk.sees("A way back in for Lea Brandt", "https://hearth.local:8443/join", "K7QM-2XWD-0001", "PIN 000001")
    assert "▀" not in desk.screen  # nothing to hand over
    await desk.presses("p", "escape")
    await desk.comes_to("SessionPage")
    assert desk.daemon.printed == []


async def test_a_paper_is_saved_where_the_desk_says(desk: Desk, tmp_path: Path) -> None:
    await desk.opens_the_group("ana")
    group(desk).go_to(clinic.RUTH)
    await desk.presses("i")
    await desk.sees("P saves it as PDF")
    for folder, told in ((tmp_path, "Saved:"), (tmp_path / "gone", "can't be written to")):
        await desk.presses("p")
        await desk.sees("Which paper?")
        await desk.presses("4")
        await desk.comes_to("Folder")
        desk.app.screen.query_one("#folder", Input).value = str(folder)
        await desk.presses("enter")
        await desk.sees(told)
    assert (tmp_path / "pin.pdf").read_bytes() == b"%PDF-made-up"
    assert desk.daemon.printed[0] == ("pin", "es", "K7QM-2XWD-0001")
