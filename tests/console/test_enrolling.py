"""The page of headquarters: an administrator types address and code, and sees what comes of it."""

from __future__ import annotations

import msgspec
import pytest

from appliance.control.types import Enrolment
from tests.console.conftest import Desk, sitting_down

ADDRESS = "https://hq.example.org:8444"
CODE = "9w2b-v85x-4p2t-zp2f-7khs"
KNOWN = Enrolment(
    state="enrolled",
    address=ADDRESS,
    name="Clinic at the lake",
    hq_code="KK96-RYYC-Y86D-KMBT",
    enrolled_at="2031-03-04T14:00:00Z",
    certificate_ends="2033-03-03T14:00:00Z",
)


async def opens(desk: Desk, username: str = "dora") -> None:
    await desk.signs_in(username)
    await desk.presses("g")
    await desk.comes_to("EnrolPage")


async def asks(desk: Desk) -> None:
    await opens(desk)
    await desk.sees("does not know its HQ yet", "Address of HQ")
    await desk.types(ADDRESS)
    await desk.presses("tab")
    await desk.types(CODE)
    await desk.presses("enter")
    await desk.sees(f"Asking HQ at {ADDRESS}", "you may leave this page")


async def test_only_an_administrator_comes_to_the_page(desk: Desk) -> None:
    await desk.signs_in("cleo")
    await desk.presses("g")
    await desk.sees("Your role")
    assert desk.page == "TodayPage"


async def test_address_and_code_are_sent_and_the_page_tells_that_hq_let_the_box_in(desk: Desk) -> None:
    await asks(desk)
    assert desk.daemon.enrolled == [(ADDRESS, CODE)]
    desk.daemon.enrolment = KNOWN
    await desk.sees("HQ has let this box in", "as Clinic at the lake", "KK96-RYYC-Y86D-KMBT", "ends")
    assert CODE not in desk.screen


async def test_what_keeps_hq_from_answering_is_told_and_the_box_goes_on(desk: Desk) -> None:
    await asks(desk)
    desk.daemon.enrolment = msgspec.structs.replace(desk.daemon.enrolment, fault="captive_portal")
    await desk.sees("Not yet: The network wants somebody to sign in first")
    desk.daemon.enrolment = Enrolment(state="not_enrolled", fault="code_used")
    await desk.sees("It came to nothing: Another box has used this code")
    assert ADDRESS in desk.screen and CODE in desk.screen  # nothing has to be typed again


async def test_asking_can_be_stopped(desk: Desk) -> None:
    await asks(desk)
    await desk.presses("ctrl+k")
    await desk.sees("does not know its HQ yet")


async def test_a_mistyped_code_is_told_at_once(desk: Desk) -> None:
    await opens(desk)
    desk.daemon.fail_next("enrolment", "code_mistyped")
    await desk.sees("Address of HQ")
    await desk.types(ADDRESS)
    await desk.presses("tab")
    await desk.types("AAAA")
    await desk.presses("enter")
    await desk.sees("A letter of the code is wrong or missing")


async def test_a_box_that_is_known_already_is_asked_about_before_it_is_let_in_anew(desk: Desk) -> None:
    desk.daemon.enrolment = msgspec.structs.replace(KNOWN, clock_off=-7200)
    await opens(desk)
    await desk.sees("as Clinic at the lake", "clock differs from HQ's by", "C sets it")
    await desk.types(CODE)
    await desk.presses("enter")
    await desk.comes_to("Confirm")
    await desk.sees("let in anew", ADDRESS)
    await desk.presses("n")
    assert desk.daemon.enrolled == []
    await desk.comes_to("EnrolPage")
    await desk.presses("enter", "y")
    await desk.sees("Asking HQ")


async def test_without_a_line_a_stick_takes_the_request_and_brings_the_answer(desk: Desk) -> None:
    await opens(desk)
    await desk.sees("does not know its HQ yet", "^T", "On a stick", "^R")
    await desk.presses("ctrl+t")  # no code yet: that is where to type
    await desk.types(CODE)
    await desk.presses("ctrl+t")
    await desk.sees("The request is on the stick. Take it to HQ", "A request for HQ was written on a stick. ^R reads")
    assert desk.daemon.enrolled == [("request", CODE)]
    desk.daemon.fail_next("stick", "stick_no_answer")
    await desk.presses("ctrl+r")
    await desk.sees("There is no answer for this box on the stick")
    desk.daemon.enrolment = KNOWN
    await desk.presses("ctrl+r")
    await desk.sees("HQ has let this box in", "as Clinic at the lake")
    assert desk.daemon.enrolled[1:] == [("answer", "")]
    assert CODE not in desk.screen


async def test_the_wrong_number_of_sticks_is_told(desk: Desk) -> None:
    await opens(desk)
    for fault, told in (
        ("stick_missing", "Is the stick plugged in?"),
        ("stick_several", "Leave only the one for HQ in"),
    ):
        desk.daemon.fail_next("stick", fault)
        await desk.presses("ctrl+r")
        await desk.sees(told)


async def test_a_known_box_is_asked_about_before_a_stick_makes_it_known_anew(desk: Desk) -> None:
    desk.daemon.enrolment = KNOWN
    await opens(desk)
    await desk.sees("Clinic at the lake")
    await desk.types(CODE)
    await desk.presses("ctrl+t")
    await desk.sees("Ask to be let in anew, by a")
    await desk.presses("escape")
    await desk.comes_to("EnrolPage")
    assert desk.daemon.enrolled == []


@pytest.mark.parametrize("language", ["en", "es"])
async def test_everything_fits_on_the_smallest_screen(language: str) -> None:
    async with sitting_down(language=language) as desk:
        desk.daemon.enrolment = msgspec.structs.replace(KNOWN, fault="not_hq", clock_off=7200)
        await opens(desk)
        await desk.sees("KK96-RYYC-Y86D-KMBT", "^R reads" if language == "en" else "^R lee")
