"""Plan: the sessions to come, a new one, one planned otherwise, one cancelled. Invitations are in invitations.py.

A form that was refused comes back as it was, with what has to be put right.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.policy import Facts
from appliance.portal import bodies, forms, logins, pages, plan_forms
from appliance.portal.logins import Staff
from appliance.portal.noting import looked, me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.sessions import plan, rows
from appliance.store.database import Transaction

HOME = "/staff/planned"
DONE = ("planned", "changed", "cancelled")


async def page(request: web.Request) -> web.StreamResponse:
    """The sessions that are not over, earliest first."""
    clinic = clinic_of(request)
    who = await logins.staff(request, clinic)
    coming = await noted(clinic, who, "schedule", Facts(), lambda tx: plan.coming(tx, who.actor), read=True)
    people = await clinic.db.read(lambda tx: len(plan.choices(tx, who.actor).people))
    done, count = request.query.get("done", ""), request.query.get("count", "")
    context = {
        "me": me(who),
        "sessions": [_card(request, session, members) for session, members in coming],
        "people": people,
        "done": done if done in DONE else "",
        "count": int(count) if count.isascii() and count.isdecimal() and len(count) < 3 else 0,
    }
    return pages.render(request, "planned.html", context)


async def new_page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    group, person = request.query.get("group", "")[:64], request.query.get("person", "")[:64]
    return await _form(request, who, plan_forms.fresh(group, person))


async def make(request: web.Request) -> web.StreamResponse:
    """New sessions as typed; or the form again, with the people that were searched for."""
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    given = plan_forms.typed(form)
    if bodies.field(form, "do") != "plan":
        return await _form(request, who, given)
    at = now_text()

    def work(tx: Transaction) -> list[str]:
        return plan.make(tx, who.actor, plan_forms.plan(given, plan.choices(tx, who.actor)), at)

    try:
        made = await noted(clinic, who, "schedule", Facts(), work)
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return await _form(request, who, given, fault)
    for session in made:
        await clinic.live.changed(session)
    if len(made) > 1:
        raise web.HTTPSeeOther(f"{HOME}?done=planned&count={len(made)}")
    raise web.HTTPSeeOther(f"{HOME}/{made[0]}?done=planned")


async def _form(
    request: web.Request,
    who: Staff,
    given: plan_forms.Typed,
    fault: Fault | None = None,
    session: rows.Session | None = None,
    members: list[rows.Member] | None = None,
) -> web.Response:
    clinic = clinic_of(request)
    choices = await noted(clinic, who, "schedule", Facts(), lambda tx: plan.choices(tx, who.actor), read=True)
    await looked(clinic, who)
    context = {
        "me": me(who),
        **plan_forms.context(given, choices, members),
        "session": {"id": session.id, "title": session.title} if session else None,
        "why": fault.detail if fault else "",
    }
    return pages.render(request, "plan_form.html", context, fault=fault)


async def look(request: web.Request) -> tuple[Staff, rows.Session, list[rows.Member]]:
    """One session with its people, noted before they are shown. Faults: refused, not_found."""
    clinic, session = clinic_of(request), request.match_info["session"]
    who = await logins.staff(request, clinic)
    await noted(clinic, who, "schedule", Facts(), lambda tx: plan.one(tx, who.actor, session), read=True)
    return who, *await clinic.look(who.actor, session)


async def session_page(request: web.Request) -> web.StreamResponse:
    who, session, members = await look(request)
    return _session(request, who, session, members)


def _session(
    request: web.Request,
    who: Staff,
    session: rows.Session,
    members: list[rows.Member],
    *,
    asked: str = "",
    fault: Fault | None = None,
) -> web.Response:
    now, done = now_seconds(), request.query.get("done", "")
    expected = [m for m in members if not m.facilitator]
    context = {
        "me": me(who),
        "session": _card(request, session, members),
        "leaders": [{"name": m.name, "shown": m.display_name} for m in members if m.facilitator],
        "people": [{"id": m.person, "name": m.name, "invited": plan.has_ticket(m, now)} for m in expected],
        "invited": sum(plan.has_ticket(m, now) for m in expected),
        "asked": asked,
        "done": done if done in DONE and not asked else "",
    }
    return pages.render(request, "planned_session.html", context, fault=fault)


async def change_page(request: web.Request) -> web.StreamResponse:
    who, session, members = await look(request)
    if session.state != "scheduled":
        raise web.HTTPSeeOther(f"{HOME}/{session.id}")
    return await _form(request, who, plan_forms.of_session(session, members), None, session, members)


async def change(request: web.Request) -> web.StreamResponse:
    """One session planned otherwise."""
    clinic = clinic_of(request)
    await logins.posted(request, clinic)
    form = await forms.read(request)
    who, session, members = await look(request)
    given, at = plan_forms.typed(form), now_text()
    if bodies.field(form, "do") != "plan":
        return await _form(request, who, given, None, session, members)

    def work(tx: Transaction) -> None:
        wanted = plan_forms.plan(given, plan.choices(tx, who.actor), session)
        plan.change(tx, who.actor, session.id, wanted, at)

    try:
        await noted(clinic, who, "schedule", Facts(session=session.id), work)
    except Fault as fault:
        if fault.code not in ("bad_request", "wrong_state"):
            raise
        return await _form(request, who, given, fault, session, members)
    await clinic.live.changed(session.id)
    raise web.HTTPSeeOther(f"{HOME}/{session.id}?done=changed")


async def cancel(request: web.Request) -> web.StreamResponse:
    """Asked once before: a cancelled session does not come back."""
    clinic = clinic_of(request)
    await logins.posted(request, clinic)
    form = await forms.read(request)
    who, session, members = await look(request)
    if bodies.field(form, "sure") != "yes":
        return _session(request, who, session, members, asked="cancel")
    at, facts = now_text(), Facts(session=session.id)
    try:
        await noted(clinic, who, "cancel", facts, lambda tx: plan.cancel(tx, who.actor, session.id, at))
    except Fault as fault:
        if fault.code != "wrong_state":
            raise
        return _session(request, who, session, members, fault=fault)
    await clinic.live.changed(session.id)
    raise web.HTTPSeeOther(f"{HOME}?done=cancelled")


def _card(request: web.Request, session: rows.Session, members: list[rows.Member]) -> dict[str, Any]:
    now, expected = now_seconds(), [m for m in members if not m.facilitator]
    return {
        "id": session.id,
        "title": session.title,
        "starts": pages.day_and_time(request, session.starts_at),
        "state": session.state,
        "opened": session.opened_at != "",
        "leaders": ", ".join(m.name for m in members if m.facilitator),
        "expected": len(expected),
        "without": sum(not plan.has_ticket(m, now) and m.standing in plan.INVITED for m in expected),
    }


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, ("schedule",)),
    Route("GET", f"{HOME}/new", new_page, ("schedule", "see_people")),
    Route("POST", f"{HOME}/new", make, ("schedule", "see_people")),
    Route("GET", f"{HOME}/{{session}}", session_page, ("schedule", "see")),
    Route("GET", f"{HOME}/{{session}}/change", change_page, ("schedule", "see", "see_people")),
    Route("POST", f"{HOME}/{{session}}/change", change, ("schedule", "see", "see_people", "change_care_group")),
    Route("POST", f"{HOME}/{{session}}/cancel", cancel, ("cancel", "schedule", "see")),
)
