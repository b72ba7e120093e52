"""Invitation and PIN slip as PDF, from the page that shows a new ticket once. The code travels in the body only."""

from __future__ import annotations

from aiohttp import web

from appliance.faults import Fault
from appliance.paper.invitation import Sender
from appliance.paper.words import language
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.route import Route
from appliance.portal.state import BOX, clinic_of
from appliance.printing import Kind, Wanted, paper

_FILES: dict[Kind, str] = {"invitation": "invitation.pdf", "pin": "pin.pdf"}  # a name in it would stay in a folder


async def print_paper(request: web.Request) -> web.StreamResponse:
    """The PDF, to look at and print; the browser is told to keep nothing."""
    who, form = await logins.staff(request, clinic_of(request)), await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    kind = _kind(request.match_info["paper"])
    wanted = Wanted(
        bodies.field(form, "session"),
        bodies.field(form, "member"),
        bodies.field(form, "code"),
        bodies.field(form, "pin"),
        kind,
        language(bodies.field(form, "language")),
    )
    sender, portal = Sender(*request.app[pages.CLINIC]), request.app[BOX].addresses()[0]
    pdf = await paper(clinic_of(request), sender, portal, who.actor, wanted)
    headers = {"Content-Disposition": f'inline; filename="{_FILES[kind]}"'}
    return web.Response(body=pdf, content_type="application/pdf", headers=headers)


def _kind(word: str) -> Kind:
    match word:
        case "invitation":
            return "invitation"
        case "pin":
            return "pin"
        case _:
            raise Fault("not_found", "paper")


ROUTES: tuple[Route, ...] = (Route("POST", "/staff/print/{paper}", print_paper, ("reissue",)),)
