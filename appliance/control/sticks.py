"""Sealed records over the control socket: onto a stick and from one, trying now, the way out of a log that was set
back, and the records of a lost box that HQ gave back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from appliance.clock import now_text
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.policy import Action, Facts, decide
from appliance.returned import actions as returned
from appliance.sticks.actions import Sticks, Told

MAX_PATH = 4096  # characters


def stick(told: Told) -> types.StickState:
    """What everybody may know of it: no place and no name."""
    refused = tuple(types.StickRefusal(name=one.name, code=one.code) for one in told.refused)
    return types.StickState(**{**{name: getattr(told, name) for name in Told.__slots__}, "refused": refused})


async def _see(request: web.Request) -> web.Response:
    places = await (await _asked(request)).places()
    return answer(types.Sticks(places=tuple(types.Place(**asdict(place)) for place in places)))


async def _carry(request: web.Request) -> web.Response:
    sticks = await _asked(request)
    actor, _ = await signed_in(request)
    asked = await body(request, types.CarryStick)
    if not asked.place or len(asked.place) > MAX_PATH or "\0" in asked.place:
        raise Fault("bad_request", "place")
    await sticks.begin(actor, asked.way, Path(asked.place))
    return answer(types.Done())


async def _now(request: web.Request) -> web.Response:
    await (await _asked(request)).try_now()
    return answer(types.Done())


async def _adopt(request: web.Request) -> web.Response:
    sticks = await _asked(request, "adopt_log")
    actor, _ = await signed_in(request)
    await sticks.adopt(actor, (await body(request, types.Adopt)).reason)
    return answer(types.Done())


async def _returned(request: web.Request) -> web.Response:
    """Some of the records that came back. `after`: where the last answer said to go on."""
    await _asked(request, "read_returned")
    actor, _ = await signed_in(request)
    after = request.query.get("after", "")
    clinic = request.app[BOX].clinic()
    found, place = await clinic.db.write(lambda tx: returned.page(tx, actor, after, now_text()))
    records = tuple(
        types.ReturnedRecord(box=one.box, number=one.number, record_class=one.record_class, at=one.at, body=one.body)
        for one in found
    )
    return answer(types.ReturnedRecords(records=records, after=place))


async def _asked(request: web.Request, action: Action = "carry_by_stick") -> Sticks:
    """For one who may do that; a refusal is noted. Faults: box_locked, not_signed_in, refused."""
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    try:
        decide(actor, action, Facts())
    except Fault as fault:
        await box.clinic().note_refused(actor, action, Facts(), fault.code)
        raise
    return box.sticks()


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/sync/sticks", _see, ("carry_by_stick",)),
    Route("POST", "/v1/sync/sticks", _carry, ("carry_by_stick",)),
    Route("POST", "/v1/sync/now", _now, ("carry_by_stick",)),
    Route("POST", "/v1/sync/adopt", _adopt, ("adopt_log",)),
    Route("GET", "/v1/sync/returned", _returned, ("read_returned",)),
)
