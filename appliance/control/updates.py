"""Releases over the control socket: how the slots are, what was found, installing, going back, starting what is new."""

from __future__ import annotations

from aiohttp import web

from appliance.clock import text
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.policy import Actor, Facts, decide
from appliance.updates.actions import Updates

MAX_PATH = 4096  # characters


def shown(updates: Updates, running: str) -> types.Updates:
    """As the console sees it. `running`: the version of this program, where there is no steward to ask."""
    told, slots = updates.told(), updates.slots()
    release = told.release
    return types.Updates(
        possible=updates.possible,
        version=slots.version or running,
        made_at=_moment(slots.made_at),
        since=_moment(slots.since),
        trial=slots.trial,
        installed=slots.installed,
        other_version=slots.other_version,
        failed_version=slots.failed_version,
        fell_back=slots.fell_back,
        release=release.release if release else "",
        release_since=release.since if release else "",
        notes=dict(release.notes) if release else {},
        fetching=told.fetching.state if told.fetching.wanted else "",
        fetch_fault=told.fetching.fault,
        have=told.fetching.have,
        size=told.fetching.size,
        found=tuple(
            types.Release(path=one.path, where=one.where, size=one.size, version=one.version, refused=one.refused)
            for one in told.found
        ),
        step=told.step,
        percent=told.percent,
        installing=told.version,
        fault=told.fault,
        restart_at=_moment(int(told.restart_at)),
    )


async def _see(request: web.Request) -> web.Response:
    await _asked(request)
    return _answer(request)


async def _install(request: web.Request) -> web.Response:
    actor = await _asked(request)
    asked, box = await body(request, types.InstallRelease), request.app[BOX]
    if not asked.path or len(asked.path) > MAX_PATH or "\0" in asked.path:
        raise Fault("bad_request", "path")
    await box.updates().begin(box.clinic().db, actor, asked.path, anyway=asked.anyway, repair=asked.repair)
    return _answer(request)


async def _back(request: web.Request) -> web.Response:
    actor, box = await _asked(request), request.app[BOX]
    await box.updates().back(box.clinic().db, actor)
    return _answer(request)


async def _restart(request: web.Request) -> web.Response:
    actor = await _asked(request)
    asked, box = await body(request, types.StartRelease), request.app[BOX]
    await box.updates().restart(box.clinic().db, actor, asked.when, anyway=asked.anyway)
    return _answer(request)


async def _seen(request: web.Request) -> web.Response:
    actor, box = await _asked(request), request.app[BOX]
    await box.updates().seen(box.clinic().db, actor)
    return _answer(request)


async def _asked(request: web.Request) -> Actor:
    """For one who may; a refusal is noted. Faults: box_locked, not_signed_in, refused."""
    actor, _ = await signed_in(request)
    try:
        decide(actor, "install_update", Facts())
    except Fault as fault:
        await request.app[BOX].clinic().note_refused(actor, "install_update", Facts(), fault.code)
        raise
    return actor


def _answer(request: web.Request) -> web.Response:
    box = request.app[BOX]
    return answer(shown(box.updates(), box.about().version))


def _moment(seconds: int) -> str:
    return text(seconds) if seconds > 0 else ""


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/updates", _see, ("install_update",)),
    Route("POST", "/v1/updates/install", _install, ("install_update",)),
    Route("POST", "/v1/updates/back", _back, ("install_update",)),
    Route("POST", "/v1/updates/restart", _restart, ("install_update",)),
    Route("POST", "/v1/updates/seen", _seen, ("install_update",)),
)
