"""Invitations and PIN slips as PDF, from the page that shows new tickets once. Codes travel in the body only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from appliance.faults import Fault
from appliance.paper.invitation import Sender
from appliance.paper.words import language
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.route import Route
from appliance.portal.state import BOX, clinic_of
from appliance.printing import Kind, Wanted, papers
from appliance.sessions.rules import MAX_MEMBERS

_FILES: dict[Kind, str] = {"invitation": "invitation.pdf", "pin": "pin.pdf"}  # a name in it would stay in a folder


async def print_paper(request: web.Request) -> web.StreamResponse:
    """The PDF, a page for each ticket, to look at and print; the browser is told to keep nothing."""
    who, form = await logins.staff(request, clinic_of(request)), await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    wanted = _wanted(form, _kind(request.match_info["paper"]))
    sender, portal = Sender(*request.app[pages.CLINIC]), request.app[BOX].addresses()[0]
    pdf = await papers(clinic_of(request), sender, portal, who.actor, wanted)
    headers = {"Content-Disposition": f'inline; filename="{_FILES[wanted[0].kind]}"'}
    return web.Response(body=pdf, content_type="application/pdf", headers=headers)


def _wanted(form: Mapping[str, Any], kind: Kind) -> list[Wanted]:
    """Tickets of one session: as many of `member` as of `code` and `pin`, in one order. Fault("bad_request")."""
    session, of = bodies.field(form, "session"), language(bodies.field(form, "language"))
    columns = [bodies.fields(form, name, MAX_MEMBERS) for name in ("member", "code", "pin")]
    if len({len(column) for column in columns}) > 1:
        raise Fault("bad_request", "tickets")
    rows = list(zip(*columns, strict=True)) or [("", "", "")]
    return [Wanted(session, member, code, pin, kind, of) for member, code, pin in rows]


def _kind(word: str) -> Kind:
    match word:
        case "invitation":
            return "invitation"
        case "pin":
            return "pin"
        case _:
            raise Fault("not_found", "paper")


ROUTES: tuple[Route, ...] = (Route("POST", "/staff/print/{paper}", print_paper, ("reissue",)),)
