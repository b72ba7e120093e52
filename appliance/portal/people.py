"""Staff accounts: who works here, appointing, retiring, a new beginning for one who is locked out.

What would help a thief of the login asks for the password again. A first password is shown once and changed at sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args
from urllib.parse import urlencode

from aiohttp import web

from appliance.clock import now_text, steady_seconds
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity import staff
from appliance.identity.staff import Colleague
from appliance.licences import actions as licences
from appliance.licences import rows as licence_rows
from appliance.licences.rules import Licence
from appliance.licences.rules import state as licence_state
from appliance.packs import rows as packs
from appliance.policy import TABLE, Action, Facts, StaffRole
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.account import proved
from appliance.portal.logins import Staff
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.store.database import Transaction

HOME = "/staff/people"
ROLES: tuple[StaffRole, ...] = get_args(StaffRole)
DONE = ("ended", "retired")
T = TypeVar("T")


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    now = steady_seconds()

    def look(tx: Transaction) -> tuple[list[Colleague], list[packs.Listed], dict[str, str], set[str]]:
        return staff.everybody(tx, who.actor, now), packs.to_appoint(tx), packs.wishes(tx), packs.to_reinstate(tx)

    found, listed, wished, back = await _noted(request, who, "see_staff", "", look, read=True)
    shown = [_facts(request, one, who) for one in found]
    done = request.query.get("done", "")
    context = {
        "me": _me(who),
        "working": [one for one in shown if not one["retired"]],
        "retired": [one for one in shown if one["retired"]],
        "to_appoint": [_listed(one) for one in listed if who.actor.role in TABLE["appoint"]],
        "wished": wished,
        "back": back,
        "done": done if done in DONE else "",
    }
    return pages.render(request, "people.html", context)


async def new_page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    proved(request, who)
    await _noted(request, who, "see_staff", "", lambda tx: staff.everybody(tx, who.actor, steady_seconds()), read=True)
    given = {name: request.query.get(name, "")[:100] for name in ("name", "username", "role")}
    return _new(
        request, who, given
    )  # a line of headquarters' roster fills it in; everything is checked when it is sent


def _new(request: web.Request, who: Staff, given: dict[str, str], fault: Fault | None = None) -> web.Response:
    context = {"me": _me(who), "given": {"name": "", "username": "", "role": "", **given}, "roles": ROLES}
    return pages.render(request, "new_account.html", context, fault=fault)


async def appoint(request: web.Request) -> web.StreamResponse:
    """A new account; the page with its first password is shown once."""
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    proved(request, who)
    given = {name: bodies.field(form, name)[:100] for name in ("name", "username", "role")}
    try:
        role = next(one for one in ROLES if one == given["role"])
        name, username = staff.clean_name(given["name"]), staff.clean_username(given["username"])
        password = staff.first_password()
        phc, at = await clinic.door.hash(password), now_text()
        await _noted(
            request,
            who,
            "appoint",
            "",
            lambda tx: identity.appoint(tx, who.actor, name, username, role, phc, at, must_change=True),
        )
    except StopIteration:
        return _new(request, who, given, Fault("bad_request", "role"))
    except Fault as fault:
        if fault.code not in ("bad_request", "username_taken"):
            raise
        return _new(request, who, given, fault)
    return _made(request, who, name, username, password, new=True)


def _made(
    request: web.Request, who: Staff, name: str, username: str, password: str, *, new: bool
) -> web.StreamResponse:
    context = {"me": _me(who), "name": name, "username": username, "password": password, "new": new}
    return pages.render(request, "account_made.html", context)


async def person_page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    return await _person(request, who, request.match_info["person"])


async def _person(request: web.Request, who: Staff, person: str, fault: Fault | None = None) -> web.Response:
    context = await about(request, who, person)
    return pages.render(request, "person.html", context, fault=fault)


async def about(request: web.Request, who: Staff, person: str) -> dict[str, Any]:
    """What the page of one account shows."""
    now, at = steady_seconds(), now_text()
    found = await _noted(request, who, "see_staff", person, lambda tx: staff.one(tx, who.actor, person, now), read=True)
    held = await clinic_of(request).db.read(lambda tx: licences.see(tx, who.actor, person))
    return {
        "me": _me(who),
        "person": _facts(request, found, who),
        "asked": "",
        "licences": [licence_facts(request, one, at) for one in held],
        "may_record": who.actor.role in TABLE["record_licence"],
        "licence_fault": "",
        "typed": {"kind": "licence", "name": "", "ends_on": ""},
    }


def licence_facts(request: web.Request, one: Licence, at: str) -> dict[str, str]:
    """One licence as pages show it."""
    ends = pages.date_of(request, one.ends_on) if one.ends_on else ""
    state = licence_state(one, licence_rows.today(at))
    return {"id": one.id, "kind": one.kind, "name": one.name, "ends": ends, "ends_on": one.ends_on, "state": state}


async def end_logins(request: web.Request) -> web.StreamResponse:
    clinic, person = clinic_of(request), request.match_info["person"]
    who = await logins.posted(request, clinic)
    if person == who.actor.person:
        raise web.HTTPSeeOther("/staff/account")
    at = now_text()
    await _noted(request, who, "end_logins", person, lambda tx: identity.end_all_logins(tx, who.actor, person, at))
    await clinic.end_logins_of(person)
    raise web.HTTPSeeOther(f"{HOME}?done=ended")


async def retire(request: web.Request) -> web.StreamResponse:
    """Asked once before; then their credentials stop at once."""
    return await _sure(request, "retire", _retire)


async def _retire(request: web.Request, who: Staff, person: str) -> web.StreamResponse:
    at = now_text()
    await _noted(request, who, "retire", person, lambda tx: identity.retire(tx, who.actor, person, at))
    await clinic_of(request).end_logins_of(person)
    raise web.HTTPSeeOther(f"{HOME}?done=retired")


async def reset(request: web.Request) -> web.StreamResponse:
    """Asked once before; a new first password, second steps forgotten. Brings one who was retired back."""
    return await _sure(request, "reset", _reset)


async def _reset(request: web.Request, who: Staff, person: str) -> web.StreamResponse:
    clinic, password = clinic_of(request), staff.first_password()
    phc, at, now = await clinic.door.hash(password), now_text(), steady_seconds()

    def work(tx: Transaction) -> Colleague:
        identity.reset_sign_in(tx, who.actor, person, phc, at)
        return staff.one(tx, who.actor, person, now)

    found = (await _noted(request, who, "reset_sign_in", person, work)).account
    await clinic.end_logins_of(person)
    return _made(request, who, found.name, found.username, password, new=False)


async def _sure(
    request: web.Request,
    word: str,
    do: Callable[[web.Request, Staff, str], Any],
) -> web.StreamResponse:
    """The question first, as a page; with the answer the deed. What makes it impossible is said on the page."""
    clinic, person = clinic_of(request), request.match_info["person"]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    proved(request, who)
    if bodies.field(form, "sure") != "yes":
        now = steady_seconds()
        found = await _noted(
            request, who, "see_staff", person, lambda tx: staff.one(tx, who.actor, person, now), read=True
        )
        return pages.render(
            request, "person.html", {"me": _me(who), "person": _facts(request, found, who), "asked": word}
        )
    try:
        done: web.StreamResponse = await do(request, who, person)
    except Fault as fault:
        if fault.code not in ("own_account", "last_administrator", "wrong_state"):
            raise
        return await _person(request, who, person, fault)
    return done


async def _noted(
    request: web.Request,
    who: Staff,
    action: Action,
    person: str,
    work: Callable[[Transaction], T],
    *,
    read: bool = False,
) -> T:
    """The work in one transaction, its refusal in the audit."""
    clinic = clinic_of(request)
    try:
        return await (clinic.db.read(work) if read else clinic.db.write(work))
    except Fault as fault:
        if fault.code == "refused":
            await clinic.note_refused(who.actor, action, Facts(person=person), fault.code)
        raise


def _listed(one: packs.Listed) -> dict[str, str]:
    """Whom headquarters wants to have an account here, and the way to the form that makes it."""
    query = urlencode({"name": one.name, "username": one.username, "role": one.role})
    return {"name": one.name, "username": one.username, "role": one.role, "link": f"{HOME}/new?{query}"}


def _facts(request: web.Request, one: Colleague, who: Staff) -> dict[str, Any]:
    return {
        "id": one.account.person,
        "name": one.account.name,
        "username": one.account.username,
        "role": one.account.role,
        "retired": one.account.retired,
        "first": one.account.must_change,
        "here": len(one.places),
        "since": pages.day_and_time(request, one.places[0].since) if one.places else "",
        "own": one.account.person == who.actor.person,
    }


def _me(who: Staff) -> dict[str, str]:
    return {"name": who.name, "role": who.actor.role}


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, ("see_staff",)),
    Route("GET", f"{HOME}/new", new_page, ("see_staff",)),
    Route("POST", f"{HOME}/new", appoint, ("appoint",)),
    Route("GET", f"{HOME}/{{person}}", person_page, ("see_staff",)),
    Route("POST", f"{HOME}/{{person}}/end-logins", end_logins, ("end_logins",)),
    Route("POST", f"{HOME}/{{person}}/retire", retire, ("see_staff", "retire")),
    Route("POST", f"{HOME}/{{person}}/reset", reset, ("see_staff", "reset_sign_in")),
)
