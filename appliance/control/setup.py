"""The first set-up of the box over the control socket. `setup/guide.py` says who may; without a set-up all refuse."""

from __future__ import annotations

import msgspec
from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, token_of
from appliance.faults import Fault
from appliance.setup import answers
from appliance.setup.bringing_back import Found
from appliance.setup.guide import Guide, Person

PREFIX = "/v1/setup"
MAX_PATH = 4096  # characters
# A sheet of codes is in no list of answers for a retry: a second request makes another sheet and drops the first.
NEVER_KEPT = frozenset({f"{PREFIX}/codes"})


async def _place(request: web.Request) -> web.Response:
    given = await body(request, types.SetPlace)
    await _guide(request).place(token_of(request), given.language, given.zone)
    return answer(types.Done())


async def _keyboard(request: web.Request) -> web.Response:
    given = await body(request, types.SetKeyboard)
    await _guide(request).keyboard(token_of(request), given.layout)
    return answer(types.Done())


async def _clinic(request: web.Request) -> web.Response:
    given = await body(request, types.SetClinic)
    await _guide(request).name_clinic(token_of(request), given.name, given.phone)
    return answer(types.Done())


async def _scan(request: web.Request) -> web.Response:
    return answer(types.Heard(networks=await _guide(request).networks(token_of(request))))


async def _network(request: web.Request) -> web.Response:
    given = await body(request, types.TryNetwork)
    found = await _guide(request).network(token_of(request), given.settings)
    return answer(msgspec.structs.replace(found, urls=request.app[BOX].about().addresses))


async def _step(request: web.Request) -> web.Response:
    given = await body(request, types.SetStep)
    await _guide(request).go_on(token_of(request), answers.step_of(given.step))
    return answer(types.Done())


async def _birth(request: web.Request) -> web.Response:
    given = await body(request, types.Beginning)
    token = await _guide(request).give_birth(given.passphrase, [_person_of(one) for one in given.people])
    return answer(types.SetUpToken(token=token))


async def _backups(request: web.Request) -> web.Response:
    sticks, found = await _guide(request).backups()
    return answer(types.FoundBackups(sticks=sticks, backups=tuple(_backup(one) for one in found)))


def _backup(one: Found) -> types.FoundBackup:
    path, said = str(one.folder), one.said
    if said is None:
        return types.FoundBackup(path=path, stick=one.stick, fault=one.fault)
    return types.FoundBackup(path=path, stick=one.stick, at=said.at, box=said.box, size=said.size())


async def _restore(request: web.Request) -> web.Response:
    given = await body(request, types.BringBack)
    if not given.path or len(given.path) > MAX_PATH or "\0" in given.path:
        raise Fault("bad_request", "path")
    await _guide(request).restore(given.path, given.secret)
    return answer(types.Done())


async def _join(request: web.Request) -> web.Response:
    given = await body(request, types.Unlock)
    return answer(types.SetUpToken(token=await _guide(request).join(given.passphrase)))


async def _people(request: web.Request) -> web.Response:
    guide, token = _guide(request), token_of(request)
    found = tuple(
        types.SetUpPerson(role=one.role, name=one.name, username=one.username, ready=one.ready)
        for one in await guide.people(token)
    )
    return answer(types.SetUpPeople(people=found, sheet=await guide.sheet_tried(token)))


async def _person(request: web.Request) -> web.Response:
    given = await body(request, types.SetUpPerson)
    await _guide(request).change_person(token_of(request), _person_of(given))
    return answer(types.Done())


async def _passphrase(request: web.Request) -> web.Response:
    given = await body(request, types.Unlock)
    await _guide(request).change_passphrase(token_of(request), given.passphrase)
    return answer(types.Done())


async def _codes(request: web.Request) -> web.Response:
    given = await body(request, types.CodesOf)
    return answer(types.Codes(codes=tuple(await _guide(request).codes(token_of(request), given.role))))


async def _confirm_codes(request: web.Request) -> web.Response:
    given = await body(request, types.CodesOf)
    await _guide(request).confirm_codes(token_of(request), given.role, given.code)
    return answer(types.Done())


async def _finish(request: web.Request) -> web.Response:
    await _guide(request).finish(token_of(request))
    return answer(types.Done())


def _guide(request: web.Request) -> Guide:
    """Fault("wrong_state") where there is no set-up (any more)."""
    guide = request.app[BOX].guide()
    _ = guide.answers
    return guide


def _person_of(given: types.SetUpPerson) -> Person:
    return Person(given.role, given.name, given.username, given.password)


ROUTES: tuple[Route, ...] = (
    Route("POST", f"{PREFIX}/place", _place, "anyone"),
    Route("POST", f"{PREFIX}/keyboard", _keyboard, "anyone"),
    Route("POST", f"{PREFIX}/clinic", _clinic, "anyone"),
    Route("POST", f"{PREFIX}/scan", _scan, "anyone"),
    Route("POST", f"{PREFIX}/network", _network, "anyone"),
    Route("POST", f"{PREFIX}/step", _step, "anyone"),
    Route("POST", f"{PREFIX}/birth", _birth, "anyone"),
    Route("GET", f"{PREFIX}/backups", _backups, "anyone"),
    Route("POST", f"{PREFIX}/restore", _restore, "anyone"),
    Route("POST", f"{PREFIX}/join", _join, "anyone"),
    Route("GET", f"{PREFIX}/people", _people, "anyone"),
    Route("POST", f"{PREFIX}/person", _person, "anyone"),
    Route("POST", f"{PREFIX}/passphrase", _passphrase, "anyone"),
    Route("POST", f"{PREFIX}/codes", _codes, "anyone"),
    Route("POST", f"{PREFIX}/codes/confirm", _confirm_codes, "anyone"),
    Route("POST", f"{PREFIX}/finish", _finish, "anyone"),
)
