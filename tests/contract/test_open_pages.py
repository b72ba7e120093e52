"""A page that is open: what ends it, and what it may ask until then. Over TLS, on a real store."""

from __future__ import annotations

import aiohttp
import pytest

from appliance.portal import sockets
from appliance.store.database import Transaction
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, ask_media, events, lead, sign_in, wait_at_the_door


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int:
    """The code that the box closes this line with."""
    while (await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
        pass
    return socket.close_code or 0


async def test_a_new_ticket_ends_the_page_that_the_old_one_opened(box: OpenBox, newcomer: Newcomer) -> None:
    """Else whoever holds the old page is let in the moment the new one's owner is admitted."""
    thief = newcomer()
    await wait_at_the_door(thief, box)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "deny", box.session, box.members[0])
    async with thief.socket("/join/ws") as socket:
        await events(socket, lambda f: f["data"] == {"standing": "denied"})
        box.issued[0] = await box.reissue(0)
        assert await closed_with(socket) == sockets.SIGNED_OUT
    await box.let_in(0)
    assert not box.clinic.live.connected(box.session, box.members[0])


async def test_a_page_that_slept_does_not_throw_out_the_one_that_took_over(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await sign_in(mara)
    path = f"/staff/sessions/{box.session}/ws"
    async with mara.socket(f"{path}?page=laptop") as laptop, mara.socket(f"{path}?page=phone") as phone:
        assert await closed_with(laptop) == sockets.REPLACED
        async with mara.socket(f"{path}?page=laptop") as awake:
            assert await closed_with(awake) == sockets.REPLACED
        await events(phone, lambda f: f["event"] == "roster")
        assert box.clinic.live.connected(box.session, await box.place_of("mara"))
    async with mara.socket(f"{path}?page=laptop") as alone:
        await events(alone, lambda f: f["event"] == "roster")


async def test_a_page_ends_with_the_hours_of_its_login(box: OpenBox, newcomer: Newcomer) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    await wait_at_the_door(ada, box)
    async with mara.socket(f"/staff/sessions/{box.session}/ws") as staff, ada.socket("/join/ws") as patient:
        await events(patient, lambda f: f["event"] == "session")
        await events(staff, lambda f: f["event"] == "waiting")

        def let_hours_go_by(tx: Transaction) -> None:
            tx.execute("UPDATE logins SET expires_at = 1")
            tx.execute("UPDATE visits SET expires_at = 1")

        await box.clinic.db.write(let_hours_go_by)
        await box.clinic.live.weed()
        assert await closed_with(staff) == sockets.SIGNED_OUT
        assert await closed_with(patient) == sockets.SIGNED_OUT


async def test_a_page_ends_with_the_account_behind_it(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await sign_in(mara)
    async with mara.socket(f"/staff/sessions/{box.session}/ws") as socket:
        await events(socket, lambda f: f["event"] == "media" or f["event"] == "roster")
        await box.clinic.db.write(lambda tx: tx.execute("UPDATE accounts SET retired_at = 'now'"))
        await box.clinic.live.weed()
        assert await closed_with(socket) == sockets.SIGNED_OUT


async def test_signing_out_here_leaves_the_page_on_another_device_open(box: OpenBox, newcomer: Newcomer) -> None:
    here, there = newcomer(), newcomer()
    await sign_in(here)
    await sign_in(there)
    async with there.socket(f"/staff/sessions/{box.session}/ws") as socket:
        await here.post("/staff/sign-out")
        await lead(there, box, "open")
        await events(socket, lambda f: f["event"] == "session" and f["data"]["state"] == "open")


async def test_a_page_that_was_replaced_asks_nothing_of_the_relay(
    box: OpenBox, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `join` would close what the page that came after it has just opened."""
    monkeypatch.setattr(sockets.RoomPage, "replace", lambda self: None)  # a page that does not read learns nothing
    ada = newcomer()
    await wait_at_the_door(ada, box)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "admit", box.session, box.members[0])
    async with ada.socket("/join/ws") as first:
        await events(first, lambda f: f["event"] == "media")
        async with ada.socket("/join/ws") as second:
            assert "data" in await ask_media(second)
            assert "fault" in await ask_media(first)
