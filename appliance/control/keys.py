"""The key slots of the box and its rekey, for the administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from appliance.clock import now_text
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.keeping import Seen
from appliance.machine.slot import Keeps
from appliance.outbox.headquarters import key_code
from appliance.store import sheet

# A sheet's words are in no list of answers for a retry: a second request makes another sheet and drops the first.
NEVER_KEPT = frozenset({"/v1/keys/sheet"})


async def _list(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    found = await box.keeper().list(actor, now_text())
    hq = await asyncio.to_thread(box.headquarters)
    keeps = await box.own_slot().keeps()
    return answer(wire(found, box.keeper().rekey_seconds(), hq, keeps))


async def _add_passphrase(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = await body(request, types.AddPassphrase)
    made = await request.app[BOX].keeper().add_passphrase(actor, given.passphrase, given.label, now_text())
    return answer(types.KeyMade(id=made))


async def _add_sheet(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = await body(request, types.AddSheet)
    made = await request.app[BOX].keeper().add_sheet(actor, given.language, given.label, now_text())
    return answer(types.Sheet(id=made.slot, words=made.words, code=sheet.code(made.words)))


async def _add_hq(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    keeper = box.keeper()
    await keeper.may_add(actor, now_text())
    public = await asyncio.to_thread(box.headquarters)
    if public is None:
        raise Fault("not_enrolled")
    check_hq(public, (await body(request, types.AddHq)).code)
    return answer(types.KeyMade(id=await keeper.add_public(actor, "hq", public, "", now_text())))


async def _add_machine(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = await body(request, types.AddMachine)
    made = await request.app[BOX].keeper().add_public(actor, "machine", given.public, given.label, now_text())
    return answer(types.KeyMade(id=made))


async def _add_own(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    given = await body(request, types.AddOwn)
    return answer(types.KeyMade(id=await box.own_slot().add(box.keeper(), actor, now_text(), tpm=given.tpm)))


async def _try(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = await body(request, types.KeySecret)
    await request.app[BOX].keeper().try_out(actor, request.match_info["slot"], given.secret, now_text())
    return answer(types.Done())


async def _rotate(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = await body(request, types.KeySecret)
    await request.app[BOX].keeper().rotate(actor, request.match_info["slot"], given.secret, now_text())
    return answer(types.Done())


async def _remove(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    box = request.app[BOX]
    if await box.keeper().remove(actor, request.match_info["slot"], now_text()) == "machine":
        await box.own_slot().forget()
    return answer(types.Done())


async def _rekey(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    return answer(types.Rekeyed(seconds=await request.app[BOX].keeper().rekey(actor, now_text())))


def check_hq(public: bytes, compared: str) -> None:
    """Fault("wrong_state") if HQ's key is not the one whose code somebody compared."""
    if compared != key_code(public):
        raise Fault("wrong_state", "another key of headquarters than the one compared")


def wire(found: Sequence[Seen], seconds: tuple[float, float], hq: bytes | None, keeps: Keeps = "nothing") -> types.Keys:
    """The list as it travels. `hq`: HQ's public key, None before enrolment. `keeps`: how the machine can."""
    slots, code = tuple(_slot(one) for one in found), key_code(hq) if hq else ""
    return types.Keys(
        slots=slots,
        enrolled=hq is not None,
        hq_code=code,
        machine_keeps=keeps,
        rekey_seconds=seconds[0],
        rekey_seconds_slow=seconds[1],
    )


def _slot(seen: Seen) -> types.KeySlot:
    slot = seen.slot
    return types.KeySlot(
        id=slot.id,
        kind=slot.kind,
        label=slot.label,
        made_at=slot.made_at,
        tried_at=seen.tried_at,
        state=seen.state,
        removable=seen.removable,
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/keys", _list, ("list_keys",)),
    Route("POST", "/v1/keys/passphrase", _add_passphrase, ("add_key",)),
    Route("POST", "/v1/keys/sheet", _add_sheet, ("add_key",)),
    Route("POST", "/v1/keys/hq", _add_hq, ("add_key",)),
    Route("POST", "/v1/keys/machine", _add_machine, ("add_key",)),
    Route("POST", "/v1/keys/own", _add_own, ("add_key",)),
    Route("POST", "/v1/keys/{slot}/try", _try, ("add_key",)),
    Route("POST", "/v1/keys/{slot}/rotate", _rotate, ("add_key",)),
    Route("POST", "/v1/keys/{slot}/remove", _remove, ("remove_key",)),
    Route("POST", "/v1/rekey", _rekey, ("rekey",)),
)
