"""Cards by hand, and concerns: raised by a patient in words, at any time of their visit (C47), listed for staff who
look after them. What somebody wrote stands in the store and on these pages alone: not in the audit, a log, an address.
"""

from __future__ import annotations

from typing import Any, get_args

from aiohttp import web

from appliance.faults import Fault
from appliance.policy import TABLE
from appliance.portal import bodies, forms, logins, pages, problems
from appliance.portal.logins import Staff, Visitor
from appliance.portal.noting import me
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.portal.way import posted
from appliance.room import rows
from appliance.room.rules import MAX_WORDS, Written
from appliance.sessions import rows as sessions

HOME, OWN = "/staff/concerns", "/join/concern"


# -- a patient's own ---------------------------------------------------------------------------------------------------


async def own(request: web.Request) -> web.StreamResponse:
    return await _own(request, await logins.visitor(request, clinic_of(request)))


async def _own(request: web.Request, who: Visitor, fault: Fault | None = None, form: Any = None) -> web.Response:
    """The form, and what this person has raised around this session: its kind and its day, never the words again."""
    raised = await clinic_of(request).db.read(lambda tx: rows.raised_by(tx, who.member.person, who.session.id))
    context = {
        "kinds": get_args(Written),
        "chosen": bodies.field(form, "kind") if form else "",
        "typed": form.get("words", "") if form else "",
        "most": MAX_WORDS,
        "raised": [
            {"kind": one.kind, "day": pages.day_and_time(request, one.at), "seen": one.seen_at} for one in raised
        ],
        "done": not fault and request.query.get("done", "") == "raised",
    }
    return pages.render(request, "concern.html", context, fault=fault)


async def raise_one(request: web.Request) -> web.StreamResponse:
    who, form = await posted(request)
    kind, words = bodies.field(form, "kind"), bodies.long_field(form, "words", 4 * MAX_WORDS)
    try:
        await clinic_of(request).board.write_concern(who.actor, kind, words)
    except Fault as fault:
        if fault.code not in ("bad_request", "too_large", "wrong_state"):
            raise
        return await _own(request, who, fault, form)
    raise web.HTTPSeeOther(f"{OWN}?done=raised")


# -- staff -------------------------------------------------------------------------------------------------------------


async def desk(request: web.Request) -> web.StreamResponse:
    """The open ones of one's own sessions, or of all; below them the last ones that were looked after."""
    clinic = clinic_of(request)
    who = await logins.staff(request, clinic)
    found = await clinic.board.concerns(who.actor)
    context = {
        "me": me(who),
        "open": [_shown(request, *one) for one in found if not one[0].seen_at],
        "handled": [_shown(request, *one) for one in found if one[0].seen_at],
        "done": request.query.get("done", "") == "handled",
    }
    return pages.render(request, "concerns.html", context)


def _shown(request: web.Request, one: rows.Concern, session: sessions.Session) -> dict[str, Any]:
    return {
        "id": one.id,
        "session": session.id,
        "title": session.title,
        "name": one.name,
        "shown_name": one.shown_name,
        "kind": one.kind,
        "outside": one.outside,
        "at": pages.day_and_time(request, one.at),
        "words": one.words.splitlines(),
        "seen": pages.day_and_time(request, one.seen_at) if one.seen_at else "",
        "by": one.seen_by,
    }


async def handle(request: web.Request) -> web.StreamResponse:
    """Somebody looks after one, from the list, or from the page of the session."""
    clinic, parts = clinic_of(request), request.match_info
    who, form = await logins.posted(request, clinic), await forms.read(request)
    await clinic.board.handle_concern(who.actor, parts["session"], parts["concern"])
    if problems.wants_json(request):
        return web.json_response({})
    raise web.HTTPSeeOther(f"{HOME}?done=handled" if bodies.field(form, "back") == "list" else _session(parts))


async def show_card(request: web.Request) -> web.StreamResponse:
    """A card to all, or to the member that the form names."""
    clinic, session = clinic_of(request), request.match_info["session"]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    await clinic.board.show_card(who.actor, session, bodies.field(form, "kind"), bodies.field(form, "member"))
    if problems.wants_json(request):
        return web.json_response({})
    raise web.HTTPSeeOther(_session(request.match_info))


def _session(parts: Any) -> str:
    return f"/staff/sessions/{parts['session']}"


async def waiting_for(request: web.Request, who: Staff) -> int:
    """How many open ones this person could look after, for a line on the first page; 0 for who may not."""
    if who.actor.role not in TABLE["handle_concern"]:
        return 0
    return await clinic_of(request).db.read(lambda tx: len(rows.open_concerns(tx, who.actor)))


ROUTES: tuple[Route, ...] = (
    Route("GET", OWN, own, ("raise_concern", "see_own_place")),
    Route("POST", OWN, raise_one, ("raise_concern", "see_own_place")),
    Route("GET", HOME, desk, ("handle_concern",)),
    # before the routes that take any word after a session's id
    Route("POST", "/staff/sessions/{session}/cards", show_card, ("show_card",)),
    Route("POST", "/staff/sessions/{session}/concerns/{concern}", handle, ("handle_concern",)),
)
