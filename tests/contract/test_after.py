"""After the hour, in browsers without script: the short questions, incidents, the summary."""

from __future__ import annotations

import pytest

from appliance.audit import rows as audit
from appliance.clock import parse, text
from appliance.hours import actions, rules
from appliance.sessions import rows as sessions
from tests.fakes.box import PEOPLE, OpenBox
from tests.fakes.portal import Newcomer, lead, sign_in, wait_at_the_door
from tests.fakes.visitor import Visitor

FINE = {"heard": "4", "respected": "3", "feeling": "3"}


async def an_hour(box: OpenBox, newcomer: Newcomer, people: int) -> tuple[Visitor, list[Visitor]]:
    """Mara and those who were in her session, which is over."""
    mara, came = newcomer(), []
    await sign_in(mara)
    await lead(mara, box, "open")
    for number in range(people):
        came.append(newcomer())
        await wait_at_the_door(came[-1], box, number, PEOPLE[number].split()[0])
        await lead(mara, box, "admit", number)
        async with came[-1].socket("/join/ws") as socket:
            await socket.receive()  # a page in the room: that is the attendance
            await box.clinic.live.changed(box.session)
    await lead(mara, box, "end")
    return mara, came


async def answer(visitor: Visitor, **answers: str) -> None:
    shown = await visitor.get("/join/over")
    assert "Three short questions" in shown.text
    shown = await visitor.post("/join/feedback", **{**FINE, **answers})
    assert shown.path == ("/join/feedback" if answers.get("feeling") == "1" else "/join/over")
    assert "Thank you for your answers." in shown.text


async def test_answers_are_summed_up_from_three_people_on_and_nowhere_tied_to_who_gave_them(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, came = await an_hour(box, newcomer, 3)
    for visitor in came[:2]:
        await answer(visitor)
    summary = f"/staff/sessions/{box.session}/summary"
    assert "from 3 people on" in (await mara.get(summary)).text
    await answer(came[2], feeling="1")
    shown = await mara.get(summary)
    assert "3 people have answered" in shown.text and "from 3 people on" not in shown.text
    columns = await box.clinic.db.read(lambda tx: tx.all("SELECT name FROM pragma_table_info('feedback')"))
    assert {row["name"] for row in columns} == {"id", "session", "heard", "respected", "feeling"}


async def test_answers_show_once_no_more_can_come_so_that_two_looks_tell_of_nobody(
    box: OpenBox, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks after three answers and again after four would know what the fourth one said."""
    monkeypatch.setattr(rules, "LEAST_SHOWN", 2)
    mara, came = await an_hour(box, newcomer, 3)
    for visitor in came[:2]:
        await answer(visitor)
    page, db = f"/staff/sessions/{box.session}/summary", box.clinic.db
    assert "people have answered" not in (await mara.get(page)).text
    session = await db.read(lambda tx: sessions.session(tx, box.session))
    for minutes, told in ((119, False), (121, True)):  # visits end two hours after the session
        at = text(parse(session.ended_at).timestamp() + minutes * 60)
        found = await db.read(lambda tx, at=at: actions.summary(tx, box.leader(), box.session, at))  # type: ignore[misc]
        assert (found.felt is not None) is told and found.answers == 2
    await answer(came[2], feeling="1")
    assert "3 people have answered" in (await mara.get(page)).text


async def test_nobody_answers_twice_and_who_needs_somebody_reads_whom_to_call(box: OpenBox, newcomer: Newcomer) -> None:
    _, (ada,) = await an_hour(box, newcomer, 1)
    await ada.get("/join/over")
    missing = await ada.post("/join/feedback", heard="4", respected="")
    assert missing.status == 400 and "Please choose one of these." in missing.text
    low = await ada.post("/join/feedback", **{**FINE, "feeling": "1"})
    assert "You need somebody now" in low.text and "555 0142" in low.text
    # Whatever leads away from these answers and back finds a page, and no address tells what was answered.
    assert missing.hidden("next") == low.hidden("next") == "/join/over" and "?" not in low.path
    assert 'data-again="/join/over"' in missing.text and 'data-again="/join/over"' in low.text
    again = await ada.post("/join/feedback", **FINE)
    assert again.path == "/join/over" and "Three short questions" not in again.text
    count = await box.clinic.db.read(lambda tx: tx.one("SELECT count(*) AS n FROM feedback"))
    assert count is not None and count["n"] == 1


async def test_who_was_never_in_the_room_is_not_asked(box: OpenBox, newcomer: Newcomer) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await lead(mara, box, "open")
    await wait_at_the_door(ada, box)
    await lead(mara, box, "end")
    assert "Three short questions" not in (await ada.get("/join/over")).text
    await ada.post("/join/feedback", **FINE)
    assert await box.clinic.db.read(lambda tx: tx.all("SELECT id FROM feedback")) == []


async def test_an_incident_is_noted_with_two_taps_and_leads_to_the_sealed_note(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, _ = await an_hour(box, newcomer, 1)
    page = f"/staff/sessions/{box.session}/incident"
    assert (await mara.get(page)).title == "Note an incident"
    assert "Please choose what happened." in (await mara.post(page, member=box.members[0])).text
    await mara.get(page)
    shown = await mara.post(page, kind="recording", member=box.members[0])
    assert (
        "Somebody may have recorded" in shown.text
        and PEOPLE[0] in shown.text
        and "/staff/notes/new?group=" in shown.text
    )
    last = [entry for entry in await box.clinic.db.read(audit.entries) if entry.action == "note_incident"][-1]
    assert last.outcome == "done" and "record" not in repr(last).replace("recorded", "")


async def test_the_summary_says_who_was_there_and_is_in_the_audit(box: OpenBox, newcomer: Newcomer) -> None:
    mara, _ = await an_hour(box, newcomer, 1)
    shown = await mara.get(f"/staff/sessions/{box.session}/summary")
    assert PEOPLE[0] in shown.text and "was not there" in shown.text
    assert "see_summary" in [entry.action for entry in await box.clinic.db.read(audit.entries)]
    paul = newcomer()
    await sign_in(paul, "paul")
    assert (await paul.get(f"/staff/sessions/{box.session}/summary")).status == 403
