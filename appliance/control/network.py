"""The network of the machine over the control socket: how it is, other settings on trial, zone, keyboard."""

from __future__ import annotations

import msgspec
from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.machine.network import MachineNetwork
from appliance.policy import Actor, Facts, decide


async def _see(request: web.Request) -> web.Response:
    network, _ = await _asked(request)
    return _answer(request, await network.look())


async def _try(request: web.Request) -> web.Response:
    network, actor = await _asked(request)
    settings = (await body(request, types.TryNetwork)).settings
    network.check(settings)
    await _note(request, actor)
    return _answer(request, await network.try_settings(settings))


async def _keep(request: web.Request) -> web.Response:
    network, actor = await _asked(request)
    await _note(request, actor)
    return _answer(request, await network.keep())


async def _back(request: web.Request) -> web.Response:
    network, actor = await _asked(request)
    await _note(request, actor)
    return _answer(request, await network.back())


async def _scan(request: web.Request) -> web.Response:
    network, _ = await _asked(request)
    return answer(types.Heard(networks=await network.scan()))


async def _zone(request: web.Request) -> web.Response:
    network, actor = await _asked(request)
    zone = (await body(request, types.SetZone)).zone
    network.check_zone(zone)
    await _note(request, actor)
    return _answer(request, await network.set_zone(zone))


async def _keyboard(request: web.Request) -> web.Response:
    network, actor = await _asked(request)
    layout = (await body(request, types.SetKeyboard)).layout
    network.check_keyboard(layout)
    await _note(request, actor)
    return _answer(request, await network.set_keyboard(layout))


async def _asked(request: web.Request) -> tuple[MachineNetwork, Actor]:
    """For one who may do that; a refusal is noted. Faults: box_locked, not_signed_in, refused."""
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    try:
        decide(actor, "set_network", Facts())
    except Fault as fault:
        await box.clinic().note_refused(actor, "set_network", Facts(), fault.code)
        raise
    return box.network(), actor


async def _note(request: web.Request, actor: Actor) -> None:
    """In the audit before it is done: a box that cannot note it leaves the machine as it is."""
    await request.app[BOX].clinic().note_done(actor, "set_network", Facts())


def _answer(request: web.Request, found: types.NetworkState) -> web.Response:
    box = request.app[BOX]
    name = box.sync().portal_name  # that HQ got a certificate for
    urls = (*box.about().addresses, *([f"https://{name}"] if name else []))
    return answer(msgspec.structs.replace(found, urls=urls, authority=box.authority()))


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/network", _see, ("set_network",)),
    Route("POST", "/v1/network", _try, ("set_network",)),
    Route("POST", "/v1/network/keep", _keep, ("set_network",)),
    Route("POST", "/v1/network/back", _back, ("set_network",)),
    Route("POST", "/v1/network/scan", _scan, ("set_network",)),
    Route("POST", "/v1/zone", _zone, ("set_network",)),
    Route("POST", "/v1/keyboard", _keyboard, ("set_network",)),
)
