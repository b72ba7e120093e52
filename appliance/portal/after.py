"""After the hour, and what is noted in it: a patient's short questions, incidents, and the summary for who led."""

from __future__ import annotations

from typing import Any

import babel.lists
from aiohttp import web
from babel import Locale

from appliance.clinic import Clinic
from appliance.clock import now_text, parse
from appliance.faults import Fault
from appliance.hours import actions, rows, rules
from appliance.hours.actions import Attended, Summary
from appliance.packs import rows as packs
from appliance.packs.rules import Reader, may_read
from appliance.policy import Facts
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Visitor
from appliance.portal.noting import me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.sessions import rows as session_rows

SESSION = "/staff/sessions/{session}"
AFTERCARE = 4  # things to read or hear that are offered at once after a session: more is a library


async def aftercare(request: web.Request, clinic: Clinic, who: Visitor, *, felt_low: bool = False) -> dict[str, Any]:
    """What the page at the end offers: short questions that are not answered yet, and things to read or hear."""
    asked = not who.shared and await clinic.db.read(lambda tx: actions.may_answer(tx, who.member))
    thanked = await clinic.db.read(lambda tx: rows.gave_feedback(tx, who.member.id))
    found = await clinic.db.read(packs.resources)
    language = pages.language(request)
    reader: Reader = "anyone" if who.shared else "patients"
    fit = sorted((one for one in found if may_read(one.audience, reader)), key=lambda one: one.language != language)
    return {
        "asked": asked,
        "thanked": thanked and not asked,
        "felt_low": felt_low,
        "resources": [{"id": one.id, "title": one.title, "language": one.language} for one in fit[:AFTERCARE]],
    }


async def feedback(request: web.Request) -> web.StreamResponse:
    """The answers, once; what is missing is said and what was chosen stays."""
    clinic = clinic_of(request)
    who, form = await logins.visitor(request, clinic), await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    chosen = {question: bodies.field(form, question)[:1] for question in rules.QUESTIONS}
    try:
        given, at = rules.pulse(chosen), now_text()
        await clinic.db.write(lambda tx: actions.give_feedback(tx, who.actor, given, at))
    except Fault as fault:
        if fault.code == "wrong_state":  # answered already, on another page
            raise web.HTTPSeeOther("/join/over") from None
        if fault.code != "bad_request":
            raise
        offered = await aftercare(request, clinic, who)
        return _over(request, who, {**offered, "chosen": chosen, "missing": fault.detail}, fault)
    if given.feeling > 1:
        raise web.HTTPSeeOther("/join/over")
    # Said at once and never in an address: a browser's history would tell the next who looks how somebody felt.
    return _over(request, who, await aftercare(request, clinic, who, felt_low=True))


def _over(request: web.Request, who: Visitor, offered: dict[str, Any], fault: Fault | None = None) -> web.Response:
    """The page at the end as the answer to a form: what leads away from it and back comes to the page itself."""
    context = {"why": "ended", "shared": who.shared, "path": "/join/over", "answered": True, **offered}
    return pages.render(request, "over.html", context, fault=fault)


# -- staff -------------------------------------------------------------------------------------------------------------


async def incident_page(request: web.Request) -> web.StreamResponse:
    clinic, session = clinic_of(request), request.match_info["session"]
    who = await logins.staff(request, clinic)
    await noted(
        clinic,
        who,
        "note_incident",
        Facts(session=session),
        lambda tx: actions.permit_to_note(tx, who.actor, session),
        read=True,
    )
    found, members = await clinic.look(who.actor, session)
    return _incident(request, {"me": me(who), **_who(found, members)}, {"kind": "", "member": ""})


def _who(found: session_rows.Session, members: list[session_rows.Member]) -> dict[str, Any]:
    return {
        "session": {"id": found.id, "title": found.title},
        "people": [{"member": m.id, "name": m.name} for m in members if not m.facilitator],
        "kinds": rules.INCIDENTS,
    }


def _incident(
    request: web.Request, context: dict[str, Any], chosen: dict[str, str], fault: Fault | None = None
) -> web.Response:
    return pages.render(request, "incident.html", {**context, "chosen": chosen}, fault=fault)


async def note_incident(request: web.Request) -> web.StreamResponse:
    """Noted at once, without words; the page after it leads to the sealed note."""
    clinic, session = clinic_of(request), request.match_info["session"]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    kind, member, at = bodies.field(form, "kind"), bodies.field(form, "member"), now_text()
    try:
        await noted(
            clinic,
            who,
            "note_incident",
            Facts(session=session, member=member),
            lambda tx: actions.note_incident(tx, who.actor, session, kind, member, at),
        )
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        found, members = await clinic.look(who.actor, session)
        context = {"me": me(who), **_who(found, members)}
        return _incident(request, context, {"kind": kind[:20], "member": member[:64]}, fault)
    await clinic.live.changed(session)
    raise web.HTTPSeeOther(f"/staff/sessions/{session}/summary?noted=yes#incidents")


async def summary_page(request: web.Request) -> web.StreamResponse:
    clinic, session, at = clinic_of(request), request.match_info["session"], now_text()
    who = await logins.staff(request, clinic)
    found = await noted(
        clinic,
        who,
        "see_summary",
        Facts(session=session),
        lambda tx: actions.summary(tx, who.actor, session, at),
        read=True,
    )
    await clinic.audit.looked(
        who.actor, "see_summary", [session], lambda tx, one: actions.permit_to_see(tx, who.actor, one)
    )
    noted_now = request.query.get("noted", "") == "yes"
    return pages.render(request, "summary.html", {"me": me(who), **_shown(request, found), "noted": noted_now})


def _shown(request: web.Request, found: Summary) -> dict[str, Any]:
    session = found.session
    names = {one.member.id: one.member.name for one in found.attended}
    return {
        "session": {
            "id": session.id,
            "title": session.title,
            "group": session.care_group,
            "starts": pages.day_and_time(request, session.starts_at),
            "opened": pages.time_of_day(request, session.opened_at),
            "ended": pages.time_of_day(request, session.ended_at),
        },
        "attended": [_attended(request, one) for one in found.attended],
        "cards": [
            {
                "kind": card.kind,
                "at": pages.time_of_day(request, card.at),
                "to": names.get(card.to, ""),
                "known": known,
            }
            for card, known in found.cards
        ],
        "concerns": [
            {
                "kind": one.kind,
                "at": pages.time_of_day(request, one.at),
                "name": one.name,
                "seen": pages.time_of_day(request, one.seen_at),
            }
            for one in found.concerns
        ],
        "incidents": [
            {
                "kind": one.kind,
                "at": pages.time_of_day(request, one.at),
                "name": one.name,
                "person": one.person,
                "by": one.by,
            }
            for one in found.incidents
        ],
        "answers": found.answers,
        "least": rules.LEAST_SHOWN,
        "felt": found.felt,
    }


def _attended(request: web.Request, one: Attended) -> dict[str, Any]:
    spans = [f"{pages.time_of_day(request, came)}–{pages.time_of_day(request, went)}" for came, went in one.times]
    seconds = sum((parse(went) - parse(came)).total_seconds() for came, went in one.times)
    return {
        "name": one.member.name,
        "leads": one.member.facilitator,
        "spans": babel.lists.format_list(spans, locale=Locale.parse(pages.language(request))) if spans else "",
        "minutes": round(seconds / 60),
        "removed": one.member.was_removed,
        "why": one.member.removed_why,
    }


ROUTES: tuple[Route, ...] = (
    Route("POST", "/join/feedback", feedback, ("give_feedback", "see_own_place")),
    Route("GET", SESSION + "/incident", incident_page, ("note_incident", "see")),
    Route("POST", SESSION + "/incident", note_incident, ("note_incident", "see")),
    Route("GET", SESSION + "/summary", summary_page, ("see_summary",)),
)
