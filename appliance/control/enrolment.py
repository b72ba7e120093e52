"""Enrolment at headquarters, for the administrator: by a code, by files on a stick, by HQ's file from the factory."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import asdict

from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Route, actor, answer, body, signed_in
from appliance.enrolment import by_stick
from appliance.faults import Fault


async def _see(request: web.Request) -> web.Response:
    """Looked at again and again while somebody waits for HQ, so it does not keep the login alive."""
    found = await actor(request)
    enroller = request.app[BOX].enroller()  # a locked box says so first
    if found is None:
        raise Fault("not_signed_in")
    await enroller.may(found[0])
    return await _told(request)


async def _enrol(request: web.Request) -> web.Response:
    who, _ = await signed_in(request)
    given = await body(request, types.Enrol)
    await request.app[BOX].enroller().enrol(who, given.address, given.code)
    return await _told(request)


async def _cancel(request: web.Request) -> web.Response:
    who, _ = await signed_in(request)
    await request.app[BOX].enroller().cancel(who)
    return await _told(request)


async def _request(request: web.Request) -> web.Response:
    who, _ = await signed_in(request)
    given = await body(request, types.EnrolRequestWanted)
    raw = await request.app[BOX].enroller().request(who, given.code)
    return answer(types.EnrolFile(content=base64.b64encode(raw).decode("ascii")))


async def _answer(request: web.Request) -> web.Response:
    who, _ = await signed_in(request)
    raw = _bytes((await body(request, types.EnrolFile)).content)
    await request.app[BOX].enroller().answer(who, raw)
    return await _told(request)


async def _stick(request: web.Request) -> web.Response:
    """The same two by the one stick that is plugged in: a box has no other way to a file."""
    who, _ = await signed_in(request)
    given = await body(request, types.EnrolByStick)
    box = request.app[BOX]
    enroller = box.enroller()
    await enroller.may(who)
    stick = by_stick.only(await box.sticks().places())
    if given.way == "request":
        raw = await enroller.request(who, given.code)
        await asyncio.to_thread(by_stick.put, stick, (await enroller.state()).box, raw)
    else:
        await enroller.answer(who, await asyncio.to_thread(by_stick.answer, stick, (await enroller.state()).box))
    return await _told(request)


async def _facts(request: web.Request) -> web.Response:
    who, _ = await signed_in(request)
    given = await body(request, types.EnrolFacts)
    await request.app[BOX].enroller().facts(who, _bytes(given.content), given.code)
    return await _told(request)


async def _told(request: web.Request) -> web.Response:
    return answer(types.Enrolment(**asdict(await request.app[BOX].enroller().state())))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault("bad_request", "content") from None


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/enrolment", _see, ("enrol_box",)),
    Route("POST", "/v1/enrolment", _enrol, ("enrol_box",)),
    Route("POST", "/v1/enrolment/cancel", _cancel, ("enrol_box",)),
    Route("POST", "/v1/enrolment/request", _request, ("enrol_box",)),
    Route("POST", "/v1/enrolment/answer", _answer, ("enrol_box",)),
    Route("POST", "/v1/enrolment/stick", _stick, ("enrol_box",)),
    Route("POST", "/v1/enrolment/facts", _facts, ("enrol_box",)),
)
