"""The patient's waiting page without script: it says how far the hour is, what staff wrote, and takes the phrase."""

from __future__ import annotations

import re

import pytest

from appliance.clock import now_text
from appliance.people.actions import set_phrase
from appliance.portal.waiting import Hour, Said, longer, said
from appliance.sessions.given import Given
from appliance.sessions.rules import Phase
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, lead, sign_in, wait_at_the_door

REFRESH = 'http-equiv="refresh"'


@pytest.mark.parametrize(
    ("phase", "locked", "here", "sentence"),
    [
        ("scheduled", False, False, "notOpen"),
        ("open", False, True, "open"),
        ("open", True, False, "leaderAway"),
        ("running", True, True, "locked"),
        ("rules", False, True, "begun"),
        ("paused", False, True, "begun"),
    ],
)
def test_who_waits_is_told_the_first_thing_that_explains_the_wait(
    phase: Phase, locked: bool, here: bool, sentence: Said
) -> None:
    assert said(Hour(phase, locked, here)) == sentence


def test_that_it_takes_longer_is_said_after_twice_the_average_and_never_of_one_that_nobody_knows() -> None:
    assert [longer(480, 4), longer(481, 4), longer(1e6, None)] == [False, True, False]


async def test_the_page_says_how_far_the_hour_is_and_what_staff_wrote_after_every_reload(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    assert "has not been opened yet" in ada.last.text
    assert REFRESH in ada.last.text
    await sign_in(mara)
    await lead(mara, box, "open")
    await box.clinic.act(
        box.leader(), "message", box.session, box.members[0], given=Given(text="Two <b>more</b> minutes")
    )
    for _ in range(2):
        shown = (await ada.get("/join/wait")).text
        assert "Two &lt;b&gt;more&lt;/b&gt; minutes" in shown
        assert _visible(shown, "wait-message")
        assert not _visible(shown, "phrase")


async def test_a_phrase_that_staff_ask_for_is_typed_without_script_and_no_reload_takes_it_away(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    desk, person = box.desk(), (await box.member(0)).person
    await box.clinic.db.write(lambda tx: set_phrase(tx, desk, person, "blue kettle", now_text()))
    await box.clinic.act(box.leader(), "ask_phrase", box.session, box.members[0])
    shown = (await ada.get("/join/wait")).text
    assert _visible(shown, "phrase")
    assert REFRESH not in shown
    told = await ada.post("/join/phrase", text=" ")
    assert (told.path, _visible(told.text, "phrase-fault")) == ("/join/wait", True)
    told = await ada.post("/join/phrase", text="blue kettle")
    assert (told.path, _visible(told.text, "phrase-given"), _visible(told.text, "phrase-fault")) == (
        "/join/wait",
        True,
        False,
    )
    assert "blue kettle" not in told.text
    assert (await box.member(0)).phrase_given == "blue kettle"


async def test_a_phrase_that_nobody_asked_for_goes_nowhere(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    assert (await ada.post("/join/phrase", text="blue kettle")).path == "/join/wait"
    assert (await box.member(0)).phrase_given == ""


def _visible(text: str, name: str) -> bool:
    (tag,) = re.findall(rf'<\w+ id="{name}"[^>]*>', text) or re.findall(rf'<\w+ [^>]*id="{name}"[^>]*>', text)
    return " hidden" not in tag
