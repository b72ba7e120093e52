"""A private word: a room of their own for two, who keep their place in the group, and come back to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.billing import rows as billing
from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.groups import actions as groups
from appliance.groups.actions import Seat
from appliance.groups.requests import AskLook
from appliance.hours import actions as hours
from appliance.live import Live
from appliance.people import rows as people
from appliance.policy import BOX, Actor
from appliance.sessions import actions, asides, rows
from appliance.sessions.given import Given
from appliance.store.database import Transaction
from tests.fakes.box import OpenBox
from tests.fakes.disclosing import let_headquarters_know
from tests.fakes.portal import Newcomer, events, lead, sign_in, wait_at_the_door


class OpenPage:
    """A page in memory: what it was shown, newest last."""

    def __init__(self, session: str, member: str, *, staff: bool = False) -> None:
        self.session, self.member, self.name, self.staff, self.login = session, member, "", staff, b""
        self.handles, self.language = staff, "en"
        self.shown: list[tuple[str, dict[str, Any]]] = []

    def stands(self, tx: Transaction) -> bool:
        return True

    def show(self, event: str, data: dict[str, Any]) -> None:
        self.shown.append((event, data))

    def replace(self) -> None:
        self.shown.append(("replaced", {}))

    def sign_out(self) -> None:
        self.shown.append(("signed out", {}))

    def end(self) -> None:
        self.shown.append(("end", {}))

    def events(self) -> list[str]:
        return [event for event, _ in self.shown]

    def last(self, event: str) -> dict[str, Any]:
        return next((data for name, data in reversed(self.shown) if name == event), {})


class Circle:
    """Mara, with a page open, and Ada and Tomás in the room."""

    def __init__(self, box: OpenBox, mara: str) -> None:
        self.box, self.mara = box, mara
        self.live = box.clinic.live

    async def page(self, session: str, member: str, *, staff: bool = False) -> OpenPage:
        found = OpenPage(session, member, staff=staff)
        await self.live.arrive(found)
        return found

    async def aside(self, number: int = 0, actor: Actor | None = None, leader: str = "") -> str:
        """A private word with that patient; the room's id."""
        member, given = self.box.members[number], Given(leader=leader)
        await self.box.clinic.act(actor or self.box.leader(), "aside", self.box.session, member, given=given)
        return (await self.box.member(number)).aside

    async def back(self, number: int = 0) -> None:
        await self.box.clinic.act(self.box.leader(), "end_aside", self.box.session, self.box.members[number])

    async def place(self, room: str, *, leads: bool = False) -> str:
        members = await self.box.clinic.db.read(lambda tx: rows.members(tx, room))
        return next(m.id for m in members if m.facilitator is leads)

    async def roster(self, page: OpenPage) -> dict[str, bool]:
        return {one["name"]: one["aside"] for one in page.last("roster")["members"]}


@pytest.fixture
async def circle(box: OpenBox) -> AsyncIterator[Circle]:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    await box.let_in(1)
    mara = await box.place_of("mara")
    found = Circle(box, mara)
    await found.page(box.session, mara, staff=True)
    yield found


async def refused(circle: Circle, number: int = 0, actor: Actor | None = None, leader: str = "") -> str:
    with pytest.raises(Fault) as fault:
        await circle.aside(number, actor, leader)
    return fault.value.code


# -- begin and end ---------------------------------------------------------------------------------------------------


async def test_a_private_word_carries_the_two_in_a_room_of_their_own_and_no_more_in_the_group(circle: Circle) -> None:
    box = circle.box
    room = await circle.aside()
    ours, theirs = box.relay.rooms[room], box.relay.rooms[box.session]
    assert ours == {await circle.place(room), await circle.place(room, leads=True)}
    assert theirs == {box.members[1]}
    await circle.back()
    assert room not in box.relay.rooms
    assert box.relay.rooms[box.session] == {circle.mara, *box.members[:2]}


async def test_both_pages_are_told_to_load_anew_and_the_third_sees_back_in_a_moment(circle: Circle) -> None:
    ada, tom = [await circle.page(circle.box.session, circle.box.members[number]) for number in (0, 1)]
    room = await circle.aside()
    assert ada.last("moved") == {} and ada.events()[-1] == "moved"
    assert "moved" not in tom.events()
    assert await circle.roster(tom) == {"Mara": True, "Ada": True, "Tomás": False}
    inside = await circle.page(room, await circle.place(room))
    assert await circle.roster(inside) == {"Mara": False, "Ada": False}
    await circle.back()
    assert inside.events()[-1] == "moved"
    assert "standing" not in inside.events() or inside.last("standing") == {"standing": "admitted"}
    assert await circle.roster(tom) == {"Mara": False, "Ada": False, "Tomás": False}


async def test_nobody_is_in_two_private_rooms(circle: Circle) -> None:
    box, ines = circle.box, await circle.box.lead_together()
    await circle.page(box.session, await box.place_of("ines"), staff=True)
    await circle.aside(0)
    assert await refused(circle, 1) == "in_private_room"  # Mara is
    assert await refused(circle, 0, ines) == "in_private_room"  # Ada is
    assert await circle.aside(1, ines)


async def test_another_who_leads_may_go_along_but_only_with_a_page_open_and_only_who_leads(circle: Circle) -> None:
    box, ines = circle.box, await circle.box.lead_together()
    assert await refused(circle, 0, leader=ines.person) == "leader_not_here"
    assert await refused(circle, 0, leader=box.staff["paul"]) == "leader_not_here"
    assert await refused(circle, 0, box.other_leader()) == "refused"
    page = await circle.page(box.session, await box.place_of("ines"), staff=True)
    room = await circle.aside(0, leader=page.member)  # a page knows places, a program persons
    assert page.events()[-1] == "moved"
    assert box.relay.rooms[box.session] == {circle.mara, box.members[1]}
    assert (await box.clinic.db.read(lambda tx: rows.session(tx, room))).leaders == (ines.person,)


async def test_only_one_who_is_in_the_room_is_taken_aside_and_nobody_who_leads(circle: Circle) -> None:
    await circle.box.wait_at_the_door(2)
    assert await refused(circle, 2) == "wrong_state"
    with pytest.raises(Fault, match="wrong_state"):
        await circle.box.clinic.act(circle.box.leader(), "aside", circle.box.session, circle.mara)
    with pytest.raises(Fault, match="wrong_state"):
        await circle.back()


async def test_the_patient_may_go_back_alone_and_only_for_themselves(circle: Circle) -> None:
    box, at = circle.box, now_text()
    room = await circle.aside()
    ada, tom = [Actor((await box.member(n)).person, "patient", "portal", box.members[n]) for n in (0, 1)]
    with pytest.raises(Fault, match="refused"):
        await box.clinic.db.write(lambda tx: asides.end(tx, tom, box.session, box.members[0], at))
    await box.clinic.db.write(lambda tx: asides.end(tx, ada, box.session, box.members[0], at))
    assert (await box.clinic.db.read(lambda tx: rows.session(tx, room))).state == "ended"


@pytest.mark.parametrize("how", ["end", "remove", "leave"])
async def test_who_goes_out_of_the_session_is_in_no_private_room_of_it(circle: Circle, how: str) -> None:
    box = circle.box
    room = await circle.aside()
    if how == "leave":
        ada = Actor((await box.member(0)).person, "patient", "portal", box.members[0])
        await box.clinic.db.write(lambda tx: actions.leave(tx, ada, now_text()))
        await box.clinic.live.changed(box.session)
    else:
        member = box.members[0] if how == "remove" else ""
        await box.clinic.act(box.leader(), how, box.session, member)
    assert (await box.clinic.db.read(lambda tx: rows.session(tx, room))).state == "ended"
    assert room not in box.relay.rooms


@pytest.mark.parametrize("action", ["end", "lock", "pause", "admit", "remove", "aside", "rejoin"])
async def test_a_private_room_is_no_session_to_act_on(circle: Circle, action: str) -> None:
    room = await circle.aside()
    member = "" if action in ("end", "lock", "pause") else await circle.place(room)
    with pytest.raises(Fault, match="wrong_state"):
        await circle.box.clinic.act(circle.box.leader(), action, room, member)
    ines = (circle.box.staff["ines"], "Ines")
    with pytest.raises(Fault, match="wrong_state"):
        await circle.box.clinic.db.write(lambda tx: actions.add_leader(tx, BOX, room, ines, now_text()))


async def test_who_is_aside_changes_nothing_in_the_groups_keys(circle: Circle) -> None:
    box, seat = circle.box, Seat(circle.box.leader(), circle.box.session, circle.mara, "en")
    await box.clinic.db.read(lambda tx: groups.look(tx, seat, AskLook()))
    await circle.aside()
    with pytest.raises(Fault, match="wrong_state"):
        await box.clinic.db.read(lambda tx: groups.look(tx, seat, AskLook()))


# -- what stays ------------------------------------------------------------------------------------------------------


async def test_a_restart_in_a_private_word_brings_both_back_into_it(circle: Circle) -> None:
    box = circle.box
    room = await circle.aside()
    live = Live(box.clinic.db, lambda _: None)
    again = await live.admitted()
    assert set(again[room]) == {await circle.place(room), await circle.place(room, leads=True)}
    assert set(again[box.session]) == {box.members[1]}
    clinic = Clinic(box.clinic.db, live)
    live.relay = box.relay
    await clinic.act(box.leader(), "end_aside", box.session, box.members[0])
    assert set((await live.admitted())[box.session]) == {circle.mara, *box.members[:2]}
    await live.close()


async def test_attendance_goes_on_in_the_session_and_is_counted_once(circle: Circle) -> None:
    box = circle.box
    page = await circle.page(box.session, box.members[0])
    room = await circle.aside()
    inside = await circle.page(room, await circle.place(room))
    await circle.live.depart(page)
    found = await box.clinic.db.read(lambda tx: rows.attendances(tx, box.members[0], "still there"))
    assert [left for _, left in found] == ["still there"]
    place = inside.member
    assert await box.clinic.db.read(lambda tx: rows.attendances(tx, place, "")) == []
    await circle.live.depart(inside)
    found = await box.clinic.db.read(lambda tx: rows.attendances(tx, box.members[0], "still there"))
    assert [left for _, left in found] != ["still there"]


async def test_an_incident_in_a_private_room_is_the_sessions(circle: Circle) -> None:
    """Noted for the room alone, no summary would ever tell of it."""
    box, room = circle.box, await circle.aside()
    guest = await circle.place(room)
    await box.clinic.db.write(lambda tx: hours.note_incident(tx, box.leader(), room, "crisis", guest, now_text()))
    await circle.back()
    found = await box.clinic.db.read(lambda tx: hours.summary(tx, box.leader(), box.session, now_text()))
    assert [(one.kind, one.name) for one in found.incidents] == [("crisis", "Ada Brook")]


async def test_no_list_report_or_bill_knows_of_private_rooms(circle: Circle) -> None:
    box = circle.box
    ada = (await box.member(0)).person
    box.published.clear()
    room = await circle.aside()
    await circle.page(room, await circle.place(room))
    assert set(box.published) == {box.session}
    lead, desk = box.leader(), box.desk()
    listed = await box.clinic.db.read(lambda tx: [rows.current(tx, actor, "") for actor in (lead, desk)])
    assert [[one.id for one in found] for found in listed] == [[box.session]] * 2
    assert [one.session for one in await box.clinic.db.read(lambda tx: people.appointments(tx, ada))] == [box.session]
    await let_headquarters_know(box.clinic, box.session)
    before = await _reports(box)
    await circle.back()
    assert await _reports(box) == before
    await box.clinic.act(lead, "end", box.session)
    assert await _reports(box) == before + 1
    bill = await box.clinic.db.read(lambda tx: billing.attendances(tx, "", "9999", 100))
    assert {one.session for one in bill} <= {box.session}


async def _reports(box: OpenBox) -> int:
    rows_ = await box.clinic.db.read(
        lambda tx: tx.all("SELECT count(*) AS n FROM outbox WHERE record_class = 'session_ended'")
    )
    return int(rows_[0]["n"])


# -- the portal ------------------------------------------------------------------------------------------------------


async def test_whatever_page_they_ask_for_leads_to_the_private_room_and_afterwards_back(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await lead(mara, box, "open")
    await wait_at_the_door(ada, box)
    await lead(mara, box, "admit", 0)
    group = f"/staff/sessions/{box.session}"
    async with mara.socket(f"{group}/ws") as at_group, ada.socket(f"/join/ws?at={box.session}") as of_ada:
        await lead(mara, box, "aside", 0)
        for socket in (at_group, of_ada):
            await events(socket, lambda frame: frame.get("event") == "moved")
    room = (await box.member(0)).aside
    assert mara.last.path == f"/staff/sessions/{room}"
    assert mara.last.title == "Private word with Ada"
    assert "waiting-panel" not in mara.last.text
    for page in ("/join/next", "/join/wait", "/join/wait"):  # and after a reload
        assert (await ada.get(page)).title == "A word with Mara"
    assert (await mara.get(group)).path == f"/staff/sessions/{room}"

    async with ada.socket(f"/join/ws?at={box.session}") as late:  # its line was away when the word began
        assert (await late.receive_json())["event"] == "moved"
    async with mara.socket(f"{group}/ws") as late:
        assert (await late.receive_json())["event"] == "moved"
    async with ada.socket(f"/join/ws?at={room}") as inside:
        seen = await events(inside, lambda frame: frame.get("event") == "media")
        assert {"type": "event", "event": "standing", "data": {"standing": "admitted"}} in seen
        await ada.get("/join/wait")
        assert (await ada.post("/join/back")).path == "/join/wait"
        await events(inside, lambda frame: frame.get("event") == "moved")
    assert "Thursday circle" in ada.last.text and "Back to the group" not in ada.last.text
    assert (await mara.get(f"/staff/sessions/{room}")).path == group


async def test_leaving_in_a_private_room_leaves_the_session(box: OpenBox, newcomer: Newcomer) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await lead(mara, box, "open")
    await wait_at_the_door(ada, box)
    await lead(mara, box, "admit", 0)
    async with mara.socket(f"/staff/sessions/{box.session}/ws"):
        await lead(mara, box, "aside", 0)
    await ada.get("/join/wait")
    assert (await ada.post("/join/leave")).path == "/join/over"
    found = await box.member(0)
    assert (found.standing, found.aside) == ("joining", "")


async def test_staff_who_are_not_in_it_come_to_no_private_room(box: OpenBox, newcomer: Newcomer) -> None:
    mara, jonas = newcomer(), newcomer()
    await sign_in(mara)
    await lead(mara, box, "open")
    await box.let_in(0)
    async with mara.socket(f"/staff/sessions/{box.session}/ws"):
        await lead(mara, box, "aside", 0)
    room = (await box.member(0)).aside
    await sign_in(jonas, "jonas")
    assert (await jonas.get(f"/staff/sessions/{room}")).path == f"/staff/sessions/{box.session}"
    async with jonas.socket(f"/staff/sessions/{room}/ws") as line:
        assert [(await line.receive_json())["event"], (await line.receive()).data] == ["moved", 1000]
