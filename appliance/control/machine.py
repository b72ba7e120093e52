"""The machine over the control socket: what a helper on the telephone asks; restart, switch off, delete everything."""

from __future__ import annotations

from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.policy import Action, Actor, Facts, decide


async def _doctor(request: web.Request) -> web.Response:
    """A text without names. On a locked box it is for whoever sits there: they have nothing else to tell a helper."""
    box = request.app[BOX]
    if box.is_unlocked():
        actor, _ = await signed_in(request)
        decide(actor, "see_machine", Facts())
    language = request.query.get("language", "en")
    return answer(await box.examine("es" if language == "es" else "en"))


async def _power(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    asked, box = await body(request, types.Power), request.app[BOX]
    try:
        await box.power().order(box.clinic().db, actor, asked.do, anyway=asked.anyway)
    except Fault as fault:
        await _note_refused(request, actor, "restart_box", fault)
        raise
    return answer(types.Done())


async def _reset(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    asked, box = await body(request, types.Reset), request.app[BOX]
    try:
        await box.power().reset(box.clinic().db, actor, asked.clinic, box.about().clinic)
    except Fault as fault:
        await _note_refused(request, actor, "reset_box", fault)
        raise
    return answer(types.Done())


async def _erase(request: web.Request) -> web.Response:
    """On a box that is locked, where nobody can sign in. Elsewhere an administrator does it."""
    box, asked = request.app[BOX], await body(request, types.Erase)
    if box.is_unlocked():
        raise Fault("wrong_state", "the box is open")
    await box.power().erase(asked.word)
    return answer(types.Done())


async def _note_refused(request: web.Request, actor: Actor, action: Action, fault: Fault) -> None:
    if fault.code == "refused":
        await request.app[BOX].clinic().note_refused(actor, action, Facts(), fault.code)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/doctor", _doctor, ("see_machine",)),
    Route("POST", "/v1/machine/power", _power, ("restart_box",)),
    Route("POST", "/v1/machine/reset", _reset, ("reset_box",)),
    Route("POST", "/v1/machine/erase", _erase, "anyone"),
)
