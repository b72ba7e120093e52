"""Several who lead one session: each with a place, a page and a leaf of their own. And whose leaf is whose."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.clock import now_text
from appliance.control import views
from appliance.faults import Fault
from appliance.groups.credential import public_key
from appliance.groups.rules import b64url, signed_bytes
from appliance.outbox import actions as outbox
from appliance.policy import BOX, Actor
from appliance.portal import sockets
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.store.database import Transaction
from tests.fakes.box import PEOPLE, OpenBox
from tests.fakes.group import GROUP, Data, Line, committing, line
from tests.fakes.group_room import Room
from tests.fakes.portal import Newcomer, sign_in, wait_at_the_door
from tests.fakes.waiting import until

KEY = b64url(bytes(range(32)))


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def said_of(room: Room, page: Line) -> Data:
    """What the box says of that page's leaf, once its signature is checked with the key that pages are handed."""
    payload, signature = (await page.done("groupCredential", {"key": KEY}))["credential"].split(".")
    key = Ed25519PublicKey.from_public_bytes(bytes_of(await room.box.clinic.credential_key()))
    key.verify(bytes_of(signature), signed_bytes(payload))
    said: Data = json.loads(bytes_of(payload))
    return said


async def code_of(box: OpenBox, work: Callable[[Transaction], object]) -> str:
    with pytest.raises(Fault) as caught:
        await box.clinic.db.write(work)
    return caught.value.code


# -- credentials -----------------------------------------------------------------------------------------------------


async def test_a_credential_says_whose_leaf_it_is_in_which_session(room: Room) -> None:
    assert await said_of(room, room.mara) == {
        "v": 1,
        "session": room.box.session,
        "member": await room.box.place_of("mara"),
        "role": "facilitator",
        "name": "Mara",
        "language": "en",
        "key": KEY,
    }
    ines = await said_of(room, await room.staff("ines"))
    assert (ines["member"], ines["role"], ines["name"]) == (await room.box.place_of("ines"), "facilitator", "Ines")


async def test_a_patients_credential_says_participant_and_the_chosen_name_never_the_records(room: Room) -> None:
    visitor = room.newcomer("es")
    await wait_at_the_door(visitor, room.box, 1, "Tomás R.")
    async with line(visitor, "/join/ws") as page:
        said = await said_of(room, page)
    assert (said["role"], said["name"], said["language"]) == ("participant", "Tomás R.", "es")
    assert PEOPLE[1] not in json.dumps(said)


async def test_a_page_gets_the_public_key_and_the_private_half_is_a_secret_of_its_own(room: Room) -> None:
    visitor = room.newcomer()
    shown = await wait_at_the_door(visitor, room.box)
    public = await room.box.clinic.credential_key()
    secrets = await room.box.clinic.db.read(lambda tx: tx.all("SELECT name, value FROM box_secrets"))
    seed = {row["name"]: bytes(row["value"]) for row in secrets}["credential_key"]
    assert b64url(public_key(seed)) == public
    assert f'data-credential-key="{public}"' in shown.text
    assert f'data-session="{room.box.session}"' in shown.text
    assert b64url(seed) not in shown.text
    await room.act("end")
    own = await room.box.clinic.db.write(outbox.box_public)
    assert b64url(public_key(seed)) not in json.dumps(own) and public_key(seed).hex() not in json.dumps(own)


# -- places ----------------------------------------------------------------------------------------------------------


async def test_all_who_lead_are_marked_on_every_roster_and_each_is_oneself_there(room: Room) -> None:
    ines, ada = await room.staff("ines"), await room.patient(0, admitted=True)
    names = [("Mara", True), ("Ines", True), ("Ada", False)]
    for page, own in ((room.mara, "Mara"), (ines, "Ines"), (ada, "Ada")):
        await until(lambda page=page: len(page.last("roster")["members"]) == 3)  # type: ignore[misc]
        members = page.last("roster")["members"]
        assert [(m["name"], m["facilitator"]) for m in members] == names
        assert [m["name"] for m in members if m["you"]] == [own]
    assert not room.mara.socket.closed  # hers was not taken for an older page of Ines


async def test_the_same_person_takes_over_on_another_device(room: Room) -> None:
    phone = await room.staff("mara")
    await until(lambda: room.mara.socket.closed)
    assert room.mara.socket.close_code == sockets.REPLACED
    assert await phone.done("groupCommit", committing(1)) == {}


async def test_one_who_leads_along_runs_the_session_when_the_other_is_away(room: Room) -> None:
    ines = await room.staff("ines")
    await room.patient(0)
    await room.mara.socket.close()
    box = room.box
    actor = Actor(box.staff["ines"], "facilitator", "portal")
    await box.clinic.act(actor, "admit", box.session, box.members[0])
    assert await ines.done("groupCommit", committing(1, added=(box.members[0],))) == {}
    await box.clinic.act(actor, "end", box.session)
    await ines.shows("session", state="ended")


async def test_none_who_lead_can_be_removed_or_denied(room: Room) -> None:
    for username in ("mara", "ines"):
        place = await room.box.place_of(username)
        with pytest.raises(Fault, match="wrong_state"):
            await room.box.clinic.act(room.box.leader(), "remove", room.box.session, place)


async def test_lists_hold_a_session_for_all_who_lead_it_and_for_nobody_else(room: Room) -> None:
    async def listed(username: str) -> list[str]:
        actor = Actor(room.box.staff[username], "facilitator", "portal")
        return [s.id for s in await room.box.clinic.db.read(lambda tx: rows.current(tx, actor, ""))]

    assert await listed("mara") == await listed("ines") == [room.box.session]
    assert await listed("paul") == []


async def test_whom_a_session_was_scheduled_with_comes_first_in_its_lists(room: Room) -> None:
    """Ines is before Mara in the alphabet."""
    members = await room.box.clinic.db.read(lambda tx: rows.members(tx, room.box.session))
    assert [m.name for m in members][:2] == ["Mara Lindqvist", "Ines Duarte"]
    leader = await room.box.clinic.db.read(lambda tx: rows.facilitator_member(tx, room.box.session))
    assert leader == members[0]


async def test_the_console_names_who_leads_right_now(room: Room) -> None:
    box = room.box

    @dataclass
    class There:
        members: tuple[str, ...]

        def is_here(self, member: rows.Member) -> bool:
            return member.id in self.members

        def leader_lost(self, session_id: str) -> bool:
            return False

    def seen(*here: str) -> tuple[str, bool]:
        shown = views.session(session, members, box.desk(), There(here), 0)
        return shown.facilitator, shown.facilitator_connected

    session, members = await box.clinic.look(box.desk(), box.session)
    mara, ines = members[0].id, members[1].id
    assert seen() == ("Mara Lindqvist", False)
    assert seen(mara, ines) == ("Mara Lindqvist", True)
    assert seen(ines) == ("Ines Duarte", True)


async def test_a_session_has_each_person_once_and_sixteen_at_most(box: OpenBox) -> None:
    mara, ines = (box.staff["mara"], "Mara"), (box.staff["ines"], "Ines")

    def schedule(people: list[str]) -> Callable[[Transaction], tuple[str, list[str]]]:
        return lambda tx: sessions.schedule(
            tx, BOX, "Together", mara, people, now_text(), now_text(), with_leaders=[ines]
        )

    assert await code_of(box, schedule([mara[0]])) == "bad_request"
    assert await code_of(box, schedule([f"p{n}" for n in range(15)])) == "bad_request"
    session, _ = await box.clinic.db.write(schedule([]))
    found = await box.clinic.db.read(lambda tx: rows.session(tx, session))
    assert (found.leader, set(found.leaders)) == (mara[0], {mara[0], ines[0]})
    assert await code_of(box, lambda tx: sessions.add_leader(tx, BOX, session, ines, now_text())) == "bad_request"
    paul = (box.staff["paul"], "Paul")
    refused = await code_of(box, lambda tx: sessions.add_leader(tx, box.leader(), session, paul, now_text()))
    assert refused == "refused"
    await box.clinic.act(box.leader(), "end", session)
    assert await code_of(box, lambda tx: sessions.add_leader(tx, BOX, session, paul, now_text())) == "wrong_state"


# -- the end of a login ----------------------------------------------------------------------------------------------


async def test_one_who_signs_out_is_out_of_the_room_at_once(box: OpenBox, newcomer: Newcomer) -> None:
    await box.lead_together()
    await box.clinic.act(box.leader(), "open", box.session)
    mara, ines = newcomer(), newcomer()
    await sign_in(mara)
    await sign_in(ines, "ines")
    path = f"/staff/sessions/{box.session}"
    async with line(mara, f"{path}/ws") as first, line(ines, f"{path}/ws") as second:
        await until(lambda: all(m["connected"] for m in second.last("roster")["members"]))
        await mara.get(path)
        await mara.post("/staff/sign-out")
        await until(lambda: first.socket.closed)
        assert first.socket.close_code == sockets.SIGNED_OUT
        place = await box.place_of("mara")
        await until(lambda: [m["member"] for m in second.last("roster")["members"] if not m["connected"]] == [place])
        await until(lambda: (box.session, place) in box.relay.left)  # no grace, as for a lost line


@pytest.mark.parametrize("method", ["groupLook", "groupSay", "groupCommit"])
async def test_a_page_whose_login_has_ended_asks_nothing_more_and_is_closed(room: Room, method: str) -> None:
    """Before the next look at the pages comes round: the box asks the store in the same transaction."""

    def let_hours_go_by(tx: Transaction) -> None:
        tx.execute("UPDATE logins SET expires_at = 1")

    ada = await room.patient(0, admitted=True)
    await room.box.clinic.db.write(let_hours_go_by)
    data = {"groupLook": {}, "groupSay": {"group": GROUP, "message": "AAEAAg"}, "groupCommit": committing(1)}[method]
    assert await room.mara.refused(method, data) == "not_signed_in"
    await until(lambda: room.mara.socket.closed)
    assert room.mara.socket.close_code == sockets.SIGNED_OUT
    assert ada.all("groupSaid") == []
    assert ada.last("group")["epoch"] == 1
