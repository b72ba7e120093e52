"""The pages of a private word: the patient's and the leader's, each with one way back to the group."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.portal import bodies, forms, logins, pages, problems
from appliance.portal.logins import Visitor
from appliance.portal.state import clinic_of
from appliance.sessions import asides, rows


async def of_patient(request: web.Request, clinic: Clinic, who: Visitor) -> web.Response:
    """What a patient sees instead of the group's room."""
    members = await clinic.db.read(lambda tx: rows.members(tx, who.session.id))
    leader = next(m for m in members if m.facilitator)
    context = {
        **await _both(clinic, who.session, who.member, leader),
        "home": {"session": who.home.session, "member": who.home.id},
        "ws": f"/join/ws?at={who.session.id}",
        "facilitator_page": False,
    }
    return pages.render(request, "aside.html", context)


async def of_leader(
    request: web.Request, clinic: Clinic, session: rows.Session, members: Sequence[rows.Member], own: rows.Member | None
) -> web.Response:
    """The leader's page of a private room, or the way from where one is not to where one is."""
    if not session.parent and own is not None:
        raise web.HTTPSeeOther(f"/staff/sessions/{own.aside}")
    if own is None or session.state == "ended":
        raise web.HTTPSeeOther(f"/staff/sessions/{session.parent}")
    guest = next(m for m in members if not m.facilitator)
    group = await clinic.db.read(lambda tx: rows.members(tx, session.parent))
    at_home, here = {m.person: m.id for m in group}, clinic.live.here(session.parent)
    context = {
        **await _both(clinic, session, own, guest),
        "home": {"session": session.parent, "member": at_home[own.person], "guest": at_home[guest.person]},
        "session": {"id": session.parent},
        "actions": ("handle_concern",),
        "with_group": next((m.display_name for m in group if m.facilitator and not m.aside and m.id in here), ""),
        "ws": f"/staff/sessions/{session.id}/ws",
        "facilitator_page": True,
    }
    return pages.render(request, "aside_lead.html", context)


async def _both(clinic: Clinic, session: rows.Session, own: rows.Member, other: rows.Member) -> dict[str, object]:
    return {
        "me": {"member": own.id, "displayName": own.display_name},
        "other": {"member": other.id, "name": other.display_name},
        "session_id": session.id,
        "credential_key": await clinic.credential_key(),
    }


async def back(request: web.Request) -> web.StreamResponse:
    """The patient's own way back to the group."""
    clinic = clinic_of(request)
    who = await logins.visitor(request, clinic)
    logins.check_csrf(request, request.headers.get("X-CSRF") or bodies.field(await forms.read(request), "csrf"))
    try:
        await clinic.db.write(lambda tx: asides.end(tx, who.at_home, who.home.session, who.home.id, now_text()))
    except Fault as fault:
        if fault.code != "wrong_state":  # back already, by whoever leads
            raise
    await clinic.live.changed(who.home.session)
    if problems.wants_json(request):
        return web.json_response({})
    raise web.HTTPSeeOther("/join/next")
