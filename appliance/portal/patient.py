"""A patient's pages, one step after the other. Which step comes next is `sessions.rules.next_step`'s decision: a reload
or a second device lands where the stored facts say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.consent import actions as consent
from appliance.consent import rows as agreements
from appliance.faults import Fault
from appliance.policy import Actor
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Visitor
from appliance.portal.state import clinic_of
from appliance.sessions import actions as sessions
from appliance.sessions.rules import Step, next_step
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets

PAGES: dict[Step, str] = {
    "name": "/join/name",
    "agreement": "/join/agreement",
    "devices": "/join/devices",
    "wait": "/join/wait",
    "over": "/join/over",
}


async def join(request: web.Request) -> web.Response:
    """Code and PIN: the first step. Who is past it and came back, or opened the link again, is shown the way."""
    return pages.render(request, "join.html", {"code": "", "known": await _is_inside(request)})


async def present(request: web.Request) -> web.StreamResponse:
    form = await forms.read(request)
    code, pin = bodies.field(form, "code"), bodies.field(form, "pin")
    clinic = clinic_of(request)
    shared, device = bodies.field(form, "shared") == "yes", request.cookies.get(logins.DEVICE, "")
    try:
        found = await clinic.present(code, pin, request.remote or "", device=device, shared=shared)
    except Fault as fault:
        return pages.render(request, "join.html", {"code": code[:80], "shared": shared}, fault=fault)
    response = web.HTTPSeeOther("/join/next")
    logins.set_cookie(response, logins.VISIT, found.token)
    logins.keep_device(response, found.device, shared=shared)
    raise response


async def onward(request: web.Request) -> web.StreamResponse:
    """Wherever this patient belongs now."""
    who = await logins.visitor(request, clinic_of(request))
    raise web.HTTPSeeOther(await _place(clinic_of(request), who))


def step(name: Step) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The page of one step, or a way to the step where the patient belongs. Earlier steps may be looked at again."""

    async def show(request: web.Request) -> web.StreamResponse:
        clinic = clinic_of(request)
        who = await logins.visitor(request, clinic)
        place = await _place(clinic, who)
        if place != PAGES[name] and not _may_look_back(name, place, who.member.standing):
            raise web.HTTPSeeOther(place)
        return await _SHOW[name](request, clinic, who)

    return show


async def set_name(request: web.Request) -> web.StreamResponse:
    who, form = await _posted(request)
    text = bodies.field(form, "display_name")
    try:
        await _write(request, who, lambda tx, actor: sessions.choose_name(tx, actor, text, now_text()))
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return pages.render(request, "name.html", {"display_name": text[:40]}, fault=fault)
    raise web.HTTPSeeOther("/join/next")


async def sign(request: web.Request) -> web.StreamResponse:
    who, form = await _posted(request)
    signed, language, person = bodies.signed_agreement(form), pages.language(request), who.member.person
    try:
        await _write(
            request,
            who,
            lambda tx, actor: consent.sign(
                tx, actor, person, language, signed.version, signed.signature, signed.agreed, now_text()
            ),
        )
    except Fault as fault:
        if fault.code not in ("bad_request", "forged"):
            raise
        field = "signature" if signed.agreed else "agree"
        return await _agreement(request, clinic_of(request), who, fault=fault, fault_field=field)
    raise web.HTTPSeeOther("/join/next")


async def tried_devices(request: web.Request) -> web.StreamResponse:
    """The device test is behind them: they ask to come in."""
    who, _ = await _posted(request)

    def work(tx: Transaction, actor: Actor) -> None:
        sessions.try_devices(tx, actor, now_text())
        sessions.ask(tx, actor, now_text())

    await _write(request, who, work)
    raise web.HTTPSeeOther("/join/next")


async def ask(request: web.Request) -> web.StreamResponse:
    """Ask again after leaving or after a no."""
    who, _ = await _posted(request)
    await _write(request, who, lambda tx, actor: sessions.ask(tx, actor, now_text()))
    raise web.HTTPSeeOther("/join/next")


async def leave(request: web.Request) -> web.StreamResponse:
    who, _ = await _posted(request)
    try:
        await _write(request, who, lambda tx, actor: sessions.leave(tx, actor, now_text()))
    except Fault as fault:
        if fault.code != "wrong_state":  # not in there, or not any more: the next page says why
            raise
    if not who.shared:
        raise web.HTTPSeeOther("/join/over")
    response = web.HTTPSeeOther("/join/gone")
    await _let_go(request, response)
    raise response


async def gone(request: web.Request) -> web.StreamResponse:
    """After leaving on a device that others use: nothing is kept here, the way back is the invitation."""
    return pages.render(request, "over.html", {"why": "gone"})


async def _let_go(request: web.Request, response: web.StreamResponse) -> None:
    """This browser holds nothing of the person any more. Its word as a device stays until it is closed, so that the
    invitation still opens here; by itself that word opens nothing."""
    token = request.cookies.get(logins.VISIT, "")
    await clinic_of(request).db.write(lambda tx: tickets.leave_device(tx, token))
    await clinic_of(request).live.weed()
    logins.drop_cookie(response, logins.VISIT)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


# -- the steps' pages ------------------------------------------------------------------------------------------------


async def _name(request: web.Request, clinic: Clinic, who: Visitor) -> web.Response:
    return pages.render(request, "name.html", {"display_name": who.member.display_name})


async def _agreement(
    request: web.Request, clinic: Clinic, who: Visitor, *, fault: Fault | None = None, fault_field: str = ""
) -> web.Response:
    code = pages.language(request)
    text = await clinic.db.read(lambda tx: agreements.current(tx, code))
    context = {
        "title": text.title,
        "paragraphs": [part.strip() for part in text.body.split("\n\n") if part.strip()],
        "version": text.version,
        "fault_field": fault_field,
    }
    return pages.render(request, "agreement.html", context, fault=fault)


async def _devices(request: web.Request, clinic: Clinic, who: Visitor) -> web.Response:
    return pages.render(request, "devices.html")


async def _wait(request: web.Request, clinic: Clinic, who: Visitor) -> web.StreamResponse:
    if who.member.standing == "joining":  # left by themselves: asking again is theirs to choose
        raise web.HTTPSeeOther("/join/over")
    context = {
        "mode": "room" if who.member.standing == "admitted" else "wait",
        "me": {"member": who.member.id, "displayName": who.member.display_name},
        "title": who.session.title,
        "standing": who.member.standing,
        "delayed": clinic.live.fitting.waits_for_room(who.session.id, who.member.id),
        "ws": "/join/ws",
        "facilitator_page": False,
        "session_id": who.session.id,
        "credential_key": await clinic.credential_key(),
    }
    return pages.render(request, "room.html", context)


async def over(request: web.Request) -> web.StreamResponse:
    """The kind page at the end, whatever the end was."""
    who = await logins.visitor(request, clinic_of(request))
    place = await _place(clinic_of(request), who)
    if who.session.state == "ended":
        why = "ended"
    elif who.member.standing in ("denied", "removed"):
        why = who.member.standing
    elif who.member.standing == "joining" and place == PAGES["wait"]:
        why = "left"
    else:
        raise web.HTTPSeeOther(place)
    response = pages.render(request, "over.html", {"why": why, "shared": who.shared})
    if why in ("ended", "removed"):
        # Nothing of the hour stays in the browser of a device that others may use (C14). The cookie stays: it opens
        # only this page, and a reload should not end in a fault.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        if who.shared:
            await _let_go(request, response)
    return response


_SHOW: dict[Step, Callable[[web.Request, Clinic, Visitor], Awaitable[web.StreamResponse]]] = {
    "name": _name,
    "agreement": _agreement,
    "devices": _devices,
    "wait": _wait,
}


def _may_look_back(name: Step, place: str, standing: str) -> bool:
    """An earlier step may be looked at again until one has asked to come in, and the name until one is let in."""
    steps = list(PAGES.values())
    earlier = place != PAGES["over"] and steps.index(PAGES[name]) < steps.index(place)
    return earlier and (standing == "joining" or (standing == "waiting" and name == "name"))


async def _is_inside(request: web.Request) -> bool:
    """Whether this browser has a place in a session that it can go back to."""
    try:
        who = await logins.visitor(request, clinic_of(request))
    except Fault:
        return False
    return await _place(clinic_of(request), who) != PAGES["over"]


async def _place(clinic: Clinic, who: Visitor) -> str:
    signed = await clinic.db.read(lambda tx: agreements.has_signed(tx, who.member.person))
    member = who.member
    return PAGES[next_step(who.session.state, member.standing, member.display_name, signed, member.devices_tried)]


async def _posted(request: web.Request) -> tuple[Visitor, Mapping[str, object]]:
    who = await logins.visitor(request, clinic_of(request))
    form = await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    return who, form


async def _write(request: web.Request, who: Visitor, work: Callable[[Transaction, Actor], None]) -> None:
    clinic = clinic_of(request)
    await clinic.db.write(lambda tx: work(tx, who.actor))
    await clinic.live.changed(who.session.id)
