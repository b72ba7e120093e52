"""Invitation and PIN slip as PDF, for a console that has just been given a ticket."""

from __future__ import annotations

from aiohttp import web

from appliance import printing
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.paper.invitation import Sender


async def _paper(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    asked, box = await body(request, types.PaperWanted), request.app[BOX]
    about = box.about()
    wanted = printing.Wanted(asked.session, asked.member, asked.code, asked.pin, asked.kind, asked.language)
    sender = Sender(about.clinic, about.phone)
    return answer(types.Paper(pdf=await printing.paper(box.clinic(), sender, about.addresses[0], actor, wanted)))


ROUTES: tuple[Route, ...] = (Route("POST", "/v1/paper", _paper, ("reissue",)),)
