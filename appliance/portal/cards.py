"""A care group's cards in its own words, and a new round, in which everybody signs again (C27, C28, C46)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.care import rows as care
from appliance.clock import now_text
from appliance.consent import actions as consent
from appliance.consent import rows as consents
from appliance.faults import Fault
from appliance.guidelines import actions, rows
from appliance.guidelines.rules import KINDS, LANGUAGES, MAX_BODY, MAX_TITLE, Kind, paragraphs
from appliance.guidelines.texts import default
from appliance.policy import Facts, allows, decide
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Staff
from appliance.portal.noting import me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.store.database import Transaction

GROUP = "/staff/groups/{group}"
CARD = f"{GROUP}/cards/{{kind}}"


def around(tx: Transaction, who: Staff, group: str, language: str) -> dict[str, Any]:
    """What the group's page shows of its cards and its round."""
    facts = care.facts(tx, group)
    number, began = consents.cycle(tx, group)
    people = [person for person, _ in care.people(tx, group)]
    return {
        "cards": [(kind, rows.card(tx, group, language, kind)[0]) for kind in KINDS],
        "may_edit": allows(who.actor, "edit_guidelines", facts),
        "may_renew": allows(who.actor, "new_cycle", facts),
        "cycle": number,
        "began": began,
        "asked": len(people),
        "signed": consents.people_signed(tx, group, people),
    }


async def new_cycle(request: web.Request) -> web.StreamResponse:
    """Everybody of the group signs again, from the next time they come."""
    clinic, group = clinic_of(request), request.match_info["group"]
    who, form = await logins.posted(request, clinic), await forms.read(request)

    def work(tx: Transaction) -> None:
        decide(who.actor, "new_cycle", care.facts(tx, group))
        if bodies.field(form, "sure") != "yes":
            raise Fault("bad_request", "not sure")
        consent.new_cycle(tx, who.actor, group, now_text())

    await noted(clinic, who, "new_cycle", Facts(thing=group), work)
    for session in await clinic.db.read(lambda tx: care.going_on(tx, group)):
        await clinic.live.changed(session)
    raise web.HTTPSeeOther(f"/staff/groups/{group}")


async def card(request: web.Request) -> web.StreamResponse:
    return await _card(request, await logins.staff(request, clinic_of(request)))


async def _card(
    request: web.Request,
    who: Staff,
    fault: Fault | None = None,
    typed: tuple[str, str, str] = ("", "", ""),
    preview: bool = False,
) -> web.Response:
    """One card in each language. `typed`: language, title and body that were not kept, or are only looked at."""
    clinic, group, kind = clinic_of(request), request.match_info["group"], _kind(request)

    def look(tx: Transaction) -> dict[str, Any]:
        decide(who.actor, "edit_guidelines", care.facts(tx, group))
        return {
            "group": {"id": group, "name": care.group(tx, group).name},
            "versions": [_version(tx, request, group, kind, language, typed) for language in LANGUAGES],
        }

    context = await noted(clinic, who, "edit_guidelines", Facts(thing=group), look, read=True)
    context |= {
        "me": me(who),
        "kind": kind,
        "most": {"title": MAX_TITLE, "body": MAX_BODY},
        "at": typed[0],
        "preview": (typed[1], paragraphs(typed[2])) if preview else None,
        "done": "" if fault or preview else request.query.get("done", ""),
    }
    return pages.render(request, "group_card.html", context, fault=fault)


def _version(
    tx: Transaction, request: web.Request, group: str, kind: Kind, language: str, typed: tuple[str, str, str]
) -> dict[str, Any]:
    own, (usual, words) = rows.newest(tx, group, kind, language), default(kind, language)
    shown = (own.title, own.body) if own else (usual, "\n\n".join(words))
    title, body = typed[1:] if typed[0] == language else shown
    return {
        "language": language,
        "own_name": dict(pages.LANGUAGES).get(language, language),
        "title": title,
        "body": body,
        "own": own is not None,
        "by": own.by if own else "",
        "at": pages.short_day_and_time(request, own.at) if own else "",
        "base": rows.last(tx, group, kind, language),
    }


async def change(request: web.Request) -> web.StreamResponse:
    """Look at it, keep it, or take the clinic's words again: by the button that was pressed."""
    clinic, group, kind = clinic_of(request), request.match_info["group"], _kind(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    language, title = bodies.field(form, "language"), bodies.field(form, "title")
    body, base, do = bodies.long_field(form, "body", 4 * MAX_BODY), bodies.field(form, "base"), bodies.field(form, "do")
    body = body.replace("\r\n", "\n")
    if do == "preview":
        return await _card(request, who, typed=(language, title, body), preview=True)

    def work(tx: Transaction) -> None:
        if do == "reset":
            actions.reset(tx, who.actor, group, kind, language, now_text())
            return
        on = int(base) if base.isascii() and base.isdecimal() and len(base) < 12 else -1
        actions.edit(tx, who.actor, group, kind, language, title, body, on, now_text())

    try:
        await noted(clinic, who, "edit_guidelines", Facts(thing=group), work)
    except Fault as fault:
        if fault.code not in ("bad_request", "wrong_state"):
            raise
        return await _card(request, who, fault, (language, title, body))
    raise web.HTTPSeeOther(f"/staff/groups/{group}/cards/{kind}?done={'reset' if do == 'reset' else 'kept'}")


def _kind(request: web.Request) -> Kind:
    found = next((kind for kind in KINDS if kind == request.match_info["kind"]), None)
    if found is None:
        raise Fault("not_found", "no such card")
    return found


ROUTES: tuple[Route, ...] = (
    Route("POST", f"{GROUP}/cycle", new_cycle, ("new_cycle",)),
    Route("GET", CARD, card, ("edit_guidelines",)),
    Route("POST", CARD, change, ("edit_guidelines",)),
)
