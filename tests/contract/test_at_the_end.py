"""Where a patient lands when an hour is over without them, or a form fails: true words, and a page that leads on."""

from __future__ import annotations

import pytest

from appliance.sessions import rows as sessions
from tests.fakes.box import PEOPLE, OpenBox
from tests.fakes.portal import Newcomer, lead, show_ticket, sign, sign_in, wait_at_the_door
from tests.fakes.visitor import Visitor

WORRY = "/join/concern"


async def over(visitor: Visitor) -> str:
    shown = await visitor.get("/join/over")
    assert shown.status == 200 and shown.path == "/join/over"
    return shown.text


async def test_who_waits_for_a_session_that_is_called_off_is_not_thanked_for_it(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await wait_at_the_door(ada, box)
    await lead(mara, box, "end")
    told = await over(ada)
    assert "This session does not take place" in told and WORRY in told
    assert "Thank you for being here" not in told and "Talking can be tiring" not in told


async def test_who_was_never_let_in_reads_that_and_not_how_tiring_it_was(box: OpenBox, newcomer: Newcomer) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await wait_at_the_door(ada, box)
    await lead(mara, box, "open")
    await lead(mara, box, "end")
    told = await over(ada)
    assert "It ended before you were let in." in told and WORRY in told
    assert "Thank you for being here" not in told and "Talking can be tiring" not in told


@pytest.mark.parametrize("moves", [("end",), ("open", "end")], ids=["called off", "missed"])
async def test_on_a_device_that_others_use_the_last_page_leads_to_nothing_that_is_closed_there(
    box: OpenBox, newcomer: Newcomer, moves: tuple[str, ...]
) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await ada.get("/join")
    await ada.post("/join", code=box.issued[0].code, pin=box.issued[0].pin, shared="yes")
    for move in moves:
        await lead(mara, box, move)
    told = await over(ada)
    assert WORRY not in told and "/join/questions" not in told and "/join/sharing" not in told
    assert ada.last.headers["Clear-Site-Data"] == '"cache", "storage"' and not ada.cookie("__Host-visit")


async def test_a_form_that_fails_on_the_way_in_leads_back_to_it(box: OpenBox, newcomer: Newcomer) -> None:
    """Also without script, after a language was chosen on that page, and for who has opened the link twice."""
    ada = newcomer()
    await show_ticket(ada, box)
    failed = await ada.post("/join/name", csrf="of another tab", display_name="Ada")
    assert failed.status == 403 and 'href="/join/next"' in failed.text and 'href="/"' not in failed.text
    failed = await ada.post("/join/ask", csrf="of another tab")
    assert failed.status == 403 and failed.hidden("next") == "/join/next"
    await ada.get("/join/name")
    chosen = await ada.post("/language", lang="es", next=failed.hidden("next"))
    assert chosen.status == 200 and chosen.path == "/join/name"


async def test_own_devices_are_offered_what_can_wait_and_shared_ones_are_not(box: OpenBox, newcomer: Newcomer) -> None:
    for number, shared in ((0, ""), (1, "yes")):
        one = newcomer()
        await one.get("/join")
        await one.post("/join", code=box.issued[number].code, pin=box.issued[number].pin, shared=shared)
        await wait_for_orientation(one, number)
        assert ("/join/sharing" in one.last.text) == (not shared)
        assert (await one.get(WORRY)).status == 200


async def test_who_was_denied_and_is_asked_to_sign_anew_comes_to_it_and_then_to_the_queue(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await wait_at_the_door(ada, box)
    await lead(mara, box, "deny", 0)
    group = await box.clinic.db.read(lambda tx: sessions.session(tx, box.session).care_group)
    await box.clinic.db.write(lambda tx: tx.execute("UPDATE care_groups SET cycle = cycle + 1 WHERE id = ?", (group,)))
    assert (await ada.get("/join/next")).path == "/join/over"
    assert (await ada.post("/join/ask")).path == "/join/agreement"
    shown = await sign(ada, PEOPLE[0])
    assert shown.path == "/join/wait" and (await box.member(0)).standing == "waiting"


async def test_a_page_of_before_that_asks_to_come_in_leads_to_what_is_missing(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    assert (await ada.post("/join/ask")).path == "/join/name"
    assert (await box.member(0)).standing == "joining"


async def test_who_was_gone_too_long_is_told_why_the_invitation_is_asked_for_again(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada, stranger = newcomer(), newcomer()
    await show_ticket(ada, box)
    await box.clinic.db.write(lambda tx: tx.execute("DELETE FROM visits"))
    again = await ada.get("/join/wait")
    assert again.path == "/join" and "It has been too long" in again.text
    assert "It has been too long" not in (await stranger.get("/join/wait")).text
    assert (await show_ticket(ada, box)).path == "/join/name"
    assert "It has been too long" not in (await ada.get("/join?again=yes")).text


async def test_a_text_that_is_not_translated_says_its_language_and_runs_its_own_way(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    await ada.post("/join/name", display_name="Ada")
    ada.keep("language", "ar")
    for path in ("/join/agreement", "/join/sharing"):
        shown = (await ada.get(path)).text
        assert '<html lang="ar" dir="rtl"' in shown and '<div class="paper" lang="en" dir="auto">' in shown
        assert '<p class="version" lang="ar" dir="rtl">' in shown


async def wait_for_orientation(visitor: Visitor, number: int) -> None:
    await visitor.post("/join/name", display_name=f"Guest {number}")
    fields = {"agree": "yes", "limits": "yes", "risks": "yes", "signature": f"Guest {number}"}
    shown = await visitor.post("/join/agreement", **fields, shown=visitor.last.hidden("shown"))
    assert shown.path == "/join/orientation"
