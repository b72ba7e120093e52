"""The portal as a browser without script goes through it, over TLS, on a real store."""

from __future__ import annotations

import json

import aiohttp
import pytest

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.portal.listener import ROUTES
from appliance.portal.logins import HALF, LOGIN, VISIT
from appliance.sessions import actions as sessions
from tests.fakes.box import PEOPLE, OpenBox
from tests.fakes.portal import Behind, Newcomer, ask_media, events, lead, show_ticket, sign, sign_in, wait_at_the_door


async def test_a_patient_goes_from_ticket_to_room_without_script(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    assert (await show_ticket(ada, box)).path == "/join/name"
    assert (await ada.post("/join/name", display_name="Ada")).path == "/join/agreement"
    assert "What is said here stays here" in ada.last.text
    assert (await sign(ada, "Ada Brook")).path == "/join/orientation"
    assert (await ada.post("/join/orientation")).path == "/join/devices"
    assert (await ada.post("/join/devices", camera="off")).path == "/join/space"
    assert (await ada.post("/join/space")).path == "/join/wait"
    assert ada.last.title == "You are in the waiting room"
    await sign_in(mara)
    await lead(mara, box, "open")
    page = await mara.get(f"/staff/sessions/{box.session}")
    assert "Ada Brook" in page.text
    await lead(mara, box, "admit", 0)
    assert (await box.member(0)).standing == "admitted"
    assert 'data-mode="room"' in (await ada.get("/join/wait")).text


async def test_the_whole_way_in_speaks_spanish(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer("es-MX,es;q=0.9,en;q=0.5")
    titles = {(await ada.get("/join")).title, (await show_ticket(ada, box)).title}
    titles.add((await ada.post("/join/name", display_name="Ada")).title)
    assert "Lo que se dice aquí se queda aquí" in ada.last.text
    assert not titles & {"Welcome. Let us find your invitation.", "What shall the others call you?"}


async def test_the_language_chosen_on_the_page_stays(newcomer: Newcomer) -> None:
    visitor = newcomer("en")
    await visitor.get("/join")
    shown = await visitor.post("/language", lang="es", next="/join")
    assert (shown.path, 'lang="es"' in shown.text) == ("/join", True)


async def test_a_reload_anywhere_lands_where_the_stored_facts_say(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    for page in ("agreement", "orientation", "devices", "space", "wait", "over"):
        assert (await ada.get(f"/join/{page}")).path == "/join/name"


async def test_who_comes_back_to_the_first_page_is_shown_the_way_to_their_place(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada, mara = newcomer(), newcomer()
    assert "/join/next" not in (await ada.get("/join")).text
    await wait_at_the_door(ada, box)
    assert 'href="/join/next"' in (await ada.get("/join")).text
    assert (await ada.get("/join/next")).path == "/join/wait"
    await sign_in(mara)
    await lead(mara, box, "end")
    assert "/join/next" not in (await ada.get("/join")).text


async def test_a_name_can_be_changed_until_one_is_let_in(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await show_ticket(ada, box)
    await ada.post("/join/name", display_name="Ada Brook")
    assert (await ada.get("/join/name")).path == "/join/name"
    assert (await ada.post("/join/name", display_name="Ada")).path == "/join/agreement"
    await wait_at_the_door(ada, box)
    assert (await ada.get("/join/name")).path == "/join/name"
    assert (await ada.post("/join/name", display_name="A.")).path == "/join/wait"
    assert (await box.member(0)).display_name == "A."
    await sign_in(mara)
    await lead(mara, box, "open")
    await lead(mara, box, "admit", 0)
    assert (await ada.get("/join/name")).path == "/join/wait"


async def test_a_wrong_pin_says_so_and_the_fifth_stops_the_ticket(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    wrong = "000000" if box.issued[0].pin != "000000" else "111111"
    await ada.get("/join")
    for _ in range(4):
        shown = await ada.post("/join", code=box.issued[0].code, pin=wrong)
        assert (shown.status, "Please check both" in shown.text) == (403, True)
    shown = await ada.post("/join", code=box.issued[0].code, pin=wrong)
    assert "has been stopped" in shown.text
    assert box.issued[0].code in shown.text  # what was typed is not lost


async def test_a_denied_person_gets_a_kind_page_and_may_ask_again(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    await sign_in(mara)
    await lead(mara, box, "deny", 0)
    shown = await ada.get("/join/wait")
    assert (shown.path, shown.title) == ("/join/over", "You were not let in this time")
    assert "555 0142" in shown.text
    assert (await ada.post("/join/ask")).path == "/join/wait"


async def test_a_removed_person_gets_a_kind_page_and_no_way_back_by_themselves(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    await sign_in(mara)
    await lead(mara, box, "open")
    await lead(mara, box, "admit", 0)
    await lead(mara, box, "remove", 0)
    shown = await ada.get("/join/wait")
    assert shown.title == "You are no longer in the session"
    assert "Clear-Site-Data" in shown.headers
    asked = await ada.post("/join/ask")
    assert asked.path == "/join/over" and asked.title == "You are no longer in the session"
    assert (await box.member(0)).standing == "removed"
    assert "has been stopped" in (await show_ticket(ada, box)).text


async def test_who_leaves_must_ask_again(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    await sign_in(mara)
    await lead(mara, box, "open")
    await lead(mara, box, "admit", 0)
    await ada.get("/join/wait")
    assert (await ada.post("/join/leave")).title == "You have left the session"
    assert box.members[0] not in box.relay.rooms[box.session]
    assert (await ada.post("/join/ask")).path == "/join/wait"
    assert (await box.member(0)).standing == "waiting"


async def test_the_end_is_told_to_everybody(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    await sign_in(mara)
    await lead(mara, box, "open")
    await lead(mara, box, "end")
    assert (await ada.get("/join/wait")).title == "The session has ended"
    assert "is over" in (await show_ticket(ada, box)).text


async def test_a_name_cannot_carry_markup(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box, name="<b>Ada</b>")
    await sign_in(mara)
    for text in ((await ada.get("/join/wait")).text, (await mara.get(f"/staff/sessions/{box.session}")).text):
        assert "<b>Ada" not in text
        assert "&lt;b&gt;Ada" in text


async def test_a_form_from_another_origin_is_refused(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    for origin in ("https://evil.example", "http://127.0.0.1", "null", ""):
        shown = await ada.post("/join/name", origin=origin, display_name="Ada")
        assert shown.status == 403
    assert (await box.member(0)).display_name == ""


async def test_a_form_without_its_word_is_refused(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await show_ticket(ada, box)
    await sign_in(mara)
    for word in ("", "x", mara.last.hidden("csrf")):
        assert (await ada.post("/join/name", csrf=word, display_name="Ada")).status == 403
    assert (await mara.post(f"/staff/sessions/{box.session}/open", csrf="x")).status == 403


async def test_another_facilitator_gets_neither_page_nor_socket(box: OpenBox, newcomer: Newcomer) -> None:
    paul = newcomer()
    await sign_in(paul, "paul")
    assert "Thursday circle" not in (await paul.get("/staff")).text
    assert (await paul.get(f"/staff/sessions/{box.session}")).status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with paul.socket(f"/staff/sessions/{box.session}/ws"):
            pass


async def test_the_front_desk_sees_the_list_without_a_room(box: OpenBox, newcomer: Newcomer) -> None:
    desk = newcomer()
    await sign_in(desk, "jonas")
    page = await desk.get(f"/staff/sessions/{box.session}")
    assert page.status == 200
    assert 'id="tiles"' not in page.text
    assert "/admit" not in page.text
    assert "/vouch" in page.text


async def test_nobody_sees_a_staff_page_without_signing_in(box: OpenBox, newcomer: Newcomer) -> None:
    stranger = newcomer()
    for page in ("/staff", f"/staff/sessions/{box.session}"):
        assert (await stranger.get(page)).path == "/staff/sign-in"
    await wait_at_the_door(stranger, box)
    assert (await stranger.get("/staff")).path == "/staff/sign-in"


async def test_after_signing_out_the_old_cookie_is_worth_nothing(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await sign_in(mara)
    token = mara.cookie("__Host-login")
    await mara.post("/staff/sign-out")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http,
        http.get(mara.origin + "/staff", cookies={"__Host-login": token}) as response,
    ):
        assert response.url.path == "/staff/sign-in"


async def test_a_reissued_ticket_is_shown_once_with_link_and_pin_apart(box: OpenBox, newcomer: Newcomer) -> None:
    mara, ada = newcomer(), newcomer()
    await sign_in(mara)
    shown = await lead(mara, box, "reissue", 0)
    assert f"{mara.origin}/join#" in shown.text
    assert (await show_ticket(ada, box)).status == 403


async def test_a_locked_box_says_so_on_every_page(behind: Behind, newcomer: Newcomer) -> None:
    behind.locked = True
    stranger = newcomer()
    for page in ("/staff", "/staff/sign-in", "/join/wait"):
        shown = await stranger.get(page)
        assert (shown.status, "not unlocked yet" in shown.text) == (503, True)
    assert (await stranger.get("/")).status == 200
    assert (await stranger.get("/protected")).status == 200


async def test_everybody_may_read_how_they_are_protected_in_their_language(newcomer: Newcomer) -> None:
    stranger = newcomer("es")
    assert (await stranger.get("/protected")).title == "Cómo le protegemos"
    shown = await stranger.post("/language", lang="en", next="/protected")
    assert (shown.path, shown.title) == ("/protected", "How you are protected")


async def test_the_words_of_the_code_can_be_fetched_by_the_room(newcomer: Newcomer) -> None:
    visitor = newcomer()
    for language, count in (("en", 7776), ("es", 2048)):
        assert len(json.loads((await visitor.get(f"/static/words-{language}.json")).text)) == count


async def test_an_unknown_page_is_a_page_too(newcomer: Newcomer) -> None:
    shown = await newcomer().get("/nowhere")
    assert (shown.status, shown.title) == (404, "There is nothing here")


async def test_every_answer_carries_the_safety_headers(newcomer: Newcomer) -> None:
    for path in ("/", "/nowhere", "/static/base.css", "/staff"):
        headers = (await newcomer().get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        for never in ("display-capture", "picture-in-picture", "fullscreen", "geolocation"):
            assert f"{never}=()" in headers["Permissions-Policy"]
        for needed in ("camera", "microphone", "screen-wake-lock"):
            assert f"{needed}=(self)" in headers["Permissions-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_script_travels_compressed(newcomer: Newcomer) -> None:
    visitor = newcomer()
    shown = await visitor.get("/static/room/room.js")
    assert (shown.status, shown.headers["Content-Encoding"]) == (200, "gzip")
    assert "javascript" in shown.headers["Content-Type"]


async def test_pages_are_kept_by_no_browser(newcomer: Newcomer) -> None:
    assert (await newcomer().get("/join")).headers["Cache-Control"] == "no-store"


async def test_a_body_that_is_too_large_is_refused(newcomer: Newcomer) -> None:
    visitor = newcomer()
    await visitor.get("/join")
    assert (await visitor.post("/join", code="x" * 100_000, pin="1")).status == 413


async def test_no_route_answers_a_stranger_with_more_than_a_page(newcomer: Newcomer, box: OpenBox) -> None:
    """Default deny, route by route: a stranger gets public pages, a way to sign in, or a refusal. Never a name.

    One box for all of them: it writes nothing for a stranger, so none changes what the next one finds.
    """
    public = {
        "/",
        "/protected",
        "/help",
        "/guides",
        "/guides/place",
        "/resources",
        "/join",
        "/join/gone",
        "/staff/sign-in",
        "/ca.pem",
        "/ca.crt",
        "/ca.mobileconfig",
        "/trust",
    }
    stranger, told = newcomer(), []
    for route in ROUTES:
        path = route.path.replace("{session}", box.session).replace("{member}", box.members[0])
        path = path.replace("{action}", "admit").replace("{guide}", "place")
        shown = await (stranger.get(path) if route.method == "GET" else stranger.post(path))
        named = [name for name in (*PEOPLE, "Mara", "Thursday circle") if name in shown.text]
        if named or not (shown.path in public or shown.status in (400, 401, 403, 404)):
            told.append((route.method, route.path, shown.status, shown.path, named))
    assert told == []
    assert {name for name in (LOGIN, HALF, VISIT) if stranger.cookie(name)} == set()


async def test_a_waiting_page_hears_nothing_of_the_others(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    await sign_in(mara)
    async with ada.socket("/join/ws") as socket:
        await lead(mara, box, "open")
        seen = await events(socket, lambda f: f["event"] == "session" and f["data"]["state"] == "open")
    # Who leads the hour is told before the waiting room already; of those who come to it nobody is.
    assert not any(word in json.dumps(seen) for word in ("roster", "media", "hands", *PEOPLE))


async def test_the_page_changes_from_waiting_to_the_room_by_itself(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await wait_at_the_door(ada, box)
    await sign_in(mara)
    await lead(mara, box, "open")
    async with ada.socket("/join/ws") as socket:
        await lead(mara, box, "admit", 0)
        seen = await events(socket, lambda f: f["event"] == "media")
        assert {"type": "event", "event": "standing", "data": {"standing": "admitted"}} in seen
        roster = next(f for f in seen if f["event"] == "roster")
        assert {m["name"] for m in roster["data"]["members"]} == {"Mara", "Ada"}
        await lead(mara, box, "remove", 0)
        await events(socket, lambda f: f["data"] == {"standing": "removed"})


async def test_who_waits_may_ask_nothing_of_the_relay(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    await box.clinic.act(box.leader(), "open", box.session)
    async with ada.socket("/join/ws") as socket:
        assert "fault" in await ask_media(socket)
    assert box.relay.requests == []


async def test_who_was_removed_may_ask_nothing_of_the_relay(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "admit", box.session, box.members[0])
    async with ada.socket("/join/ws") as socket:
        assert "data" in await ask_media(socket)
        await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
        assert "fault" in await ask_media(socket)
    assert len(box.relay.requests) == 1


async def test_a_second_page_of_the_same_person_replaces_the_first(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    async with ada.socket("/join/ws") as first, ada.socket("/join/ws"):
        while (await first.receive()).type != aiohttp.WSMsgType.CLOSE:
            pass
        assert first.close_code == 4001


async def test_signing_out_closes_the_live_page(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await sign_in(mara)
    async with mara.socket(f"/staff/sessions/{box.session}/ws") as socket:
        await mara.post("/staff/sign-out")
        while (await socket.receive()).type != aiohttp.WSMsgType.CLOSE:
            pass
        assert socket.close_code == 4002


async def test_a_socket_from_another_origin_is_refused(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with ada.socket("/join/ws", origin="https://evil.example"):
            pass


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", '{"type":"request"}', '{"type":"request","id":-1,"method":"x","data":{}}']
)
async def test_a_bad_frame_closes_nothing(box: OpenBox, newcomer: Newcomer, frame: str) -> None:
    ada = newcomer()
    await wait_at_the_door(ada, box)
    async with ada.socket("/join/ws") as socket:
        await socket.send_str(frame)
        await events(socket, lambda f: f["event"] == "fault")
        assert "fault" in await ask_media(socket)


async def test_a_refused_look_by_socket_is_in_the_audit_as_one_by_page_is(box: OpenBox, newcomer: Newcomer) -> None:
    paul = newcomer()
    await sign_in(paul, "paul")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with paul.socket(f"/staff/sessions/{box.session}/ws"):
            pass
    last = (await box.clinic.db.read(audit.entries))[-1]
    assert (last.actor, last.action, last.outcome) == (box.staff["paul"], "see", "refused")


async def test_who_leaves_as_the_door_closes_behind_them_sees_why_not_a_fault(
    box: OpenBox, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session may end, or the person be removed, between the look and the step."""
    ada = newcomer()
    await wait_at_the_door(ada, box)

    def ended_meanwhile(*_: object) -> None:
        raise Fault("wrong_state")

    monkeypatch.setattr(sessions, "leave", ended_meanwhile)
    assert (await ada.post("/join/leave")).status == 200
