"""What the machine's timers remind the box of: a backup that is due, a look at the audit, news of headquarters.

For the timers' own user alone, by its uid (`listener.py`): there is no person behind it, so what is done is the
box's own deed, and it can ask for these three things and see nothing.
"""

from __future__ import annotations

from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Box, Route, answer
from appliance.faults import Fault

PATH = "/v1/timers/"


async def _remind(request: web.Request) -> web.Response:
    what, box = request.match_info["what"], request.app[BOX]
    works = {"backup": _backup, "audit": _audit, "update": _update}
    if what not in works:
        raise Fault("not_found")
    box.clinic()  # a locked box says so first
    return answer(types.Reminded(did=await works[what](box)))


async def _backup(box: Box) -> types.Deed:
    return await box.copier().remind()


async def _audit(box: Box) -> types.Deed:
    clinic = box.clinic()
    if clinic.live.fitting.carried.people:
        return "busy"  # a session's pictures go first; the next hour asks again
    found = await clinic.audit.daily()
    return "not_due" if found is None else "broken" if found.findings else "whole"


async def _update(box: Box) -> types.Deed:
    await box.sticks().try_now()
    return "asked"


ROUTES: tuple[Route, ...] = (Route("POST", PATH + "{what}", _remind, "anyone"),)
