"""A patient's pages, one step after the other. Which step comes next is `sessions.rules.next_step`'s decision: a reload
or a second device lands where the stored facts say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.orientation import actions as orientation
from appliance.portal import after, asides, bodies, forms, logins, pages, questions, signing, waiting
from appliance.portal.logins import Visitor
from appliance.portal.state import clinic_of
from appliance.portal.way import PAGES, marked, place, posted, progress, step, write
from appliance.sessions import actions as sessions
from appliance.sessions import rows as session_rows
from appliance.sessions.rules import Progress, Step, next_step
from appliance.tickets import actions as tickets


async def join(request: web.Request) -> web.Response:
    """Code and PIN: the first step. Who is past it and came back, or opened the link again, is shown the way."""
    again = request.query.get("again", "") == "yes"
    return pages.render(request, "join.html", {"code": "", "known": await _is_inside(request), "again": again})


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
    raise web.HTTPSeeOther(await place(clinic_of(request), who))


def page(name: Step) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The page of one step, or a way to the step where the patient belongs. Earlier steps may be looked at again."""

    async def show(request: web.Request) -> web.StreamResponse:
        clinic = clinic_of(request)
        who = await logins.visitor(request, clinic)
        reached = await progress(clinic, who)
        belongs = next_step(reached)
        if belongs != name and not _may_look_back(name, belongs, who.member.standing):
            raise web.HTTPSeeOther(PAGES[belongs])
        return await _SHOW[name](request, clinic, who, reached)

    return show


async def set_name(request: web.Request) -> web.StreamResponse:
    who, form = await posted(request)
    text = bodies.field(form, "display_name")
    try:
        raise await step(request, who, lambda tx, actor: sessions.choose_name(tx, actor, text, now_text()))
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        context = {"way": marked(await progress(clinic_of(request), who), "name"), "before": False}
        return pages.render(request, "name.html", {**context, "display_name": text[:40]}, fault=fault)


async def oriented(request: web.Request) -> web.StreamResponse:
    """They have read what a group hour is."""
    who, _ = await posted(request)
    raise await step(request, who, lambda tx, actor: orientation.orient(tx, actor, now_text()))


async def tried_devices(request: web.Request) -> web.StreamResponse:
    """The device test is behind them."""
    who, _ = await posted(request)
    raise await step(request, who, lambda tx, actor: sessions.try_devices(tx, actor, now_text()))


async def checked_space(request: web.Request) -> web.StreamResponse:
    """The list for a private place is behind them."""
    who, _ = await posted(request)
    raise await step(request, who, lambda tx, actor: sessions.check_space(tx, actor, now_text()))


async def ask(request: web.Request) -> web.StreamResponse:
    """Ask again after leaving or after a no."""
    who, _ = await posted(request)
    try:
        await write(request, who, lambda tx, actor: sessions.ask(tx, actor, now_text()))
    except Fault as fault:
        if fault.code != "wrong_state":  # from a page of before: another step is missing, or all is over
            raise
    raise web.HTTPSeeOther("/join/next")


async def leave(request: web.Request) -> web.StreamResponse:
    who, _ = await posted(request)
    try:
        await write(request, who, lambda tx, _: sessions.leave(tx, who.at_home, now_text()))
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


async def _name(request: web.Request, clinic: Clinic, who: Visitor, reached: Progress) -> web.Response:
    """The name of the last time stands in the field already; it counts once it is confirmed (C19)."""
    own, person, group = who.member.display_name, who.member.person, who.session.care_group
    before = "" if own else await clinic.db.read(lambda tx: session_rows.last_name(tx, person, group))
    context = {"way": marked(reached, "name"), "display_name": own or before, "before": before != ""}
    return pages.render(request, "name.html", context)


async def _agreement(request: web.Request, clinic: Clinic, who: Visitor, reached: Progress) -> web.Response:
    return await signing.agreement(request, clinic, who)


async def _orientation(request: web.Request, clinic: Clinic, who: Visitor, reached: Progress) -> web.Response:
    leading = await clinic.db.read(lambda tx: session_rows.facilitator_member(tx, who.session.id))
    context = {"way": marked(reached, "orientation"), "leader": leading.display_name, "shared": who.shared}
    return pages.render(request, "orientation.html", {**context, **await questions.box(request, clinic, who)})


async def _devices(request: web.Request, clinic: Clinic, who: Visitor, reached: Progress) -> web.Response:
    return pages.render(request, "devices.html", {"way": marked(reached, "devices"), "shared": who.shared})


async def _space(request: web.Request, clinic: Clinic, who: Visitor, reached: Progress) -> web.Response:
    return pages.render(request, "space.html", {"way": marked(reached, "space")})


async def _wait(request: web.Request, clinic: Clinic, who: Visitor, reached: Progress) -> web.StreamResponse:
    if who.member.standing == "joining":  # left by themselves: asking again is theirs to choose
        raise web.HTTPSeeOther("/join/over")
    if who.session.parent:
        return await asides.of_patient(request, clinic, who)
    context = {
        "way": marked(reached, "wait"),
        "mode": "room" if who.member.standing == "admitted" else "wait",
        "me": {"member": who.member.id, "displayName": who.member.display_name},
        "title": who.session.title,
        "standing": who.member.standing,
        "delayed": clinic.live.fitting.waits_for_room(who.session.id, who.member.id),
        "ws": f"/join/ws?at={who.session.id}",  # a page of a room where they are not any more is told so
        "facilitator_page": False,
        "session_id": who.session.id,
        "credential_key": await clinic.credential_key(),
        "phrase_fault": waiting.complaint(request),
        **await waiting.facts(request, clinic, who),
    }
    return pages.render(request, "room.html", context)


async def over(request: web.Request) -> web.StreamResponse:
    """The kind page at the end, whatever the end was."""
    who = await logins.visitor(request, clinic_of(request))
    belongs = await place(clinic_of(request), who)
    if who.session.state == "ended":
        why = await _how_it_ended(clinic_of(request), who)
    elif who.member.standing in ("denied", "removed"):
        why = who.member.standing
    elif who.member.standing == "joining" and belongs == PAGES["wait"]:
        why = "left"
    else:
        raise web.HTTPSeeOther(belongs)
    offered = await after.aftercare(request, clinic_of(request), who) if why == "ended" else {}
    response = pages.render(request, "over.html", {"why": why, "shared": who.shared, **offered})
    if why in ("ended", "cancelled", "missed", "removed"):
        # Nothing of the hour stays in the browser of a device that others may use (C14). The cookie stays: it opens
        # only this page, and a reload should not end in a fault.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        if who.shared:
            await _let_go(request, response)
    return response


async def _how_it_ended(clinic: Clinic, who: Visitor) -> str:
    """Of a session that is over: whether it took place, and whether they were in it. No one is thanked for an hour
    that they were not let into."""
    if not who.session.opened_at:
        return "cancelled"
    own, ended = who.member.id, who.session.ended_at
    return "ended" if await clinic.db.read(lambda tx: session_rows.attendances(tx, own, ended)) else "missed"


_SHOW: dict[Step, Callable[[web.Request, Clinic, Visitor, Progress], Awaitable[web.StreamResponse]]] = {
    "name": _name,
    "agreement": _agreement,
    "orientation": _orientation,
    "devices": _devices,
    "space": _space,
    "wait": _wait,
}


def _may_look_back(name: Step, belongs: Step, standing: str) -> bool:
    """An earlier step may be looked at again until one has asked to come in, and the name until one is let in."""
    steps = list(PAGES)
    earlier = belongs != "over" and steps.index(name) < steps.index(belongs)
    return earlier and (standing == "joining" or (standing == "waiting" and name == "name"))


async def _is_inside(request: web.Request) -> bool:
    """Whether this browser has a place in a session that it can go back to."""
    try:
        who = await logins.visitor(request, clinic_of(request))
    except Fault:
        return False
    return await place(clinic_of(request), who) != PAGES["over"]
