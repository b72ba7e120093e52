"""May headquarters hear of this person? The written consent, its end, and what went under it (42 CFR 2.31).

Staff note down what was signed on paper; a patient signs, or ends it, on a page of their own. Whoever is shown one
person's page is noted (audit/README.md).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clock import now_text
from appliance.disclosures import actions, rows, rules
from appliance.disclosures.forms import form as form_in
from appliance.disclosures.rules import Consent
from appliance.faults import Fault
from appliance.people import actions as people
from appliance.policy import Facts, decide
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.enrolment import day
from appliance.portal.logins import Staff, Visitor
from appliance.portal.noting import looked, me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.store.database import Transaction

HOME = "/staff/patients/{person}/disclosure"
OWN = "/join/sharing"
SHOWN = 50  # of what went; a person who comes weekly has as many in a year
DONE = ("granted", "ended")


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    return await _page(request, who)


async def _page(request: web.Request, who: Staff, fault: Fault | None = None, typed: str = "") -> web.Response:
    clinic, person = clinic_of(request), request.match_info["person"]
    await looked(clinic, who, person)
    await noted(
        clinic,
        who,
        "grant_disclosure",
        Facts(person=person),
        lambda tx: actions.permit_to_see(tx, who.actor, person),
        read=True,
    )
    seen = await clinic.db.read(lambda tx: people.one(tx, who.actor, person))
    context = {
        "me": me(who),
        "person": {"id": person, "name": seen.person.name},
        "typed": typed,
        "days": rules.DAYS,
        **await _standing(request, person),
        "done": "" if fault else request.query.get("done", ""),
        "why": fault.detail if fault else "",
    }
    return pages.render(request, "disclosure.html", context, fault=fault)


async def change(request: web.Request) -> web.StreamResponse:
    """Note down a signed paper, or the end of a consent: by the last word of the path."""
    clinic, person, word = clinic_of(request), request.match_info["person"], request.path.rpartition("/")[2]
    who, sent = await logins.posted(request, clinic), await forms.read(request)
    typed, at = bodies.field(sent, "signature"), now_text()

    def work(tx: Transaction) -> None:
        if word == "end":
            actions.withdraw(tx, who.actor, person, at)
            return
        if bodies.field(sent, "signed") != "yes":
            raise Fault("bad_request", "signed")
        chosen = [scope for scope in rules.SCOPES if bodies.field(sent, scope) == "yes"]
        actions.grant(
            tx,
            who.actor,
            person,
            form_in(bodies.field(sent, "language")),
            scopes=rules.scopes(chosen),
            days=rules.days(bodies.field(sent, "days")),
            signature=typed,
            how="paper",
            at=at,
        )

    try:
        await noted(clinic, who, "grant_disclosure", Facts(person=person), work)
    except Fault as fault:
        if fault.code not in ("bad_request", "wrong_state"):
            raise
        return await _page(request, who, fault, typed[: rules.MAX_SIGNATURE])
    raise web.HTTPSeeOther(f"/staff/patients/{person}/disclosure?done={'ended' if word == 'end' else 'granted'}")


async def paper(request: web.Request) -> web.StreamResponse:
    """The empty form to print and sign, in the page's language. It tells nothing of anybody."""
    clinic = clinic_of(request)
    who = await logins.staff(request, clinic)
    await noted(
        clinic, who, "grant_disclosure", Facts(), lambda tx: decide(who.actor, "grant_disclosure", Facts()), read=True
    )
    return pages.render(request, "disclosure_paper.html", {"me": me(who), **_text(request)})


async def own_page(request: web.Request) -> web.StreamResponse:
    who = await logins.visitor(request, clinic_of(request))
    return await _own(request, who)


async def _own(request: web.Request, who: Visitor, fault: Fault | None = None, typed: str = "") -> web.Response:
    context = {
        **_text(request),
        **await _standing(request, who.member.person),
        "typed": typed,
        "done": "" if fault else request.query.get("done", ""),
        "why": fault.detail if fault else "",
    }
    return pages.render(request, "sharing.html", context, fault=fault)


async def own_change(request: web.Request) -> web.StreamResponse:
    """The patient's own yes, or its end."""
    clinic = clinic_of(request)
    who = await logins.visitor(request, clinic)
    sent = await forms.read(request)
    logins.check_csrf(request, bodies.field(sent, "csrf"))
    typed, at, ends = bodies.field(sent, "signature"), now_text(), request.path.endswith("/end")
    text = form_in(pages.language(request))

    def work(tx: Transaction) -> None:
        if ends:
            actions.withdraw(tx, who.actor, who.member.person, at)
            return
        actions.grant(
            tx,
            who.actor,
            who.member.person,
            text,
            scopes=rules.SCOPES,
            days=rules.DAYS,
            signature=typed,
            how="portal",
            at=at,
        )

    try:
        await clinic.db.write(work)
    except Fault as fault:
        if fault.code not in ("bad_request", "wrong_state"):
            raise
        return await _own(request, who, fault, typed[: rules.MAX_SIGNATURE])
    raise web.HTTPSeeOther(f"{OWN}?done={'ended' if ends else 'granted'}")


def _text(request: web.Request) -> dict[str, Any]:
    text = form_in(pages.language(request))
    return {
        "title": text.title,
        "paragraphs": text.body.split("\n\n"),
        "version": text.version,
        "language": text.language,
    }


async def _standing(request: web.Request, person: str) -> dict[str, Any]:
    """What is in force, what was, and what went."""
    clinic, now = clinic_of(request), now_text()
    given, went = await clinic.db.read(lambda tx: (rows.of_person(tx, person), rows.history(tx, person)))
    running = next((one for one in given if not one.ended_at and not rules.has_expired(one, now)), None)
    copied = "" if running is None else await clinic.db.read(lambda tx: rows.copied_at(tx, running))
    return {
        "copied": day(request, copied) if copied else "",
        "consent": None if running is None else _shown(request, running),
        "earlier": [_shown(request, one) for one in given if one is not running],
        "went": [{"day": day(request, one.at), "scope": one.scope, "state": one.state} for one in went[:SHOWN]],
        "more": max(0, len(went) - SHOWN),
    }


def _shown(request: web.Request, consent: Consent) -> dict[str, Any]:
    return {
        "scopes": consent.scopes,
        "how": consent.how,
        "signature": consent.signature,
        "granted": day(request, consent.granted_at),
        "expires": day(request, consent.expires_at),
        "ended": day(request, consent.ended_at) if consent.ended_at else "",
        "why": consent.why or "expired",
    }


ROUTES: tuple[Route, ...] = (
    Route("GET", "/staff/disclosure-form", paper, ("grant_disclosure",)),
    Route("GET", HOME, page, ("grant_disclosure", "see_people")),
    Route("POST", f"{HOME}/grant", change, ("grant_disclosure", "see_people")),
    Route("POST", f"{HOME}/end", change, ("grant_disclosure", "see_people")),
    Route("GET", OWN, own_page, ("see_own_place",)),
    Route("POST", OWN, own_change, ("grant_disclosure", "see_own_place")),
    Route("POST", f"{OWN}/end", own_change, ("grant_disclosure", "see_own_place")),
)
