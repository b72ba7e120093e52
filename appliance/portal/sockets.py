"""The room's WebSocket: media's messages to the relay, the group's to the box, and the box's events to the page.

It decides nothing. Methods that begin with "group" or "room" are the box's (`groups/PROTOCOL.md`,
`room/PROTOCOL.md`), all others the relay's.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from appliance.clinic import Clinic
from appliance.faults import Fault
from appliance.groups.actions import Seat
from appliance.policy import may_ever
from appliance.portal import bodies, logins, pages
from appliance.portal.logins import Stands
from appliance.portal.state import clinic_of
from appliance.sessions.actions import own_place

log = logging.getLogger(__name__)

REPLACED = 4001  # close code: another page of the same person is open; do not come back by yourself
SIGNED_OUT = 4002  # close code: the login behind this page has ended
MAX_NAME = 40  # characters of a page's own name
HEARTBEAT_SECONDS = 10.0
CLOSE_SECONDS = 0.5  # for a page to answer that it closes too; the box ends in 2 s, whatever a page does
OUTGOING = 256  # frames waiting for a slow page; past that the page is closed and comes back for the whole truth
UNDER_WAY = 32  # requests of one page at once


class RoomPage:
    """One open page. `show` sends an event unless the page was shown exactly that last."""

    def __init__(self, seat: Seat, stands: Stands, name: str, *, staff: bool, login: bytes = b"") -> None:
        self.session, self.member, self.stands, self.staff = seat.session, seat.member, stands, staff
        self.name, self.language = name[:MAX_NAME], seat.language
        self.handles = staff and may_ever(seat.actor, "handle_concern")
        self.seat, self.login = seat, login
        self.one_by_one = asyncio.Lock()  # what a page asks of its group is done in the order in which it asked
        self.socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS, heartbeat=HEARTBEAT_SECONDS, max_msg_size=bodies.MAX_FRAME
        )
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue(OUTGOING)
        self._shown: dict[str, bytes] = {}
        self._close_code = WSCloseCode.OK.value

    def show(self, event: str, data: dict[str, Any]) -> None:
        frame = msgspec.json.encode({"type": "event", "event": event, "data": data})
        if event in _FACTS:
            if self._shown.get(event) == frame:
                return
            self._shown[event] = frame
        self._send(frame)

    def replace(self) -> None:
        self._close(REPLACED)

    def sign_out(self) -> None:
        self._close(SIGNED_OUT)

    def end(self) -> None:
        self._close(WSCloseCode.GOING_AWAY.value)

    def answer(self, number: int, data: dict[str, Any] | None, fault: tuple[str, str] | None = None) -> None:
        """The response to request `number`: data, or a fault as (code, sentence)."""
        body: dict[str, Any] = {"type": "response", "id": number}
        if fault is None:
            body["data"] = data or {}
        else:
            body["fault"] = {"code": fault[0], "sentence": fault[1]}
        self._send(msgspec.json.encode(body))

    def _send(self, frame: bytes) -> None:
        try:
            self._outgoing.put_nowait(frame)
        except asyncio.QueueFull:
            self._close(WSCloseCode.TRY_AGAIN_LATER.value)

    def _close(self, code: int) -> None:
        self._close_code = code
        with suppress(asyncio.QueueFull):
            self._outgoing.put_nowait(None)
            return
        self._outgoing.get_nowait()
        self._outgoing.put_nowait(None)

    async def write(self) -> None:
        """Send what waits until the page is closed."""
        with suppress(ConnectionError):
            while (frame := await self._outgoing.get()) is not None:
                await self.socket.send_str(frame.decode())
        await self.socket.close(code=self._close_code)


# Events that tell a state, not a happening: the same state twice is not worth a frame.
_FACTS = frozenset(
    {
        "standing",
        "session",
        "roster",
        "waiting",
        "wait",
        "expected",
        "capacity",
        "media",
        "group",
        "offers",
        "welcome",
        "hands",
        "cards",
        "acknowledged",
        "concerns",
        "moved",
    }
)


async def patient(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    logins.check_origin(request)
    who = await logins.visitor(request, clinic)
    if request.query.get("at", who.session.id) != who.session.id:
        return await _send_on(request)
    seat = Seat(who.actor, who.session.id, who.member.id, pages.whole_language(request))
    return await _serve(request, clinic, RoomPage(seat, logins.visit_stands(request), _name(request), staff=False))


async def staff(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    logins.check_origin(request)
    who = await logins.staff(request, clinic)
    session, members = await clinic.look(who.actor, request.match_info["session"])
    own = own_place(who.actor, session, members)
    if (own is not None and own.aside) or (session.parent and (own is None or session.state == "ended")):
        return await _send_on(request)
    if own is not None and session.state in ("open", "locked"):
        await clinic.entered(who.actor, session.id)
    seat = Seat(who.actor, session.id, own.id if own else "", pages.whole_language(request))
    page = RoomPage(seat, logins.login_stands(request), _name(request), staff=True, login=logins.login_digest(request))
    return await _serve(request, clinic, page)


async def _send_on(request: web.Request) -> web.StreamResponse:
    """The page is of a room where its person is not any more, and its line was away when they went: it is told now."""
    socket = web.WebSocketResponse(timeout=CLOSE_SECONDS)
    await socket.prepare(request)
    await socket.send_str(msgspec.json.encode({"type": "event", "event": "moved", "data": {}}).decode())
    await socket.close()
    return socket


def _name(request: web.Request) -> str:
    """What the page calls itself: made up at random when it was loaded, so it tells nothing of anybody."""
    return request.query.get("page", "")


async def _serve(request: web.Request, clinic: Clinic, page: RoomPage) -> web.StreamResponse:
    await page.socket.prepare(request)
    writer = asyncio.create_task(page.write())
    under_way: set[asyncio.Task[None]] = set()
    try:
        await clinic.live.arrive(page)
        async for message in page.socket:
            if message.type is not WSMsgType.TEXT:
                break
            if len(under_way) >= UNDER_WAY:
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(_carry(request, clinic, page, message.data))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
    finally:
        for task in [*under_way, writer]:
            task.cancel()
        await asyncio.shield(clinic.live.depart(page))
    return page.socket


async def _carry(request: web.Request, clinic: Clinic, page: RoomPage, frame: str) -> None:
    try:
        asked = bodies.socket_request(frame)
    except Fault:
        page.show("fault", {"code": "bad_request"})
        return
    try:
        page.answer(asked.id, await _ask(clinic, page, asked, len(frame)))
    except Fault as fault:
        log.info("room: %s %s", fault.code, fault.detail)
        # The relay's own word where it was the relay that said no: PROTOCOL.md names those.
        code = fault.detail if fault.code == "relay_refused" else fault.code
        page.answer(asked.id, None, (code, pages.say(request, fault)))
    except Exception as problem:  # noqa: BLE001 - the last net: the page waits for an answer
        log.error("room: %s", type(problem).__name__)
        page.answer(asked.id, None, ("internal", pages.say(request, Fault("internal"))))


async def _ask(clinic: Clinic, page: RoomPage, asked: bodies.Request, size: int) -> dict[str, Any]:
    if asked.method.startswith("group"):
        async with page.one_by_one:
            return await clinic.group(page, page.seat, asked.method, asked.data)
    if asked.method.startswith("room"):
        async with page.one_by_one:
            return await clinic.room(page, page.seat, asked.method, asked.data)
    if size > bodies.MAX_MEDIA_FRAME:
        raise Fault("too_large", "a request for the relay")
    return await clinic.live.request(page, asked.method, asked.data)
