"""Notes as a browser without script goes through them, over TLS, on a real store."""

from __future__ import annotations

import re

import pytest

from appliance.audit import rows as audit
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.notes.sealing import PrivateKey
from appliance.policy import BOX, StaffRole
from tests.fakes.box import PASSWORD, PEOPLE, PHC, OpenBox
from tests.fakes.notes import Notes, notes_of
from tests.fakes.portal import Newcomer, lead, sign_in
from tests.fakes.visitor import Shown, Visitor


@pytest.fixture
async def notes(box: OpenBox) -> Notes:
    return await notes_of(box)


@pytest.fixture
async def mara(newcomer: Newcomer) -> Visitor:
    visitor = newcomer()
    await sign_in(visitor)
    return visitor


async def appointed(box: OpenBox, newcomer: Newcomer, username: str, role: StaffRole) -> Visitor:
    """One more of the staff, signed in."""
    await box.clinic.db.write(lambda tx: identity.appoint(tx, BOX, username.title(), username, role, PHC, now_text()))
    visitor = newcomer()
    await sign_in(visitor, username)
    return visitor


async def keep(visitor: Visitor, notes: Notes, text: str, title: str = "", person: str = "") -> str:
    """Write a note on its page; its path."""
    await visitor.get(f"/staff/notes/new?group={notes.group}&person={person}")
    shown = await visitor.post("/staff/notes/new", group=notes.group, session="", person=person, title=title, text=text)
    assert shown.status == 200, shown.text
    return shown.path


async def test_a_note_is_written_read_found_and_written_anew(notes: Notes, mara: Visitor) -> None:
    assert "There is no note here yet." in (await mara.get("/staff/notes")).text
    session = await mara.get(f"/staff/sessions/{notes.box.session}")
    (link,) = re.findall(r'href="(/staff/notes\?group=[^"]+)"', session.text)
    assert PEOPLE[0] in (await mara.get(link.replace("&amp;", "&"))).text
    path = await keep(mara, notes, "Schläft wenig.\n<b>Cumplió años</b>", "Tuesday", await notes.patient())
    assert "&lt;b&gt;Cumplió años" in mara.last.text and mara.last.title == "Tuesday"
    assert "Tuesday" in (await mara.get("/staff/notes")).text
    await mara.get("/staff/notes/search")
    found = await mara.post("/staff/notes/search", query="anos wenig")
    assert "<mark>años</mark>" in found.text and found.path == "/staff/notes/search"
    assert "Nothing was found." in (await mara.post("/staff/notes/search", query='"wenig anos"')).text
    await mara.get(f"{path}/edit")
    base = mara.last.hidden("base")
    changed = await mara.post(f"{path}/edit", base=base, title="Tuesday", text="Schläft besser.")
    assert (changed.path, "Schläft besser." in changed.text) == (path, True)
    assert "Cumplió años" in (await mara.get(f"{path}/versions/1")).text
    assert "Nothing was found." in (await search(mara, "wenig")).text


async def search(visitor: Visitor, query: str) -> Shown:
    await visitor.get("/staff/notes/search")
    return await visitor.post("/staff/notes/search", query=query)


async def test_text_comes_back_when_the_login_has_ended_and_is_kept_after_signing_in_again(
    notes: Notes, mara: Visitor
) -> None:
    page = await mara.get(f"/staff/notes/new?group={notes.group}")
    fields = {"group": notes.group, "session": "", "person": "", "title": "T", "text": "a long evening's work"}
    await notes.box.clinic.db.write(lambda tx: tx.execute("DELETE FROM logins"))
    await notes.box.clinic.end_logins_of(notes.box.staff["mara"])
    refused = await mara.post("/staff/notes/new", csrf=page.hidden("csrf"), **fields)
    assert (refused.status, "a long evening&#39;s work" in refused.text) == (401, True)
    await sign_in(mara)
    again = await mara.post("/staff/notes/new", csrf=page.hidden("csrf"), **fields)
    assert "a long evening&#39;s work" in again.text and "Please press the button once more" in again.text
    assert (await mara.post("/staff/notes/new", **fields)).path.startswith("/staff/notes/")


async def test_a_note_of_64_kib_in_another_script_is_kept_and_a_longer_one_comes_back(
    notes: Notes, mara: Visitor
) -> None:
    path = await keep(mara, notes, "ж" * 32768)
    assert "ж" * 32768 in (await mara.get(path)).text
    await mara.get(f"/staff/notes/new?group={notes.group}")
    shown = await mara.post(
        "/staff/notes/new", group=notes.group, session="", person="", title="", text="ж" * 32768 + "!"
    )
    assert (shown.status, "ж!" in shown.text) == (413, True)


async def test_two_who_change_a_note_at_once_lose_nothing(notes: Notes, mara: Visitor, newcomer: Newcomer) -> None:
    path = await keep(mara, notes, "first")
    await mara.get(f"{path}/edit")
    await mara.post(f"{path}/edit", base="1", title="", text="second")
    await mara.get(f"{path}/edit")
    shown = await mara.post(f"{path}/edit", base="1", title="", text="mine, over the first")
    assert (shown.status, "mine, over the first" in shown.text) == (409, True)
    kept = await mara.post(f"{path}/edit", base="1", over="2", title="", text="mine, over the second")
    assert (kept.path, "Version 3" in kept.text) == (path, True)


@pytest.mark.parametrize("role", ["administrator", "operator", "billing", "auditor"])
async def test_who_is_no_clinician_meets_a_closed_door_and_no_sign_of_it(
    notes: Notes, mara: Visitor, newcomer: Newcomer, role: StaffRole
) -> None:
    path = await keep(mara, notes, "nothing for you")
    other = await appointed(notes.box, newcomer, "other", role)
    assert "/staff/notes" not in (await other.get("/staff/account")).text
    for closed in ("/staff/notes", path, f"{path}/versions/1", "/staff/notes/search", "/staff/notes/access"):
        assert (await other.get(closed)).status == 403
    for closed in ("/staff/notes/emergency", "/staff/groups", f"/staff/notes/new?group={notes.group}"):
        assert (await other.get(closed)).status == 403
    await other.get("/staff/account")
    assert (await other.post("/staff/notes/search", query="nothing")).status == 403


async def test_another_facilitator_cannot_tell_a_note_from_none(
    notes: Notes, mara: Visitor, newcomer: Newcomer
) -> None:
    path = await keep(mara, notes, "lighthouse")
    paul = newcomer()
    await sign_in(paul, "paul")
    assert "lighthouse" not in (await paul.get("/staff/notes")).text
    assert (await paul.get(path)).status == 403
    assert (await paul.get(f"/staff/notes?group={notes.group}")).status == 403
    assert "Nothing was found." in (await search(paul, "lighthouse")).text


async def test_a_restart_asks_for_the_password_and_goes_on(notes: Notes, mara: Visitor) -> None:
    path = await keep(mara, notes, "still here")
    notes.box.clinic.ring.drop_person(notes.box.staff["mara"])
    assert (await mara.get(path)).title == "Open your notes"
    there = mara.last.hidden("next")
    assert (await mara.post("/staff/notes/key", next=there, password="not the password")).status == 401
    assert "still here" in (await mara.post("/staff/notes/key", next=there, password=PASSWORD)).text


async def test_a_colleague_gives_access_on_the_page(notes: Notes, mara: Visitor, newcomer: Newcomer) -> None:
    path = await keep(mara, notes, "for Ines too")
    vera = await appointed(notes.box, newcomer, "vera", "clinical_lead")
    await vera.get(f"/staff/groups/{notes.group}")
    await vera.post(f"/staff/groups/{notes.group}/let-in", person=notes.box.staff["ines"])
    ines = newcomer()
    await sign_in(ines, "ines")
    assert (await ines.get(path)).status == 403
    assert "You still wait for the keys" in (await ines.get("/staff/notes")).text
    page = await mara.get("/staff/notes/access")
    forms = re.findall(r'name="holder" value="([^"]*)">\s*<input type="hidden" name="key" value="([^"]*)"', page.text)
    key = dict(forms)[notes.box.staff["ines"]]
    await mara.post("/staff/notes/access/give", group=notes.group, holder=notes.box.staff["ines"], key=key)
    assert "for Ines too" in (await ines.get(path)).text


async def test_a_lead_opens_in_an_emergency_and_the_clinicians_see_it(
    notes: Notes, mara: Visitor, newcomer: Newcomer
) -> None:
    vera = await appointed(notes.box, newcomer, "vera", "clinical_lead")
    path = await keep(mara, notes, "allergic to penicillin", person=await notes.patient())
    about = f"{notes.group}.{await notes.patient()}"
    assert "allergic" not in (await vera.get("/staff/notes/emergency")).text
    short = await vera.post("/staff/notes/emergency", about=about, reason="because")
    assert (short.status, "because</textarea>" in short.text) == (400, True)
    opened = await vera.post("/staff/notes/emergency", about=about, reason="she is unconscious at the hospital")
    assert opened.path.startswith("/staff/notes/emergency/")
    assert "allergic" in (await vera.get(opened.path + path.removeprefix("/staff/notes"))).text
    told = await mara.get("/staff/notes")
    assert "she is unconscious at the hospital" in told.text and "Vera" in told.text
    (notice,) = re.findall(r'action="(/staff/notes/notices/[^"]+)"', told.text)
    assert "unconscious" not in (await mara.post(notice)).text


async def test_a_lead_gives_headquarters_a_share_on_the_page(notes: Notes, newcomer: Newcomer) -> None:
    vera = await appointed(notes.box, newcomer, "vera", "clinical_lead")
    assert "Headquarters" not in (await vera.get("/staff/notes/access")).text
    hq = PrivateKey.new()
    notes.box.clinic.notebook._record_key = lambda: hq.public
    assert "Give headquarters a share" in (await vera.get("/staff/notes/access")).text
    given = await vera.post("/staff/notes/access/share-hq")
    assert (given.status, "Headquarters keeps a sealed share" in given.text) == (200, True)


async def test_billing_sees_minutes_and_no_title_and_each_person_is_in_the_audit(
    notes: Notes, mara: Visitor, newcomer: Newcomer
) -> None:
    box = notes.box
    await box.clinic.db.write(
        lambda tx: tx.execute(
            "UPDATE people SET name = '=HYPERLINK(1)' WHERE id IN (SELECT person FROM members WHERE id = ?)",
            (box.members[0],),
        )
    )
    await lead(mara, box, "open")
    await box.clinic.db.write(
        lambda tx: tx.execute(
            "INSERT INTO attendances (member, joined_at, left_at) VALUES (?, ?, ?)",
            (box.members[0], "2026-01-05T10:00:00Z", "2026-01-05T10:52:30Z"),
        )
    )
    await lead(mara, box, "end")
    billing = await appointed(box, newcomer, "berta", "billing")
    page = await billing.get("/staff/attendance")
    assert "Thursday circle" not in page.text and '<td class="number">52</td>' in page.text
    saved = await billing.post("/staff/attendance.csv", month=page.hidden("month"))
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert ",'=HYPERLINK(1),52" in saved.text and "Thursday" not in saved.text
    seen = [e for e in await box.clinic.db.read(audit.entries) if e.action == "see_attendance"]
    assert {e.person for e in seen} == {await notes.patient()}
    assert (await mara.get("/staff/attendance")).status == 403


async def test_the_pages_speak_spanish(notes: Notes, newcomer: Newcomer) -> None:
    mara = newcomer("es")
    await sign_in(mara)
    assert (await mara.get("/staff/notes")).title == "Notas"
    assert "Todavía no hay ninguna nota aquí." in mara.last.text
