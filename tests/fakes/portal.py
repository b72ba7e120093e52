"""A portal in front of an open box, and what the people who use it do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aiohttp

from appliance.clinic import Clinic
from appliance.faults import Fault
from tests.fakes.box import PASSWORD, PEOPLE, OpenBox
from tests.fakes.visitor import Shown, Visitor

Newcomer = Callable[..., Visitor]
Frame = dict[str, Any]  # one message of a page's WebSocket


class Behind:
    """What stands behind the portal; can be locked."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic
        self.locked = False
        self.origin = ""

    def clinic(self) -> Clinic:
        if self.locked:
            raise Fault("box_locked")
        return self._clinic

    def addresses(self) -> tuple[str, ...]:
        return (self.origin,)


async def show_ticket(visitor: Visitor, box: OpenBox, number: int = 0) -> Shown:
    await visitor.get("/join")
    return await visitor.post("/join", code=box.issued[number].code, pin=box.issued[number].pin)


async def sign(visitor: Visitor, name: str, **other: str) -> Shown:
    """On the agreement's page: both parts acknowledged, and signed."""
    fields = {"agree": "yes", "limits": "yes", "risks": "yes", "signature": name, "shown": visitor.last.hidden("shown")}
    return await visitor.post("/join/agreement", **{**fields, **other})


async def walk_to_the_devices(visitor: Visitor, name: str, signature: str) -> Shown:
    """From the page that asks for the name as far as the test of camera and microphone."""
    await visitor.post("/join/name", display_name=name)
    await sign(visitor, signature)
    return await visitor.post("/join/orientation")


async def walk_in(visitor: Visitor, name: str, signature: str) -> Shown:
    """Every step from the page that asks for the name to the waiting room."""
    await walk_to_the_devices(visitor, name, signature)
    await visitor.post("/join/devices", camera="on")
    return await visitor.post("/join/space")


async def wait_at_the_door(visitor: Visitor, box: OpenBox, number: int = 0, name: str = "Ada") -> Shown:
    await show_ticket(visitor, box, number)
    return await walk_in(visitor, name, PEOPLE[number])


async def sign_in(visitor: Visitor, username: str = "mara") -> Shown:
    await visitor.get("/staff/sign-in")
    return await visitor.post("/staff/sign-in", username=username, password=PASSWORD)


async def lead(visitor: Visitor, box: OpenBox, action: str, member: int | None = None) -> Shown:
    """A facilitator presses a button on the session's page."""
    page = f"/staff/sessions/{box.session}"
    await visitor.get(page)
    return await visitor.post(
        f"{page}/members/{box.members[member]}/{action}" if member is not None else f"{page}/{action}"
    )


async def events(socket: aiohttp.ClientWebSocketResponse, until: Callable[[Frame], bool]) -> list[Frame]:
    """The events of a page until one that fits."""
    seen: list[Frame] = []
    async for message in socket:
        frame: Frame = json.loads(message.data)
        seen.append(frame)
        if until(frame):
            return seen
    raise AssertionError(f"the socket closed with {socket.close_code}: {seen}")


async def ask_media(socket: aiohttp.ClientWebSocketResponse, method: str = "join") -> Frame:
    await socket.send_json({"type": "request", "id": 7, "method": method, "data": {}})
    return (await events(socket, lambda f: f["type"] == "response"))[-1]
