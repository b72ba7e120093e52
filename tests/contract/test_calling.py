"""Whom to call, licences, and the look of the pages, through the portal and without script."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.clock import now_text
from appliance.contacts import rows as contacts
from appliance.licences import rows as licences
from tests.fakes.box import OpenBox
from tests.fakes.portal import Behind, Newcomer, show_ticket, sign_in
from tests.fakes.visitor import Visitor

ON_CALL, LISTS = "/staff/on-call", "/staff/on-call/"


async def note(visitor: Visitor, name: str = "Night line", phone: str = "555 0199", which: str = "emergency") -> None:
    await visitor.get(ON_CALL)
    saved = await visitor.post(LISTS + which, name=[name, ""], phone=[phone, ""], about=["at night", ""])
    assert saved.path == ON_CALL and "Saved." in saved.text


async def desk(newcomer: Newcomer) -> Visitor:
    visitor: Visitor = newcomer()
    await sign_in(visitor, "jonas")
    return visitor


async def test_the_emergency_contacts_stand_on_every_page_for_everybody(box: OpenBox, newcomer: Newcomer) -> None:
    await note(await desk(newcomer))
    stranger, ada = newcomer(), newcomer()
    await show_ticket(ada, box)
    for visitor, path in ((stranger, "/"), (stranger, "/join"), (stranger, "/protected"), (ada, "/join/name")):
        shown = await visitor.get(path)
        assert shown.path == path and 'href="tel:5550199"' in shown.text, path


async def test_they_stand_there_while_the_store_is_locked(behind: Behind, newcomer: Newcomer) -> None:
    await note(await desk(newcomer))
    behind.locked = True
    shown = await newcomer().get("/help")
    assert shown.status == 200 and "Night line" in shown.text and 'href="tel:5550199"' in shown.text


async def test_without_any_the_page_says_what_to_call(newcomer: Newcomer) -> None:
    shown = await newcomer("es").get("/help")
    assert "número de emergencias" in shown.text and "555 0142" in shown.text


async def test_who_is_on_call_is_for_staff_alone(box: OpenBox, newcomer: Newcomer) -> None:
    await note(await desk(newcomer), "Dr. Field", "555 0177", "on-call")
    assert "Dr. Field" not in (await newcomer().get("/help")).text
    mara = newcomer()
    await sign_in(mara, "mara")
    shown = await mara.get(ON_CALL)
    assert "Dr. Field" in shown.text and '<form method="post" action="/staff/on-call' not in shown.text


async def test_what_was_typed_stays_when_a_number_cannot_be_dialled(box: OpenBox, newcomer: Newcomer) -> None:
    jonas = await desk(newcomer)
    await jonas.get(ON_CALL)
    shown = await jonas.post(
        LISTS + "on-call", name=["Dr. Field", "Nora"], phone=["555 0177", "ask me"], about=["", ""]
    )
    assert shown.status == 400 and "Line 2 is not complete" in shown.text and 'value="ask me"' in shown.text
    assert await box.clinic.db.read(lambda tx: contacts.contacts(tx, "on_call")) == ()


async def test_a_licence_is_noted_renewed_and_taken_away_and_the_old_one_stays_in_the_store(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ruth: Visitor = newcomer()
    await sign_in(ruth, "ruth")
    person = f"/staff/people/{box.staff['mara']}"
    await ruth.get(person)
    shown = await ruth.post(f"{person}/licences", kind="licence", name="Counsellor", ends_on="2020-01-31")
    assert "ended on January 31, 2020" in shown.text and "cannot open a session" in shown.text
    mara = box.staff["mara"]
    assert await box.clinic.db.read(lambda tx: licences.expired(tx, mara, "2026-01-01T00:00:00Z"))
    (held,) = await box.clinic.db.read(lambda tx: licences.of(tx, mara))
    unfit = await ruth.post(f"{person}/licences/{held.id}", do="renew", ends_on="next spring")
    assert unfit.status == 400 and "year, month, day" in unfit.text and "Mara Lindqvist" in unfit.text
    assert [held] == await box.clinic.db.read(lambda tx: licences.of(tx, mara))
    shown = await ruth.post(f"{person}/licences/{held.id}", do="renew", ends_on="2090-01-31")
    assert "until January 31, 2090" in shown.text
    assert not await box.clinic.db.read(lambda tx: licences.expired(tx, mara, "2026-01-01T00:00:00Z"))
    (held,) = await box.clinic.db.read(lambda tx: licences.of(tx, mara))
    assert "Nothing is noted." in (await ruth.post(f"{person}/licences/{held.id}", do="end")).text
    kept = await box.clinic.db.read(lambda tx: tx.all("SELECT id FROM licences"))
    assert len(kept) == 2


async def test_who_leads_is_told_on_the_first_page_before_a_licence_keeps_them_out(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ruth, mara = newcomer(), newcomer()
    await sign_in(ruth, "ruth")
    await sign_in(mara, "mara")
    assert "clinical lead" not in (await mara.get("/staff")).text
    person = f"/staff/people/{box.staff['mara']}"
    await ruth.get(person)
    soon = (licences.today(now_text()) + timedelta(days=3)).isoformat()
    await ruth.post(f"{person}/licences", kind="licence", name="Counsellor", ends_on=soon)
    assert "show the clinical lead the new one" in (await mara.get("/staff")).text
    await ruth.post(f"{person}/licences", kind="training", name="First aid", ends_on="2020-01-31")
    shown = (await mara.get("/staff")).text
    assert "First aid” ended on January 31, 2020. You cannot open a session" in shown
    assert (await mara.get(f"/staff/sessions/{box.session}")).text.count("#cards") == 1
    assert "First aid" not in (await (await desk(newcomer)).get("/staff")).text


@pytest.mark.parametrize(
    ("fields", "words"), [({"name": ""}, "two letters"), ({"ends_on": "soon"}, "year, month, day")]
)
async def test_a_licence_that_cannot_be_is_said_beside_its_form(
    box: OpenBox, newcomer: Newcomer, fields: dict[str, str], words: str
) -> None:
    ruth: Visitor = newcomer()
    await sign_in(ruth, "ruth")
    person = f"/staff/people/{box.staff['mara']}"
    await ruth.get(person)
    typed = {"kind": "training", "name": "First aid", "ends_on": "", **fields}
    shown = await ruth.post(f"{person}/licences", **typed)
    assert shown.status == 400 and words in shown.text and f'value="{typed["name"]}"' in shown.text


async def test_larger_letters_and_more_contrast_stay_without_script(newcomer: Newcomer) -> None:
    visitor: Visitor = newcomer()
    await visitor.get("/join")
    shown = await visitor.post("/look", text="large", back="/join")
    assert shown.path == "/join" and '<html lang="en" dir="ltr" data-text="large">' in shown.text
    shown = await visitor.post("/look", contrast="more", back="/join")
    assert 'data-text="large" data-contrast="more"' in shown.text
    assert "data-text" not in (await visitor.post("/look", text="", back="/join")).text
