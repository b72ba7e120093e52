"""Staff pages: the day's sessions, one session with its waiting room and roster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import segno
from aiohttp import web

from appliance import showing
from appliance.care import rows as care
from appliance.clinic import Clinic
from appliance.clock import moment, now_seconds, text
from appliance.faults import Fault
from appliance.policy import TABLE, Facts, allows, may_do, scope
from appliance.portal import asides, bodies, concerns, forms, licences, logins, nav, pages, problems, questions
from appliance.portal.logins import Staff
from appliance.portal.state import BOX, clinic_of
from appliance.sessions import rows
from appliance.sessions.actions import own_place
from appliance.sessions.given import given
from appliance.tickets.actions import Issued

SHOW_LATER = 20  # sessions of other days, after today's
SHOW_ENDED_SECONDS = 12 * 3600  # an ended session stays in the list for the rest of the working day


async def sessions_page(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.staff(request, clinic)
    if scope(who.actor) is None:  # a role without sessions begins with what it has
        raise web.HTTPSeeOther(nav.places(who.actor.role)[0][0])
    since = text(now_seconds() - SHOW_ENDED_SECONDS)
    found = await clinic.db.read(
        lambda tx: [(session, rows.members(tx, session.id)) for session in rows.current(tx, who.actor, since)]
    )
    tomorrow = _tomorrow()
    cards = [(session.starts_at < tomorrow, _card(request, session, members)) for session, members in found]
    context = {
        "sessions": [card for today, card in cards if today],
        "later": [card for today, card in cards if not today][:SHOW_LATER],
        "may_plan": who.actor.role in TABLE["schedule"],
        "questions": await questions.waiting(clinic, who),
        "concerns": await concerns.waiting_for(request, who),
        "licences": await licences.running_out(request, who),
        "me": _me(who),
    }
    response = pages.render(request, "sessions.html", context)
    logins.leave_when_idle(response, who)
    return response


def _tomorrow() -> str:
    """When the day ends on the wall's clock, as times are kept."""
    midnight = moment().astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return text((midnight + timedelta(days=1)).astimezone().timestamp())


async def session_page(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.staff(request, clinic)
    session, members = await clinic.look(who.actor, request.match_info["session"])
    actions = may_do(who.actor, Facts(session=session.id, leaders=session.leaders))
    own = own_place(who.actor, session, members)
    if session.parent or (own is not None and own.aside):
        return await asides.of_leader(request, clinic, session, members, own)
    lists = clinic.live.lists(session, members, own.id if own else "")
    for person in lists["waiting"]:
        person["since"] = pages.time_of_day(request, person["since"])
        if person["message"]:
            person["message"] = {**person["message"], "at": pages.time_of_day(request, person["message"]["at"])}
    context = {
        **lists,
        "session": _about(request, session),
        "leader": showing.session_fact(session, members, clinic.live.present)["leader"],
        "actions": actions,
        "me": {"member": own.id if own else "", "displayName": own.display_name if own else who.name},
        "ws": f"/staff/sessions/{session.id}/ws",
        "facilitator_page": True,
        "full": session.id in clinic.live.fitting.full,
        "session_id": session.id,
        **await _of_group(clinic, who, session),
        "credential_key": await clinic.credential_key(),
    }
    return pages.render(request, "session.html", context)


async def _of_group(clinic: Clinic, who: Staff, session: rows.Session) -> dict[str, str]:
    """Where notes and cards of its care group are, for those who may read and change them; "" for others."""
    if not session.care_group:
        return {"notes": "", "cards": ""}
    facts = await clinic.db.read(lambda tx: care.facts(tx, session.care_group))
    notes, cards = (
        f"/staff/notes?group={session.care_group}&session={session.id}",
        f"/staff/groups/{session.care_group}#cards",
    )
    return {
        "notes": notes if allows(who.actor, "read_note", facts) else "",
        "cards": cards if allows(who.actor, "edit_guidelines", facts) else "",
    }


async def act(request: web.Request) -> web.StreamResponse:
    """One action by its word, from a plain form or from the script."""
    clinic = clinic_of(request)
    who = await _posted(request)
    form = await forms.read(request)
    parts, beyond = request.match_info, bodies.beyond(form)
    session, member = parts["session"], parts.get("member", "")
    if parts["action"] == "rejoin" and bodies.field(form, "sure") != "yes":
        return await _ask_rejoin(request, who, session, member)
    try:
        issued = await clinic.act(who.actor, parts["action"], session, member, beyond=beyond, given=given(form))
    except Fault as fault:
        if fault.code != "box_full" or problems.wants_json(request):
            raise
        context = {"me": _me(who), "session_id": session, "member": member}
        return pages.render(request, "full.html", context, fault=fault)
    if issued is not None:
        return _invitation(request, who, issued, session)
    if problems.wants_json(request):
        return web.json_response({})
    raise web.HTTPSeeOther(f"/staff/sessions/{session}")


async def _ask_rejoin(request: web.Request, who: Staff, session_id: str, member_id: str) -> web.Response:
    """Asked once before: the device in use is put out with it."""
    _, members = await clinic_of(request).look(who.actor, session_id)
    member = next((m for m in members if m.id == member_id and not m.facilitator), None)
    if member is None:
        raise Fault("not_found", "member")
    context = {"me": _me(who), "session_id": session_id, "member": member_id, "name": member.name}
    return pages.render(request, "rejoin.html", context)


def _invitation(request: web.Request, who: Staff, issued: Issued, session_id: str) -> web.Response:
    link = f"{request.app[BOX].addresses()[0]}/join#{issued.code}"
    context = {
        "link": link,
        "code": issued.code,
        "pin": issued.pin,
        "name": issued.name,
        "rejoin": issued.rejoin,
        "address": f"{request.app[BOX].addresses()[0]}/join",
        "member_id": issued.member,
        "qr": segno.make(link, error="m").svg_data_uri(scale=6, border=4),
        "me": _me(who),
        "session_id": session_id,
    }
    return pages.render(request, "invitation.html", context)


def _me(who: Staff) -> dict[str, str]:
    return {"name": who.name, "role": who.actor.role}


def _about(request: web.Request, session: rows.Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "title": session.title,
        "starts": pages.day_and_time(request, session.starts_at),
        "state": "open" if session.state == "locked" else session.state,
        "locked": session.state == "locked",
        "phase": session.phase,
        "byItself": session.locked_why == "complete",
    }


def _card(request: web.Request, session: rows.Session, members: list[rows.Member]) -> dict[str, Any]:
    return {
        **_about(request, session),
        "waiting": sum(m.standing == "waiting" for m in members),
        "present": sum(m.standing == "admitted" and not m.facilitator for m in members),
        "expected": sum(not m.facilitator for m in members),
    }


async def _posted(request: web.Request) -> Staff:
    who = await logins.staff(request, clinic_of(request))
    given = request.headers.get("X-CSRF") or bodies.field(await forms.read(request), "csrf")
    logins.check_csrf(request, given)
    return who
