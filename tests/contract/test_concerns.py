"""A concern in words, at any time of a visit, and the list of those who look after them, at the portal (C47)."""

from __future__ import annotations

import logging
import re

import pytest

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.policy import BOX
from appliance.room import rows
from appliance.sessions import actions as sessions
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, show_ticket, sign_in

WORDS = "My neighbour said <b>my name</b>.\nTwice."


async def test_a_patient_says_what_is_not_right_before_the_hour_and_who_leads_looks_after_it(
    box: OpenBox, newcomer: Newcomer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada, mara = newcomer(), newcomer()
    await show_ticket(ada, box)
    page = await ada.get("/join/concern")
    assert "Tell us what is not right" in page.text
    thanks = await ada.post("/join/concern", kind="shared", words=WORDS)
    assert "Thank you for telling us" in thanks.text
    assert "not looked at yet" in thanks.text
    assert "neighbour" not in thanks.text  # a device that others use shows no words again
    await sign_in(mara)
    assert "One concern of a patient waits" in (await mara.get("/staff")).text
    page = await mara.get("/staff/concerns")
    assert "My neighbour said &lt;b&gt;my name&lt;/b&gt;." in page.text
    path = re.search(r'action="(/staff/sessions/[^"]+/concerns/[^"]+)"', page.text)
    assert path is not None
    page = await mara.post(path[1], back="list")
    assert "No concern waits for anybody" in page.text
    assert "Mara Lindqvist looks after it" in page.text
    assert "somebody looks after it" in (await ada.get("/join/concern")).text
    entries = repr(await box.clinic.db.read(audit.entries))
    assert "handle_concern" in entries
    assert "neighbour" not in entries + caplog.text
    assert "shared" not in entries


async def test_it_is_open_as_long_as_the_visit_also_after_the_session(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "end", box.session)
    assert (
        "Thank you for telling us" in (await ada.post("/join/concern", kind="other", words="", at="/join/concern")).text
    )
    assert [one.kind for one in await box.clinic.db.read(lambda tx: rows.concerns_of(tx, box.session))] == ["other"]


@pytest.mark.parametrize(
    ("kind", "words", "sentence"),
    [
        ("", "x", "Please choose what it is about."),
        ("distress", "", "That is too long"),
        ("other", "x" * 601, "too long"),
    ],
)
async def test_what_does_not_fit_is_said_beside_the_field_and_what_was_typed_stays(
    box: OpenBox, newcomer: Newcomer, kind: str, words: str, sentence: str
) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    await ada.get("/join/concern")
    page = await ada.post("/join/concern", kind=kind, words=words)
    assert sentence in page.text
    assert words in page.text
    assert not await box.clinic.db.read(lambda tx: rows.concerns_of(tx, box.session))


async def test_without_a_visit_there_is_no_page_and_nobody_else_of_the_staff_sees_the_list(
    box: OpenBox, newcomer: Newcomer
) -> None:
    stranger = newcomer()
    assert (await stranger.get("/join/concern")).path == "/join"
    patient = await box.patient(0)
    await box.clinic.board.write_concern(patient, "other", WORDS)
    desk, paul = newcomer(), newcomer()
    await sign_in(desk, "jonas")
    assert (await desk.get("/staff/concerns")).status == 403
    await sign_in(paul, "paul")
    page = await paul.get("/staff/concerns")  # leads another session
    assert "No concern waits for anybody" in page.text
    assert "neighbour" not in page.text
    ((concern, _),) = await box.clinic.board.concerns(box.leader())
    assert (await paul.post(f"/staff/sessions/{box.session}/concerns/{concern.id}")).status == 403
    assert (await paul.post(f"/staff/sessions/{box.session}/concerns/nothing")).status == 403


async def test_a_concern_of_another_session_is_not_found_here(box: OpenBox) -> None:
    patient = await box.patient(0)
    await box.clinic.board.write_concern(patient, "other", "")
    mara = (box.staff["mara"], "Mara")
    other, _ = await box.clinic.db.write(
        lambda tx: sessions.schedule(tx, BOX, "Other", mara, [], "2031-01-01T10:00:00Z", "2031-01-01T09:00:00Z")
    )
    ((concern, _),) = await box.clinic.board.concerns(box.leader())
    with pytest.raises(Fault) as caught:
        await box.clinic.board.handle_concern(box.leader(), other, concern.id)
    assert caught.value.code == "not_found"


async def test_who_leads_shows_a_card_with_a_plain_form(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await sign_in(mara)
    await box.clinic.act(box.leader(), "open", box.session)
    await mara.get(f"/staff/sessions/{box.session}")
    page = await mara.post(f"/staff/sessions/{box.session}/cards", kind="redirect")
    assert page.path == f"/staff/sessions/{box.session}"
    assert [card.kind for card in await box.clinic.db.read(lambda tx: rows.cards_of(tx, box.session))] == ["redirect"]
