"""The hour at the console: phases, who waits and is who, what is said and raised. Keys in, words out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from rich.cells import cell_len

from appliance.control.types import Concern, Contact, Member, Session
from tests.console.conftest import Desk, sitting_down
from tests.fakes import clinic
from tui.screens.session import SessionPage
from tui.words import Language

DISTRESS = Concern(id="c-1", member=clinic.LEA, kind="distress", at="2031-03-04T14:04:00Z")
NOVEL = Concern(id="c-2", member="", kind="of_tomorrow", at="2031-03-04T14:05:00Z")


def group(desk: Desk) -> Session:
    return desk.daemon.sessions[clinic.GROUP]


def person(desk: Desk, member: str) -> Member:
    return next(one for one in group(desk).members if one.id == member)


async def highlights(desk: Desk, member: str) -> None:
    assert isinstance(desk.app.screen, SessionPage)
    desk.app.screen.go_to(member)
    await desk.pilot.pause()


async def test_one_key_leads_through_the_rules_into_the_hour_and_one_pauses_and_resumes(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    await desk.sees("open, door unlocked", "1 Ground rules")
    await desk.presses("1")
    await desk.sees("The ground rules are on everybody's page.", "ground rules, door unlocked", "1 Begin")
    await desk.presses("1")
    await desk.sees("The hour has begun.", "running, door unlocked")
    await desk.presses("1")
    await desk.sees("The ground rules have been shown.")
    await desk.presses("p")
    await desk.sees("Paused: nobody sees or hears anybody.", "PAUSED, door unlocked", "P Resume")
    await desk.presses("p")
    await desk.sees("Picture and sound are back.", "running, door unlocked")


async def test_a_door_that_locked_by_itself_says_why_and_one_is_let_through(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    desk.daemon.tell_session(clinic.GROUP, locked=True, locked_why="leader", facilitator_connected=False)
    await desk.sees("door LOCKED by itself: nobody leads", "Ben Okafor NOT connected")
    desk.daemon.tell_session(clinic.GROUP, locked_why="complete", full=True)
    await desk.sees("door LOCKED by itself: all are in")
    await desk.presses("w")
    await desk.sees("What about Marta Velasco?")
    await desk.presses("f")
    await desk.sees("Marta Velasco is let through. The door stays locked.", "IN THE SESSION (4)")
    assert desk.daemon.beyond == ["fewer"] and group(desk).locked


async def test_a_check_phrase_is_on_the_screen_for_one_person_and_only_while_it_is_asked_for(desk: Desk) -> None:
    await desk.signs_in("ana")
    assert "blue heron" not in desk.screen
    await desk.presses("n")
    await desk.sees("Marta Velasco", "Check phrase: the space bar shows it")
    assert "blue heron" not in desk.screen
    await desk.presses("space")
    await desk.sees("Check phrase: blue heron")
    await desk.presses("down")
    await desk.sees("No check phrase was agreed on")
    await desk.presses("up")
    await desk.sees("the space bar shows it")
    await desk.presses("space", "space")
    await desk.sees("the space bar shows it")


async def test_what_somebody_typed_is_told_as_fitting_or_not(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    await desk.presses("y")
    await desk.sees("Marta Velasco is asked for the check phrase.", "Asked for the phrase; nothing typed yet.")
    desk.daemon.tell_member(clinic.GROUP, clinic.MARTA, phrase_given="green heron")
    await desk.sees("! They typed something else: green heron")
    desk.daemon.tell_member(clinic.GROUP, clinic.MARTA, phrase_given="Blue Heron", phrase_fits=True)
    await desk.sees("What they typed fits.")
    assert "Blue Heron" not in desk.screen


async def test_a_message_is_typed_in_one_line_and_stands_there_as_sent(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    await desk.presses("m")
    await desk.comes_to("LineForm")
    await desk.types("We come to you")
    await desk.presses("enter")
    await desk.sees("The message is on the page of Marta Velasco.", "Message of 2:05 PM: We come to you")
    for keys in (("escape",), ("enter",)):
        await desk.presses("m")
        await desk.comes_to("LineForm")
        await desk.presses(*keys)
        await desk.comes_to("SessionPage")
    assert desk.daemon.asked.count("message") == 1


async def test_a_removal_asks_why_and_whether_for_good(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    for member, answer, blocked in ((clinic.LEA, "y", False), (clinic.MARTA, "b", True)):
        name = person(desk, member).name
        await highlights(desk, member)
        await desk.presses("r")
        await desk.sees(f"Why is {name} removed?", "2 Recorded, or took a picture")
        await desk.presses("2")
        await desk.sees(f"Remove {name} this time, or block them")
        await desk.presses(answer)
        await desk.sees(f"{name} was removed.", "Removed: Recorded, or took a picture")
        gone = person(desk, member)
        assert (gone.standing, gone.removed_why, gone.blocked) == ("removed", "recording", blocked)


async def test_one_who_is_blocked_gets_no_invitation_until_unblocked(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    desk.daemon.tell_member(clinic.GROUP, clinic.NADIA, standing="removed", blocked=True)
    await highlights(desk, clinic.NADIA)
    await desk.sees("Blocked from this group's sessions.")
    await desk.presses("i")
    await desk.sees("This person is blocked. Unblock them first.")
    await desk.presses("ctrl+p", *"unblock", "enter")
    await desk.sees("May Nadia Haddad come to this group's sessions again?")
    await desk.presses("y")
    await desk.sees("Nadia Haddad may come again.")
    assert not person(desk, clinic.NADIA).blocked


async def test_a_removal_that_was_not_answered_is_none(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    for keys in (("escape",), ("n",), ("1", "escape"), ("1", "n"), ("1", "enter")):
        await desk.presses("r", *keys)
        await desk.comes_to("SessionPage")
    assert person(desk, clinic.MARTA).standing == "waiting" and "remove" not in desk.daemon.asked


async def test_z_holds_and_releases_and_f_marks_and_unmarks(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    await highlights(desk, clinic.LEA)
    for key, sentences in (
        ("z", ("Lea Brandt is on hold.", "ON HOLD, connected")),
        ("f", ("Lea Brandt is marked.", "ON HOLD, MARKED, connected")),
        ("z", ("Lea Brandt is back with the group.", "MARKED, connected")),
        ("f", ("Lea Brandt is not marked any more.",)),
        ("q", ("Lea Brandt is asked to be silent.",)),
    ):
        await desk.presses(key)
        await desk.sees(*sentences)


async def test_hands_stand_in_their_order_and_can_be_lowered(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    desk.daemon.tell_session(clinic.GROUP, hands=(clinic.OTTO, clinic.LEA))
    await desk.sees("Hands up: Otto Lindqvist, Lea Brandt", "hand 2, connected", "hand 1, NOT connected")
    await highlights(desk, clinic.OTTO)
    await desk.presses("ctrl+p", *"lower", "enter")
    await desk.sees("The hand of Otto Lindqvist is down.", "Hands up: Lea Brandt")


async def test_what_is_raised_rings_stands_on_top_and_is_looked_after(desk: Desk) -> None:
    await desk.signs_in("ben")
    desk.daemon.tell_session(clinic.GROUP, concerns=(DISTRESS, NOVEL))
    await desk.sees("Look: 2 concerns were raised (Tuesday group).", "! 2 concerns were raised: Tuesday group")
    assert desk.bells == 1 and "NOT OKAY" not in desk.screen, "today's list faces the room"
    await desk.presses("shift+tab", "enter")
    await desk.sees("! Lea Brandt, 2:04 PM: IS NOT OKAY", "! Somebody, 2:05 PM: raised something")
    await desk.presses("!")
    await desk.sees("N Not now", "Y I look after it.")
    await desk.presses("y")
    await desk.sees("It is noted that you look after it.")
    await desk.until(lambda: "IS NOT OKAY" not in desk.screen)
    assert [one.id for one in group(desk).concerns] == ["c-2"]
    await desk.presses("!", "escape")
    await desk.comes_to("SessionPage")
    assert len(group(desk).concerns) == 1


async def test_what_is_raised_is_not_for_the_front_desk(desk: Desk) -> None:
    await desk.opens_the_group("ana")
    desk.daemon.tell_session(clinic.GROUP, concerns=(DISTRESS,), title="Changed")
    desk.daemon.tell_member(clinic.GROUP, clinic.LEA, flagged=True)
    await desk.sees("Changed")
    assert desk.bells == 0 and "NOT OKAY" not in desk.screen and "MARKED" not in desk.screen


async def test_a_card_goes_to_all_or_to_one(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    await desk.presses("x")
    await desk.sees("Which card for 'Tuesday group'?", "1 Reminder")
    await desk.presses("1")
    await desk.sees("The card is shown.")
    await highlights(desk, clinic.LEA)
    await desk.presses("x", "4", "2")
    await desk.until(lambda: len(desk.daemon.cards) == 2)
    await desk.presses("x", "2", "escape", "x", "n")
    await desk.comes_to("SessionPage")
    assert desk.daemon.cards == [("reminder", ""), ("redirect", clinic.LEA)]


async def test_the_hour_is_there_again_after_the_line_was_lost(desk: Desk) -> None:
    await desk.opens_the_group("ben")
    desk.daemon.disconnect()
    desk.daemon.tell_session(clinic.GROUP, phase="paused", hands=(clinic.LEA,), concerns=(DISTRESS,), wait_minutes=1)
    desk.daemon.tell_member(clinic.GROUP, clinic.OTTO, held=True)
    await desk.sees("PAUSED", "Hands up: Lea Brandt", "IS NOT OKAY", "ON HOLD", "people wait 1 minute on average")


async def everything(desk: Desk) -> AsyncIterator[str]:
    """The page as full as it gets, with one who waits and one who is in highlighted."""
    desk.daemon.tell_session(
        clinic.GROUP,
        concerns=(DISTRESS, NOVEL, DISTRESS, NOVEL),
        hands=(clinic.OTTO, clinic.LEA),
        full=True,
        locked=True,
    )
    desk.daemon.tell_session(clinic.GROUP, locked_why="complete", wait_minutes=1234, facilitator_connected=False)
    asked = {"phrase_asked": True, "phrase_given": "x" * 80, "message": "y" * 300, "message_at": DISTRESS.at}
    desk.daemon.tell_member(clinic.GROUP, clinic.MARTA, **asked)
    desk.daemon.tell_member(clinic.GROUP, clinic.LEA, held=True, flagged=True, aside=True)
    for phase in ("open", "paused"):
        desk.daemon.tell_session(clinic.GROUP, phase=phase)
        await desk.sees(desk.app.words(f"session.{phase}"))
        for member in (clinic.MARTA, clinic.LEA):
            await highlights(desk, member)
            yield f"{phase} {member}"


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_fullest_page_fits_80_by_24_with_its_keys_in_sight(language: Language, impatient: None) -> None:
    async with sitting_down(language=language) as desk:
        await desk.opens_the_group("ben")
        async for page in everything(desk):
            lines = desk.screen.splitlines()
            assert len(lines) == 24 and {cell_len(line) for line in lines} == {80}, page
            foot = "\n".join(lines[-3:])
            for command in ("help", "palette", "sign_out", "pause" if not page.startswith("paused") else "resume"):
                assert desk.app.words(f"command.{command}") in foot, (page, command, desk.screen)
            chosen = next(one.name for one in group(desk).members if one.id == page.split()[1])
            assert chosen in desk.screen, page
            assert not desk.app.screen.vertical_scrollbar.display, page


async def test_whom_to_call_is_there_before_anybody_signs_in_and_who_is_on_call_after_it(impatient: None) -> None:
    async with sitting_down(locked=True) as desk:
        desk.daemon.on_call = (Contact(name="Ben Okafor", phone="555 0142", about="nights"),)
        desk.daemon.tell_box(emergency=(Contact(name="Crisis line", phone="112", about="day and night"),))
        await desk.comes_to("UnlockPage")
        await desk.presses("f10")
        await desk.sees("In an emergency 112 Crisis line day and night")
        assert "Ben Okafor" not in desk.screen
        await desk.presses("escape")
        await desk.signs_in("ana")
        await desk.presses("0")
        await desk.sees("112", "On call 555 0142 Ben Okafor nights")
