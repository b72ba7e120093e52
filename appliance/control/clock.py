"""What time the box goes by, and staff who say what time it is."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from appliance.clock import now_text
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.policy import Facts


async def _see(request: web.Request) -> web.Response:
    return _answer(request)


async def _set(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    asked = await body(request, types.SetClock)
    clinic = request.app[BOX].clinic()
    try:
        await clinic.clock.set(actor, _moment(asked.at), back=asked.back)
    except Fault as fault:
        if fault.code == "refused":
            await clinic.note_refused(actor, "set_clock_back" if asked.back else "set_clock", Facts(), fault.code)
        raise
    return _answer(request)


def _answer(request: web.Request) -> web.Response:
    clock = request.app[BOX].clinic().clock
    return answer(
        types.Clock(at=now_text(), trouble=clock.trouble, correction=clock.correction, synchronised=clock.synchronised)
    )


def _moment(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 moment. Fault("bad_request")."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise Fault("bad_request", "at") from None


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/clock", _see, "anyone"),
    Route("POST", "/v1/clock", _set, ("set_clock", "set_clock_back")),
)
