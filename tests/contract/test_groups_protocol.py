"""Who may ask what of a session's group, over TLS and on a real store (groups/PROTOCOL.md)."""

from __future__ import annotations

import aiohttp
import pytest

from appliance.audit import rows as audit
from appliance.clock import now_text
from appliance.groups.requests import REQUESTS
from appliance.groups.rules import MAX_HANDSHAKE, MAX_KEY_PACKAGE, MAX_SAID, b64url
from appliance.policy import BOX
from appliance.sessions import actions as sessions
from appliance.store.database import Transaction
from tests.fakes.box import OpenBox
from tests.fakes.group import (
    GROUP,
    OTHER_GROUP,
    Data,
    committing,
    founding,
    group_info,
    key_package,
    line,
    message,
    saying,
    stored,
)
from tests.fakes.group_room import Room
from tests.fakes.portal import Newcomer, sign_in, wait_at_the_door

KEY = b64url(bytes(range(32)))
ASKS: dict[str, Data] = {
    "groupCredential": {"key": KEY},
    "groupOffer": {"keyPackage": key_package()},
    "groupLook": {},
    "groupCommits": {"group": GROUP, "after": 0},
    "groupSay": saying(),
    "groupCompared": {"group": GROUP, "epoch": 1},
    "groupCommit": committing(1),
    "groupFound": founding(OTHER_GROUP, instead=GROUP),
}
EVERYTHING = set(ASKS)
NEAR = {"groupCredential", "groupOffer"}
MAY: dict[str, set[str]] = {
    "facilitator": EVERYTHING - {"groupOffer"},
    "co-facilitator": EVERYTHING - {"groupOffer"},
    "admitted": NEAR | {"groupCommits", "groupSay"},
    "waiting": NEAR,
    "joining": set(),
    "denied": set(),
    "removed": set(),
    "front desk": set(),
}


@pytest.mark.parametrize("kind", MAY)
async def test_a_page_may_ask_what_the_table_names_and_nothing_else(room: Room, kind: str) -> None:
    page = await room.page(kind)
    for method, data in ASKS.items():
        assert await page.refused(method, data) == ("" if method in MAY[kind] else "refused"), method
    noted = [e.action for e in await room.box.clinic.db.read(audit.entries) if e.outcome == "refused"]
    assert noted == [REQUESTS[method].ACTION for method in ASKS if method not in MAY[kind]]


async def test_a_page_that_was_replaced_may_ask_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that does not read does not know, and its member's new page has other keys."""
    monkeypatch.setattr("appliance.portal.sockets.RoomPage.replace", lambda self: None)
    visitor = room.newcomer()
    await wait_at_the_door(visitor, room.box)
    await room.act("admit", 0)
    first = await room.stack.enter_async_context(line(visitor, "/join/ws"))
    await room.stack.enter_async_context(line(visitor, "/join/ws"))
    assert [await first.refused(method, data) for method, data in ASKS.items()] == ["refused"] * len(ASKS)


async def test_a_patient_of_another_session_reaches_nothing_of_this_one(room: Room) -> None:
    """Their page asks about their own session, whatever ids it names."""
    box = room.box
    paul = (box.staff["paul"], "Paul")

    def move_wen_elsewhere(tx: Transaction) -> None:
        other, _ = sessions.schedule(tx, BOX, "Other", paul, [], now_text(), now_text())
        tx.execute("UPDATE members SET session = ? WHERE id = ?", (other, box.members[2]))
        tx.execute("UPDATE sessions SET state = 'open' WHERE id = ?", (other,))
        tx.execute("UPDATE members SET standing = 'admitted' WHERE id = ?", (box.members[2],))

    visitor = room.newcomer()
    await wait_at_the_door(visitor, box, 2, "Wen")
    await box.clinic.db.write(move_wen_elsewhere)
    wen = await room.stack.enter_async_context(line(visitor, "/join/ws"))
    assert await wen.refused("groupCommits", ASKS["groupCommits"]) == "stale_epoch"
    assert await wen.refused("groupSay", ASKS["groupSay"]) == "wrong_state"
    assert await wen.refused("groupCommit", ASKS["groupCommit"]) == "refused"
    assert (await wen.shows("group"))["group"] is None


@pytest.mark.parametrize("path", ["/join/ws", "/staff/sessions/{}/ws"])
async def test_without_a_login_or_a_visit_there_is_no_line(room: Room, path: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with room.newcomer().socket(path.format(room.box.session)):
            pass


async def test_a_facilitator_who_does_not_lead_here_gets_no_line(room: Room) -> None:
    visitor = room.newcomer()
    await sign_in(visitor, "paul")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with visitor.socket(f"/staff/sessions/{room.box.session}/ws"):
            pass


async def test_nothing_is_asked_of_a_group_before_the_session_is_open_or_after_it_ended(
    box: OpenBox, newcomer: Newcomer
) -> None:
    visitor = newcomer()
    await sign_in(visitor)
    async with line(visitor, f"/staff/sessions/{box.session}/ws") as mara:
        assert await mara.refused("groupFound", founding()) == "wrong_state"
        assert "credential" in await mara.done("groupCredential", {"key": KEY})
        await box.clinic.act(box.leader(), "open", box.session)
        await mara.done("groupFound", founding())
        await box.clinic.act(box.leader(), "end", box.session)
        for method in ("groupCredential", "groupLook", "groupCommits", "groupSay"):
            assert await mara.refused(method, ASKS[method]) == "wrong_state"


NOT_TAKEN = [
    ("groupNothing", {}, "bad_request"),
    ("groupFound", {**founding(OTHER_GROUP, GROUP), "groupInfo": key_package()}, "bad_request"),
    ("groupFound", {**founding(OTHER_GROUP, GROUP), "groupInfo": message(4, size=MAX_HANDSHAKE + 1)}, "too_large"),
    ("groupCommit", {**committing(1), "commit": "*"}, "bad_request"),
    ("groupCommit", committing(1, added=("nobody-of-here",)), "bad_request"),
    ("groupCommit", {**committing(1), "commit": message(1, size=MAX_HANDSHAKE + 1)}, "too_large"),
    ("groupSay", {**saying(), "message": message(2, size=MAX_SAID + 1)}, "too_large"),
    ("groupCompared", {"group": None, "epoch": 1}, "bad_request"),
]


async def test_what_is_malformed_or_too_large_changes_nothing(room: Room) -> None:
    """tests/unit/appliance/test_group_requests.py has all of them."""
    before = await stored(room.box.clinic.db)
    for method, data, code in NOT_TAKEN:
        assert await room.mara.refused(method, data) == code
    assert await stored(room.box.clinic.db) == before


async def test_an_offer_that_is_malformed_or_too_large_is_not_kept(room: Room) -> None:
    ada = await room.patient(0)
    assert await ada.refused("groupOffer", {"keyPackage": message(5, size=MAX_KEY_PACKAGE + 1)}) == "too_large"
    assert await ada.refused("groupOffer", {"keyPackage": group_info()}) == "bad_request"
    assert await ada.refused("groupOffer", {"keyPackage": "*"}) == "bad_request"
    assert (await stored(room.box.clinic.db))["key_packages"] == []
    assert await ada.refused("groupOffer", {"keyPackage": message(5, size=MAX_KEY_PACKAGE)}) == ""


async def test_the_largest_commit_that_is_allowed_fits_the_line(room: Room) -> None:
    await room.patient(0)
    largest = {
        **committing(1, added=(room.box.members[0],)),
        "commit": message(1, size=MAX_HANDSHAKE),
        "groupInfo": message(4, size=MAX_HANDSHAKE),
        "welcome": message(3, size=MAX_HANDSHAKE),
    }
    assert await room.mara.done("groupCommit", largest) == {}


async def test_a_page_that_is_refused_again_and_again_is_noted_once_and_slowed_down(room: Room) -> None:
    ada = await room.patient(0)
    codes = [await ada.refused("groupLook", {}) for _ in range(60)]
    assert codes[0] == "refused"
    assert "too_many_tries" in codes
    entries = await room.box.clinic.db.read(audit.entries)
    assert codes.count("refused") > 1
    assert sum(entry.action == "look_at_group" for entry in entries) == 1


async def test_one_who_offers_again_and_again_is_slowed_down_and_may_ask_other_things(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    codes = [await ada.refused("groupOffer", {"keyPackage": key_package()}) for _ in range(30)]
    assert set(codes[:5]) == {""}
    assert "too_many_tries" in codes
    assert await ada.refused("groupCredential", ASKS["groupCredential"]) == ""
