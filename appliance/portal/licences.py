"""Licences and trainings of staff (C40), on the page of their account: note one, renew it, take it out of force."""

from __future__ import annotations

from aiohttp import web

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.licences import actions
from appliance.policy import TABLE, Facts
from appliance.portal import bodies, forms, logins, pages, people
from appliance.portal.logins import Staff
from appliance.portal.noting import noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

HOME = people.HOME + "/{person}/licences"


async def running_out(request: web.Request, who: Staff) -> list[dict[str, str]]:
    """Own ones that end soon or have ended, of one whose role opens sessions: told before the hour, not at its door."""
    if who.actor.role not in TABLE["open"]:
        return []
    held = await clinic_of(request).db.read(lambda tx: actions.see(tx, who.actor, who.actor.person))
    shown = [people.licence_facts(request, one, now_text()) for one in held]
    return [one for one in shown if one["state"] != "holds"]


async def note(request: web.Request) -> web.StreamResponse:
    clinic, person = clinic_of(request), request.match_info["person"]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    typed = {name: bodies.field(form, name)[:200] for name in ("kind", "name", "ends_on")}
    shown, at = await people.about(request, who, person), now_text()
    try:
        await noted(
            clinic,
            who,
            "record_licence",
            Facts(person=person),
            lambda tx: actions.note(tx, who.actor, person, typed["kind"], typed["name"], typed["ends_on"], at),
        )
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return pages.render(
            request, "person.html", {**shown, "licence_fault": fault.detail, "typed": typed}, fault=fault
        )
    raise web.HTTPSeeOther(f"{people.HOME}/{person}#licences")


async def change(request: web.Request) -> web.StreamResponse:
    """Another last day, or the end of it."""
    clinic, person, licence = clinic_of(request), request.match_info["person"], request.match_info["licence"]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    word, ends_on, at = bodies.field(form, "do"), bodies.field(form, "ends_on"), now_text()
    facts = Facts(person=person, thing=licence)
    shown = await people.about(request, who, person)
    try:
        if word == "end":
            await noted(
                clinic, who, "record_licence", facts, lambda tx: actions.end(tx, who.actor, person, licence, at)
            )
        else:
            await noted(
                clinic,
                who,
                "record_licence",
                facts,
                lambda tx: actions.renew(tx, who.actor, person, licence, ends_on, at),
            )
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return pages.render(request, "person.html", {**shown, "licence_fault": fault.detail}, fault=fault)
    raise web.HTTPSeeOther(f"{people.HOME}/{person}#licences")


ROUTES: tuple[Route, ...] = (
    Route("POST", HOME, note, ("record_licence", "see_staff")),
    Route("POST", HOME + "/{licence}", change, ("record_licence", "see_staff")),
)
