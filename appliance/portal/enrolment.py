"""People: who comes, enrolling them, correcting a name, archiving. Names stand in bodies of forms, never in an address.

Whoever is shown a list of names or one person's page is noted (audit/README.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import babel.dates
from aiohttp import web
from babel import Locale

from appliance.clock import now_text, parse
from appliance.faults import Fault
from appliance.people import actions, rules
from appliance.people.rows import Appointment, Person
from appliance.policy import TABLE, Action, Facts
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Staff
from appliance.portal.noting import looked, me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.sessions import rows as sessions
from appliance.sessions import states
from appliance.store.database import Transaction

HOME = "/staff/patients"
DONE = ("enrolled", "corrected", "archived", "back", "phrase", "unblocked")


async def page(request: web.Request) -> web.StreamResponse:
    """Everybody by name, page by page."""
    who = await logins.staff(request, clinic_of(request))
    return await _list(request, who, "", request.query.get("page", ""), archived="archived" in request.query)


async def search(request: web.Request) -> web.StreamResponse:
    """The same for those whose name has all the words."""
    who, form = await logins.posted(request, clinic_of(request)), await forms.read(request)
    query, number = bodies.field(form, "query")[: rules.MAX_NAME], bodies.field(form, "page")
    return await _list(request, who, query, number, archived=bodies.field(form, "archived") == "yes")


async def _list(request: web.Request, who: Staff, query: str, number: str, *, archived: bool) -> web.Response:
    clinic = clinic_of(request)
    await looked(clinic, who)
    found = await clinic.db.read(lambda tx: actions.found(tx, who.actor, query, archived=archived))
    now, pages_there = rules.page_of(rules.number(number), len(found))
    shown = found[(now - 1) * rules.PAGE : now * rules.PAGE]
    context = {
        "me": me(who),
        "people": [{"id": one.id, "name": one.name} for one in shown],
        "query": query,
        "archived": archived,
        "page": now,
        "pages": pages_there,
        "count": len(found),
    }
    return pages.render(request, "patients.html", context)


async def new_page(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.staff(request, clinic)
    await noted(clinic, who, "enrol", Facts(), lambda tx: actions.permit_to_enrol(who.actor), read=True)
    return _new(request, who, "", "", [])


def _new(
    request: web.Request, who: Staff, name: str, phrase: str, namesakes: list[Person], fault: Fault | None = None
) -> web.Response:
    context = {
        "me": me(who),
        "name": name,
        "phrase": phrase,
        "sure": rules.fold(name),
        "namesakes": [{"id": p.id, "since": day(request, p.since), "archived": p.archived} for p in namesakes],
        "why": fault.detail if fault else "",
    }
    return pages.render(request, "new_patient.html", context, fault=fault)


async def enrol(request: web.Request) -> web.StreamResponse:
    """Note down a person; one whose name is there already only after a second look."""
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    name, sure, at = bodies.field(form, "name"), bodies.field(form, "sure"), now_text()
    phrase = bodies.field(form, "phrase")
    try:
        done = await noted(
            clinic,
            who,
            "enrol",
            Facts(),
            lambda tx: actions.enrol(tx, who.actor, name, at, sure=sure == rules.fold(name) != "", phrase=phrase),
        )
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return _new(request, who, name, phrase, [], fault)
    if not done.person:
        await looked(clinic, who)
        return _new(request, who, name, phrase, done.namesakes)
    raise web.HTTPSeeOther(f"{HOME}/{done.person}?done=enrolled")


async def person_page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    return await _person(request, who)


async def _person(
    request: web.Request, who: Staff, typed: str | None = None, fault: Fault | None = None
) -> web.Response:
    clinic, person = clinic_of(request), request.match_info["person"]
    await looked(clinic, who, person)
    seen, blocks = await clinic.db.read(lambda tx: (actions.one(tx, who.actor, person), sessions.blocks_of(tx, person)))
    done = request.query.get("done", "")
    context = {
        "me": me(who),
        "person": {
            "id": seen.person.id,
            "name": seen.person.name,
            "since": day(request, seen.person.since),
            "archived": seen.person.archived,
            "phrase": seen.person.phrase,
        },
        "blocks": [
            {"group": group, "name": name, "why": why, "since": day(request, at)} for group, name, why, at in blocks
        ],
        "may_unblock": TABLE["unblock"].get(who.actor.role) == "any",
        "typed": seen.person.name if typed is None else typed,
        "coming": [_appointment(request, one) for one in seen.coming],
        "past": [_appointment(request, one) for one in seen.past],
        "done": done if done in DONE and not fault else "",
        "why": fault.detail if fault else "",
    }
    return pages.render(request, "patient.html", context, fault=fault)


async def change(request: web.Request) -> web.StreamResponse:
    """Correct the name, the check phrase, archive, bring back: by the last word of the path."""
    clinic, person, word = clinic_of(request), request.match_info["person"], request.path.rpartition("/")[2]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    name, phrase, at = bodies.field(form, "name"), bodies.field(form, "phrase"), now_text()
    action = _ACTIONS[word]

    def work(tx: Transaction) -> None:
        if word == "correct":
            actions.correct(tx, who.actor, person, name, at)
        elif word == "phrase":
            actions.set_phrase(tx, who.actor, person, phrase, at)
        elif word == "archive":
            actions.archive(tx, who.actor, person, at)
        else:
            actions.bring_back(tx, who.actor, person, at)

    try:
        await noted(clinic, who, action, Facts(person=person), work)
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return await _person(request, who, name if word == "correct" else None, fault)
    done = {"correct": "corrected", "archive": "archived"}.get(word, word)
    raise web.HTTPSeeOther(f"{HOME}/{person}?done={done}")


_ACTIONS: Mapping[str, Action] = {
    "correct": "correct_name",
    "phrase": "set_phrase",
    "archive": "archive",
    "back": "archive",
}


async def unblock(request: web.Request) -> web.StreamResponse:
    """They may come to that care group's sessions again, by a new invitation."""
    clinic, person, at = clinic_of(request), request.match_info["person"], now_text()
    who, form = await logins.posted(request, clinic), await forms.read(request)
    group = bodies.field(form, "group")[:64]
    try:
        await noted(
            clinic,
            who,
            "unblock",
            Facts(person=person),
            lambda tx: states.unblock_in(tx, who.actor, group, person, at),
        )
    except Fault as fault:
        if fault.code != "wrong_state":  # somebody else was faster
            raise
    raise web.HTTPSeeOther(f"{HOME}/{person}?done=unblocked")


def day(request: web.Request, at: str) -> str:
    """A stored moment's day, in the page's language."""
    return babel.dates.format_date(parse(at).astimezone(), locale=Locale.parse(pages.language(request)))


def _appointment(request: web.Request, one: Appointment) -> dict[str, Any]:
    starts = pages.day_and_time(request, one.starts_at)
    return {"session": one.session, "title": one.title, "starts": starts, "state": one.state, "opened": one.opened}


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, ("see_people",)),
    Route("POST", f"{HOME}/search", search, ("see_people",)),
    Route("GET", f"{HOME}/new", new_page, ("see_people", "enrol")),
    Route("POST", f"{HOME}/new", enrol, ("see_people", "enrol", "set_phrase")),
    Route("GET", f"{HOME}/{{person}}", person_page, ("see_people",)),
    Route("POST", f"{HOME}/{{person}}/correct", change, ("correct_name", "see_people")),
    Route("POST", f"{HOME}/{{person}}/phrase", change, ("set_phrase", "see_people")),
    Route("POST", f"{HOME}/{{person}}/unblock", unblock, ("unblock",)),
    Route("POST", f"{HOME}/{{person}}/archive", change, ("archive", "see_people")),
    Route("POST", f"{HOME}/{{person}}/back", change, ("archive", "see_people")),
)
