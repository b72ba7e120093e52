"""The agreement: read, acknowledge what is apart from it, sign; and a copy of what was signed (C23-C25, C29, C30)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.consent import actions, rows
from appliance.consent.rules import Section, Signing, sections
from appliance.faults import Fault
from appliance.portal import bodies, logins, pages
from appliance.portal.logins import Visitor
from appliance.portal.state import clinic_of
from appliance.portal.way import marked, posted, progress, step
from appliance.store.database import Transaction


async def agreement(
    request: web.Request, clinic: Clinic, who: Visitor, *, fault: Fault | None = None, sent: Signing | None = None
) -> web.Response:
    """The page to sign. `sent`: what came back from it and was not complete; the ticks stay."""
    code, person, group = pages.language(request), who.member.person, who.session.care_group

    def look(tx: Transaction) -> dict[str, Any]:
        text, parts, word = actions.shown(tx, code)
        given = rows.signatures(tx, person, group)
        return {
            "wanted": rows.asked(tx, person, group),
            "last": pages.day_of(request, given[0].at) if given else "",
            "text": _laid_out(text.title, text.body, text.language),
            "parts": [{"name": one.part, **_laid_out(one.title, one.body, one.language)} for one in parts],
            "version": text.version,
            "shown": word,
        }

    context = await clinic.db.read(look)
    reached = await progress(clinic, who)
    context |= {
        "way": marked(reached, "agreement"),
        "sent": sent or Signing("", "", False, False, False),
        "fault_field": _field(sent, context["wanted"]) if sent else "",
    }
    return pages.render(request, "agreement.html", context, fault=fault)


async def sign(request: web.Request) -> web.StreamResponse:
    who, form = await posted(request)
    given, language = bodies.signing(form), pages.language(request)
    try:
        raise await step(request, who, lambda tx, actor: actions.sign(tx, actor, language, given, now_text()))
    except Fault as fault:
        if fault.code not in ("bad_request", "forged"):
            raise
        return await agreement(request, clinic_of(request), who, fault=fault, sent=given)


async def signed(request: web.Request) -> web.StreamResponse:
    """What this person signed last for this group, as it stood there, to print or to look at again."""
    clinic = clinic_of(request)
    who = await logins.visitor(request, clinic)
    person, group = who.member.person, who.session.care_group

    def look(tx: Transaction) -> dict[str, Any]:
        given = rows.signatures(tx, person, group)
        if not given:
            return {"text": None}
        text = rows.published(tx, given[0].version, given[0].language)
        return {
            "text": _laid_out(text.title, text.body, text.language),
            "version": text.version,
            "typed": given[0].typed,
            "at": pages.day_and_time(request, given[0].at),
            "digest": given[0].digest[:16],
            "parts": [
                {**_laid_out(one.title, one.body, one.language), "at": pages.day_and_time(request, one.at)}
                for one in rows.acknowledged(tx, given[0].sequence)
            ],
        }

    return pages.render(request, "signed.html", await clinic.db.read(look))


def _laid_out(title: str, body: str, language: str) -> dict[str, Any]:
    found: tuple[Section, ...] = sections(body)
    return {"title": title, "sections": found, "language": language}


def _field(sent: Signing, wanted: str) -> str:
    """Where the fault belongs: the first thing on the page that is missing."""
    if not sent.limits:
        return "limits"
    if not sent.risks:
        return "risks"
    if wanted != "parts" and not sent.agreed:
        return "agree"
    return "signature"
