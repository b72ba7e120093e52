"""Sessions planned in the portal: new ones, weekly ones, changed, cancelled, invitations for all of one at once."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from aiohttp import WSMsgType
from pypdf import PdfReader

from appliance import clock
from appliance.audit import rows as audit
from appliance.care import rows as care
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.policy import BOX
from appliance.sessions import rows
from appliance.store.database import Transaction
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, sign_in
from tests.fakes.visitor import Shown, Visitor

HOME = "/staff/planned"
NEXT = (datetime.now(UTC) + timedelta(days=7)).astimezone()
DAY, TIME = NEXT.strftime("%Y-%m-%d"), "10:30"
Fields = dict[str, str | Sequence[str]]


async def jonas(newcomer: Newcomer) -> Visitor:
    visitor = newcomer()
    await sign_in(visitor, "jonas")
    return visitor


async def people(box: OpenBox) -> list[str]:
    return [(await box.member(number)).person for number in range(3)]


async def plan(visitor: Visitor, path: str = f"{HOME}/new", **fields: str | Sequence[str]) -> Shown:
    await visitor.get(path)
    given: Fields = {"title": "Friday circle", "day": DAY, "time": TIME, "times": "1", "do": "plan", **fields}
    return await visitor.post(path, origin=None, csrf=None, **given)


async def planned(box: OpenBox) -> list[tuple[rows.Session, list[rows.Member]]]:
    """All sessions but the box's first, earliest first."""

    def look(tx: Transaction) -> list[tuple[rows.Session, list[rows.Member]]]:
        found = [s for s in rows.current(tx, BOX, "0") if s.id != box.session]
        return [(one, rows.members(tx, one.id)) for one in found]

    return await box.clinic.db.read(look)


async def one_of(box: OpenBox, newcomer: Newcomer) -> tuple[Visitor, str, list[str]]:
    """A session of tomorrow week with two people, led by Mara; the front desk; the session's path."""
    desk, found = await jonas(newcomer), await people(box)
    shown = await plan(desk, leader=box.staff["mara"], person=found[:2])
    return desk, shown.path, found


async def issued(desk: Visitor, path: str, whom: str = "") -> dict[str, list[str]]:
    """The tickets on the page that shows them once."""
    await desk.get(path)
    shown = await desk.post(f"{path}/invitations", **({"whom": whom} if whom else {}))
    form = shown.text.partition("</form>")[2].partition("</form>")[0]  # the first after signing out
    names = ("csrf", "session", "member", "code", "pin")
    return {name: [unescape(value) for value in re.findall(f'name="{name}" value="([^"]*)"', form)] for name in names}


async def pdf_of(desk: Visitor, kind: str, fields: dict[str, list[str]]) -> tuple[int, list[str]]:
    """The status, and the text of each page."""
    data = [*((name, value) for name, of in fields.items() for value in of), ("language", "en")]
    url = f"{desk.origin}/staff/print/{kind}"
    async with desk.http.post(url, data=data, headers={"Origin": desk.origin}) as response:
        body = await response.read()
        pages = PdfReader(io.BytesIO(body)).pages if response.status == 200 else []
        return response.status, [page.extract_text() for page in pages]


async def test_a_planned_session_is_at_the_walls_time_with_its_leader_and_people(
    box: OpenBox, newcomer: Newcomer
) -> None:
    desk, path, found = await one_of(box, newcomer)
    assert desk.last.title == "Friday circle" and "The session is planned." in desk.last.text
    ((session, members),) = await planned(box)
    assert path == f"{HOME}/{session.id}"
    assert clock.parse(session.starts_at).astimezone().strftime("%Y-%m-%d %H:%M") == f"{DAY} {TIME}"
    assert [m.display_name for m in members if m.facilitator] == ["Mara"]
    assert {m.person for m in members if not m.facilitator} == set(found[:2])
    assert "Friday circle" in (await desk.get(HOME)).text
    assert session.id in box.published  # the console hears of it
    entry = [e for e in await box.clinic.db.read(audit.entries) if e.action == "schedule"][-1]
    assert entry.actor == box.staff["jonas"]


async def test_weekly_sessions_are_each_their_own_in_one_care_group(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    shown = await plan(desk, leader=box.staff["mara"], times="3", person=await people(box))
    assert "3 sessions are planned." in shown.text
    found = await planned(box)
    assert len({session.id for session, _ in found}) == 3
    assert len({session.care_group for session, _ in found}) == 1
    walls = [clock.parse(session.starts_at).astimezone() for session, _ in found]
    assert [(one.strftime("%A %H:%M")) for one in walls] == [NEXT.strftime(f"%A {TIME}")] * 3


async def test_an_existing_care_groups_clinicians_lead_where_nobody_is_ticked(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    group = await box.clinic.db.read(lambda tx: care.of_session(tx, box.session))
    await plan(desk, group=group)
    ((session, members),) = await planned(box)
    assert (session.care_group, [m.person for m in members]) == (group, [box.staff["mara"]])


REFUSED: list[tuple[Fields, str]] = [
    ({"title": " "}, "give the session a title"),
    ({"day": ""}, "give the day and the time"),
    ({"time": "25:00"}, "give the day and the time"),
    ({"day": "2020-01-01"}, "is over already"),
    ({"day": "2999-01-01"}, "more than two years"),
    ({"times": "0"}, "how many weeks: 1"),
    ({"times": "9999999"}, "how many weeks: 1"),
    ({"leader": []}, "choose who leads"),
    ({"leader": "nobody"}, "choose who leads"),
    ({"person": "nobody"}, "does not come any more"),
    ({"group": "nothing"}, "not there any more"),
]


async def test_a_refused_plan_says_why_and_loses_nothing(box: OpenBox, newcomer: Newcomer) -> None:
    desk, (ada, *_) = await jonas(newcomer), await people(box)
    mara = box.staff["mara"]
    for fields, words in REFUSED:
        given: Fields = {"leader": mara, "person": ada, f"name-{mara}": "Mar", **fields}
        shown = await plan(desk, f"{HOME}/new", **given)
        assert (shown.status, words in shown.text) == (400, True), fields
        assert "title" in fields or 'value="Friday circle"' in shown.text
        assert "person" in fields or f'value="{ada}" checked' in shown.text
        assert 'value="Mar"' in shown.text
    assert await planned(box) == []


async def test_seventeen_people_are_too_many(box: OpenBox, newcomer: Newcomer) -> None:
    def many(tx: Transaction) -> list[str]:
        return [identity.enrol(tx, BOX, f"Person {number}", now_text()) for number in range(16)]

    crowd = await box.clinic.db.write(many)
    desk = await jonas(newcomer)
    shown = await plan(desk, leader=box.staff["mara"], person=crowd)
    assert "too many people" in shown.text and shown.text.count("checked") == 17
    assert (await plan(desk, leader=box.staff["mara"], person=crowd[1:])).status == 200


async def test_a_search_in_the_form_keeps_what_was_typed_and_ticked(box: OpenBox, newcomer: Newcomer) -> None:
    desk, (ada, tomas, wen) = await jonas(newcomer), await people(box)
    shown = await plan(desk, person=ada, find="tomas", do="find")
    assert shown.status == 200 and 'value="Friday circle"' in shown.text
    assert f'value="{ada}" checked' in shown.text and f'value="{tomas}">' in shown.text
    assert wen not in shown.text


async def test_who_stays_in_a_changed_plan_keeps_their_ticket_and_who_goes_loses_it(
    box: OpenBox, newcomer: Newcomer
) -> None:
    desk, path, (ada, tomas, wen) = await one_of(box, newcomer)
    await issued(desk, path)
    ((_, before),) = await planned(box)
    kept = next(m for m in before if m.person == ada)
    later = (NEXT + timedelta(days=30)).strftime("%Y-%m-%d")
    ines, mara = box.staff["ines"], box.staff["mara"]
    assert f'value="{ada}" checked' in (await desk.get(f"{path}/change")).text
    shown = await plan(
        desk,
        f"{path}/change",
        title="Saturday circle",
        day=later,
        leader=[ines],
        person=[ada, wen],
        **{f"name-{ines}": "Inés", f"name-{mara}": "Mara"},
    )
    assert shown.path == path and "The session is changed." in shown.text
    ((session, members),) = await planned(box)
    assert (session.title, session.leaders, session.starts_at[:10]) == ("Saturday circle", (ines,), later)
    by_person = {m.person: m for m in members}
    assert set(by_person) == {ines, ada, wen}
    assert by_person[ada].id == kept.id
    assert by_person[ada].ticket_expires_at >= clock.parse(session.starts_at).timestamp()  # it opens the new day too
    assert by_person[ines].display_name == "Inés"
    assert [e.person for e in await box.clinic.db.read(audit.entries) if e.action == "schedule"].count(tomas) >= 2


async def test_who_leads_no_more_sees_nothing_more_on_an_open_page(box: OpenBox, newcomer: Newcomer) -> None:
    desk, (ada, *_), mara = await jonas(newcomer), await people(box), newcomer()
    await sign_in(mara)
    await mara.get(f"/staff/sessions/{box.session}")
    async with mara.socket(f"/staff/sessions/{box.session}/ws") as socket:
        await socket.receive()
        shown = await plan(desk, f"{HOME}/{box.session}/change", leader=box.staff["paul"], person=ada)
        assert shown.status == 200
        while (message := await socket.receive(timeout=5)).type == WSMsgType.TEXT:
            assert "Paul" not in message.data
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)
    assert (await mara.get(f"/staff/sessions/{box.session}")).status == 403


async def test_a_session_that_was_opened_is_not_planned_otherwise_nor_cancelled(
    box: OpenBox, newcomer: Newcomer
) -> None:
    desk = await jonas(newcomer)
    path = f"{HOME}/{box.session}"
    await desk.get(path)
    await box.clinic.act(box.leader(), "open", box.session)
    assert (await desk.get(f"{path}/change")).path == path
    refused = await desk.post(f"{path}/change", do="plan", title="x", day=DAY, time=TIME, leader=box.staff["mara"])
    assert refused.status == 409
    await desk.get(path)
    assert "Change the plan" not in desk.last.text
    assert (await desk.post(f"{path}/cancel", sure="yes")).status == 409


async def test_a_session_of_an_hour_long_past_may_keep_its_time(box: OpenBox, newcomer: Newcomer) -> None:
    await box.clinic.db.write(
        lambda tx: tx.execute("UPDATE sessions SET starts_at = '2026-01-05T10:00:30Z' WHERE id = ?", (box.session,))
    )
    desk, (ada, *_) = await jonas(newcomer), await people(box)
    path = f"{HOME}/{box.session}/change"
    day, at = re.findall(r'name="(?:day|time)" type="\w+" value="([^"]+)"', (await desk.get(path)).text)
    shown = await plan(desk, path, day=day, time=at, leader=box.staff["mara"], person=ada)
    assert "The session is changed." in shown.text
    found = await box.clinic.db.read(lambda tx: rows.session(tx, box.session))
    assert (found.title, found.starts_at) == ("Friday circle", "2026-01-05T10:00:30Z")


async def test_a_cancelled_session_is_over_and_its_tickets_open_nothing(box: OpenBox, newcomer: Newcomer) -> None:
    desk, path, _ = await one_of(box, newcomer)
    ticket = await issued(desk, path)
    await desk.get(path)
    assert (await desk.post(f"{path}/cancel")).title == "Cancel Friday circle?"
    done = await desk.post(f"{path}/cancel", sure="yes")
    assert done.path == HOME and "The session is cancelled." in done.text
    assert "Cancelled" in (await desk.get(path)).text
    ada = newcomer()
    await ada.get("/join")
    assert (await ada.post("/join", code=ticket["code"][0], pin=ticket["pin"][0])).status != 200
    assert [e.outcome for e in await box.clinic.db.read(audit.entries) if e.action == "cancel"] == ["done"]


async def test_all_get_an_invitation_at_once_and_each_a_page_of_each_paper(box: OpenBox, newcomer: Newcomer) -> None:
    desk, path, _ = await one_of(box, newcomer)
    fields = await issued(desk, path)
    assert len(fields["code"]) == 2
    status, pages = await pdf_of(desk, "invitation", fields)
    assert (status, len(pages)) == (200, 2)
    assert all(code in page for code, page in zip(fields["code"], pages, strict=True))
    assert not any(pin in page for pin in fields["pin"] for page in pages)
    status, slips = await pdf_of(desk, "pin", fields)
    shown = ["".join(slip.split()) for slip in slips]
    assert status == 200 and all(pin in slip for pin, slip in zip(fields["pin"], shown, strict=True))
    ada = newcomer()
    await ada.get("/join")
    assert (await ada.post("/join", code=fields["code"][0], pin=fields["pin"][0])).path == "/join/name"


async def test_that_old_invitations_stop_is_said_before_it_is_done(box: OpenBox, newcomer: Newcomer) -> None:
    desk, path, found = await one_of(box, newcomer)
    first = await issued(desk, path)
    await desk.get(path)
    asked = await desk.post(f"{path}/invitations")
    assert "2 people have an invitation already" in asked.text and "Only for" not in asked.text
    await plan(desk, f"{path}/change", leader=box.staff["mara"], person=found)
    await desk.get(path)
    assert "Only for 1 who has none" in (await desk.post(f"{path}/invitations")).text
    missing = await issued(desk, path, "missing")
    assert len(missing["code"]) == 1
    assert (await pdf_of(desk, "invitation", first))[0] == 200  # still opens
    await issued(desk, path, "all")
    assert (await pdf_of(desk, "invitation", first))[0] == 403
    assert (await pdf_of(desk, "invitation", {**first, "pin": first["pin"][:1]}))[0] == 400


@pytest.mark.parametrize("username", ["mara", "ruth"])
async def test_who_does_not_schedule_plans_nothing_and_it_is_noted(
    box: OpenBox, newcomer: Newcomer, username: str
) -> None:
    visitor = newcomer()
    await sign_in(visitor, username)
    for path in (HOME, f"{HOME}/new", f"{HOME}/{box.session}", f"{HOME}/nothing/change"):
        assert (await visitor.get(path)).status == 403
    refused = [e for e in await box.clinic.db.read(audit.entries) if e.action == "schedule" and e.outcome == "refused"]
    assert {e.actor for e in refused} == {box.staff[username]}


async def test_a_day_without_a_session_leads_the_front_desk_to_the_plan(box: OpenBox, newcomer: Newcomer) -> None:
    desk, path, _ = await one_of(box, newcomer)
    session = path.rpartition("/")[2]
    today = (await desk.get("/staff")).text
    assert today.index(box.session) < today.index("On other days") < today.index(session)
    await desk.get(f"{HOME}/{box.session}")
    await desk.post(f"{HOME}/{box.session}/cancel", sure="yes")
    await box.clinic.db.write(
        lambda tx: tx.execute("UPDATE sessions SET ended_at = '2026-01-01T00:00:00Z' WHERE id = ?", (box.session,))
    )
    assert f'href="{HOME}">Plan sessions' in (await desk.get("/staff")).text
