"""Who of the staff is on call. The emergency contacts are in what a box tells everybody (`types.Box`)."""

from __future__ import annotations

from aiohttp import web

from appliance.contacts import actions
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, signed_in


async def _see(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    _, on_call = await request.app[BOX].clinic().db.read(lambda tx: actions.see(tx, actor))
    contacts = tuple(types.Contact(name=one.name, phone=one.phone, about=one.about) for one in on_call)
    return answer(types.OnCall(contacts=contacts))


ROUTES: tuple[Route, ...] = (Route("GET", "/v1/on-call", _see, ("see_on_call",)),)
