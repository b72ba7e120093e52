"""Invitations for all of a session at once. Codes and PINs are on one page, once; they travel in bodies only."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.policy import Facts
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.noting import me, noted
from appliance.portal.route import Route
from appliance.portal.scheduling import HOME, look
from appliance.portal.state import BOX, clinic_of
from appliance.sessions import plan


async def invite(request: web.Request) -> web.StreamResponse:
    """New tickets for all, or for those who have none. That old ones stop is asked before it is done."""
    clinic = clinic_of(request)
    await logins.posted(request, clinic)
    form = await forms.read(request)
    who, session, members = await look(request)
    now, whom = now_seconds(), bodies.field(form, "whom")
    can = [m for m in members if not m.facilitator and m.standing in plan.INVITED]
    have = sum(plan.has_ticket(m, now) for m in can)
    context: dict[str, Any] = {
        "me": me(who),
        "session": {"id": session.id, "title": session.title},
        "starts": pages.day_and_time(request, session.starts_at),
    }
    if session.state == "ended" or not can:
        raise Fault("wrong_state", "nobody to invite")
    if have and whom not in ("missing", "all"):
        return pages.render(request, "invite.html", {**context, "have": have, "missing": len(can) - have})
    at = now_text()
    issued = await noted(
        clinic,
        who,
        "reissue",
        Facts(session=session.id),
        lambda tx: plan.invite(tx, who.actor, session.id, at, now, anew=whom == "all"),
    )
    if not issued:
        raise web.HTTPSeeOther(f"{HOME}/{session.id}")
    await clinic.live.changed(session.id)
    context["issued"] = [{"member": one.member, "name": one.name, "code": one.code, "pin": one.pin} for one in issued]
    context["address"] = f"{request.app[BOX].addresses()[0]}/join"
    return pages.render(request, "invitations.html", context)


ROUTES: tuple[Route, ...] = (Route("POST", f"{HOME}/{{session}}/invitations", invite, ("schedule", "reissue", "see")),)
