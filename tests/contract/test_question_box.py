"""Orientation and the question box at the portal: asked before the hour, answered by staff, kept in the store alone."""

from __future__ import annotations

import logging

import pytest

from appliance.orientation import rows
from appliance.orientation.rules import MAX_OPEN, MAX_QUESTION
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, show_ticket, sign, sign_in, walk_in
from tests.fakes.visitor import Visitor

ASKED, SAID = "May I keep my cat beside me?", "Of course. Bring the cat."


async def at_the_orientation(visitor: Visitor, box: OpenBox) -> Visitor:
    await show_ticket(visitor, box)
    await visitor.post("/join/name", display_name="Ada")
    await sign(visitor, "Ada Brook")
    return visitor


async def the_question(box: OpenBox) -> rows.Question:
    (found,) = await box.clinic.db.read(rows.open_questions)
    return found


async def test_a_question_is_answered_and_the_answer_is_marked_until_it_was_read(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada, mara = await at_the_orientation(newcomer(), box), newcomer()
    assert ada.last.title == "How a group hour goes" and "Mara leads the hour" in ada.last.text
    asked = await ada.post("/join/questions", question=ASKED)
    assert ASKED in asked.text and "Nobody has answered yet" in asked.text
    await ada.get("/join/next")
    assert ada.last.path == "/join/orientation" and ASKED in ada.last.text  # a reload loses nothing
    await sign_in(mara)
    assert "One question of a patient waits" in (await mara.get("/staff")).text
    desk = await mara.get("/staff/questions")
    assert ASKED in desk.text and "Ada Brook" in desk.text
    done = await mara.post(f"/staff/questions/{(await the_question(box)).id}", answer=SAID)
    assert "No question waits for an answer." in done.text and SAID in done.text
    await ada.post("/join/orientation")
    await ada.post("/join/devices", camera="off")
    waiting = await ada.post("/join/space")
    assert "1 new answer" in waiting.text
    assert ">new<" in (await ada.get("/join/questions")).text and SAID in ada.last.text
    assert ">new<" not in (await ada.get("/join/questions")).text and SAID in ada.last.text
    assert "1 new answer" not in (await ada.get("/join/wait")).text
    assert ">read<" in (await mara.get("/staff/questions")).text


async def test_an_answer_can_be_corrected_and_is_new_again(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = await at_the_orientation(newcomer(), box), newcomer()
    await ada.post("/join/questions", question=ASKED)
    await sign_in(mara)
    await mara.get("/staff/questions")
    question = (await the_question(box)).id
    await mara.post(f"/staff/questions/{question}", answer="No.")
    await ada.get("/join/questions")
    await mara.post(f"/staff/questions/{question}", answer=SAID)
    assert ">new<" in (await ada.get("/join/questions")).text and SAID in ada.last.text and "No." not in ada.last.text


async def test_only_those_of_the_group_and_the_desk_see_and_answer_a_question(box: OpenBox, newcomer: Newcomer) -> None:
    ada = await at_the_orientation(newcomer(), box)
    await ada.post("/join/questions", question=ASKED)
    question = (await the_question(box)).id
    for username, sees in (("paul", False), ("jonas", True)):
        await sign_in(visitor := newcomer(), username)
        assert (ASKED in (await visitor.get("/staff/questions")).text) == sees
        answered = await visitor.post(f"/staff/questions/{question}", answer=SAID)
        assert (answered.status == 200) == sees


async def test_too_long_too_empty_or_too_many_questions_say_what_to_do(box: OpenBox, newcomer: Newcomer) -> None:
    ada = await at_the_orientation(newcomer(), box)
    for text in ("", "   \n ", "x" * (MAX_QUESTION + 1)):
        shown = await ada.post("/join/questions", question=text)
        assert shown.status == 400 and "It may have up to 600 letters" in shown.text and text.strip() in shown.text
    for number in range(MAX_OPEN):
        assert (await ada.post("/join/questions", question=f"Number {number}?")).status == 200
    assert "Five of your questions wait" in ada.last.text and "<textarea" not in ada.last.text
    assert (await ada.post("/join/questions", question="One more?")).status == 409
    assert "One more?" not in (await ada.get("/join/questions")).text


async def test_what_is_asked_stands_in_no_log_and_not_in_the_audit(
    box: OpenBox, newcomer: Newcomer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada, mara = await at_the_orientation(newcomer(), box), newcomer()
    await ada.post("/join/questions", question=ASKED)
    await sign_in(mara)
    await mara.get("/staff/questions")
    await mara.post(f"/staff/questions/{(await the_question(box)).id}", answer=SAID)
    entries = await box.clinic.db.read(lambda tx: tx.all("SELECT * FROM audit"))
    told = " ".join(str(entry[column]) for entry in entries for column in entry.keys()) + caplog.text  # noqa: SIM118
    assert "ask_question" in told and "answer_question" in told
    assert not [word for word in (ASKED, SAID, "cat") if word in told]


async def test_the_orientation_is_read_once_and_again_when_it_says_something_new(
    box: OpenBox, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await show_ticket(ada := newcomer(), box)
    await walk_in(ada, "Ada", "Ada Brook")
    person = (await box.member(0)).person
    assert await box.clinic.db.read(lambda tx: rows.is_oriented(tx, person))
    monkeypatch.setattr(rows, "VERSION", 2)
    assert not await box.clinic.db.read(lambda tx: rows.is_oriented(tx, person))
    assert (await ada.get("/join/wait")).path == "/join/orientation"
    assert (await ada.post("/join/orientation")).path == "/join/wait"
