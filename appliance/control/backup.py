"""Backups over the control socket: where they are and can go, making one, and that a restoration was told."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.copies.copier import Copier, Told
from appliance.faults import Fault
from appliance.policy import Facts, decide

MAX_PATH = 4096  # characters


def copies(told: Told) -> types.Copies:
    """What everybody may know of them."""
    return types.Copies(**asdict(told))


async def _see(request: web.Request) -> web.Response:
    copier = await _asked(request)
    last, places = copier.last(), await copier.places()
    return answer(
        types.Backups(
            copies=copies(copier.told()),
            places=tuple(types.Place(**asdict(place)) for place in places),
            last_name=last.name if last else "",
            last_place=last.place if last else "",
            last_size=last.size if last else 0,
            every_hours=copier.rhythm(),
            keep=copier.settings.keep,
        )
    )


async def _make(request: web.Request) -> web.Response:
    copier = await _asked(request)
    actor, _ = await signed_in(request)
    to = (await body(request, types.BackUp)).to
    if not to or len(to) > MAX_PATH or "\0" in to:
        raise Fault("bad_request", "to")
    await copier.begin(actor, Path(to))
    return answer(types.Done())


async def _seen(request: web.Request) -> web.Response:
    await (await _asked(request)).seen()
    return answer(types.Done())


async def _asked(request: web.Request) -> Copier:
    """The copier, for one who may back up; a refusal is noted. Faults: box_locked, not_signed_in, refused."""
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    try:
        decide(actor, "back_up", Facts())
    except Fault as fault:
        await box.clinic().note_refused(actor, "back_up", Facts(), fault.code)
        raise
    return box.copier()


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/backups", _see, ("back_up",)),
    Route("POST", "/v1/backups", _make, ("back_up",)),
    Route("POST", "/v1/backups/seen", _seen, ("back_up",)),
)
