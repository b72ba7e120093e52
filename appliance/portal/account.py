"""My account: password, second steps, printed codes, and where one is signed in.

A change that would help a thief asks for the password again if it was given more than five minutes ago.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clock import now_seconds, now_text, steady_seconds
from appliance.door import Caller
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity import rows
from appliance.identity.factors import actions as second
from appliance.identity.factors import rows as factors
from appliance.identity.passkeys import rows as passkeys
from appliance.identity.passkeys.rows import Passkey
from appliance.identity.rules import PROVED_SECONDS
from appliance.policy import Facts, decide
from appliance.portal import bodies, forms, logins, pages, sign_in, sites
from appliance.portal.logins import Staff
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.store.database import Transaction

HOME = "/staff/account"


async def page(request: web.Request) -> web.StreamResponse:
    response = await _page(request, who := await _own(request))
    logins.leave_when_idle(response, who)
    return response


async def _own(request: web.Request) -> Staff:
    """Who looks at their own account. Faults: not_signed_in, refused."""
    who = await logins.staff(request, clinic_of(request))
    decide(who.actor, "see_account", Facts(leaders=(who.actor.person,)))
    return who


async def _page(request: web.Request, who: Staff, fault: Fault | None = None) -> web.Response:
    clinic = clinic_of(request)

    def look(tx: Transaction) -> tuple[factors.Factors, list[Passkey], list[rows.Place]]:
        decide(who.actor, "see_account", Facts(leaders=(who.actor.person,)))
        person = who.actor.person
        places = rows.places(tx, person, who.digest, steady_seconds())
        return factors.factors(tx, person), passkeys.of(tx, person), places

    found, keys, places = await clinic.db.read(look)
    tries, done = request.query.get("tries", ""), request.query.get("done", "")
    context = {
        "me": _me(who),
        "username": who.login.username,
        "factors": found,
        "passkeys": [_passkey(request, one) for one in keys],
        **sites.facts(request),
        "places": [_place(request, place) for place in places],
        "tries": int(tries) if tries.isascii() and tries.isdecimal() and len(tries) < 6 else 0,
        "done": done,
        "path": HOME,  # where a fault is shown, the path is one that only takes forms
    }
    return pages.render(request, "account.html", context, fault=fault)


async def again_with(request: web.Request, who: Staff, fault: Fault) -> web.Response:
    """The page once more, with what could not be done."""
    return await _page(request, who, fault)


def _passkey(request: web.Request, one: Passkey) -> dict[str, str]:
    return {
        "id": one.id,
        "label": one.label,
        "host": one.host,
        "since": pages.day_and_time(request, one.created_at),
        "used": pages.day_and_time(request, one.used_at) if one.used_at else "",
    }


def _place(request: web.Request, place: rows.Place) -> dict[str, Any]:
    return {
        "id": place.id,
        "console": place.surface == "console",
        "since": pages.day_and_time(request, place.since),
        "address": place.address if place.surface == "portal" else "",
        "shared": place.shared,
        "here": place.here,
    }


# -- the password again ------------------------------------------------------------------------------------------------


def proved(request: web.Request, who: Staff) -> None:
    """Lead to the password first, and back to this page, unless it was given a moment ago."""
    if not 0 <= steady_seconds() - who.login.proved <= PROVED_SECONDS:
        back = request.path if request.method == "GET" else HOME
        raise web.HTTPSeeOther(f"{HOME}/again?next={back}")


async def again_page(request: web.Request) -> web.StreamResponse:
    who = await _own(request)
    return _again(request, who, request.query.get("next", ""))


def _again(request: web.Request, who: Staff, back: str, fault: Fault | None = None) -> web.Response:
    context = {"me": _me(who), "username": who.login.username, "next": _back(back)}
    return pages.render(request, "again.html", context, fault=fault)


async def again(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    decide(who.actor, "sign_in", Facts(leaders=(who.actor.person,)))
    back = bodies.field(form, "next")
    try:
        await clinic.door.check_again(who.login, who.digest, bodies.field(form, "password"), _caller(request))
    except Fault as fault:
        return _again(request, who, back, fault)
    raise web.HTTPSeeOther(_back(back))


def _back(path: str) -> str:
    local = bodies.local_path(path)
    return local if local.startswith("/staff/") else HOME


# -- password ----------------------------------------------------------------------------------------------------------


async def password_page(request: web.Request) -> web.StreamResponse:
    who = await _own(request)
    return pages.render(request, "password.html", {"me": _me(who), "username": who.login.username})


async def change_password(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    old, new, typed_again = (bodies.field(form, name) for name in ("old", "new", "again"))
    try:
        await clinic.door.change_password(who.login, who.digest, old, new, typed_again, _caller(request))
    except Fault as fault:
        context = {"me": _me(who), "username": who.login.username}
        return pages.render(request, "password.html", context, fault=fault)
    await clinic.end_logins_of(who.actor.person, but=who.digest)
    raise web.HTTPSeeOther(f"{HOME}?done=password")


# -- authenticator -----------------------------------------------------------------------------------------------------


async def authenticator_page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    proved(request, who)
    return await _authenticator(request, who)


async def _authenticator(request: web.Request, who: Staff, fault: Fault | None = None) -> web.Response:
    at, clinic = now_text(), clinic_of(request)
    secret = await clinic.db.write(lambda tx: second.begin_authenticator(tx, who.actor, at, who.digest))
    context = {"me": _me(who), **sign_in.authenticator_facts(request, secret, who.login.username)}
    return pages.render(request, "authenticator.html", context, fault=fault)


async def confirm_authenticator(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    proved(request, who)
    typed, wall = bodies.field(form, "code"), now_seconds()
    try:
        await clinic.db.write(
            lambda tx: second.confirm_authenticator(tx, who.actor, typed, now_text(), wall, who.digest)
        )
    except Fault as fault:
        if fault.code != "wrong_code":
            raise
        return await _authenticator(request, who, fault)
    raise web.HTTPSeeOther(f"{HOME}?done=authenticator")


async def remove_authenticator(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.posted(request, clinic)
    proved(request, who)
    keep_one = clinic.second_factor == "required"
    try:
        await clinic.db.write(lambda tx: second.remove_authenticator(tx, who.actor, now_text(), keep_one=keep_one))
    except Fault as fault:
        if fault.code != "last_factor":
            raise
        return await _page(request, who, fault)
    raise web.HTTPSeeOther(f"{HOME}?done=removed")


# -- printed codes -----------------------------------------------------------------------------------------------------


async def codes_page(request: web.Request) -> web.StreamResponse:
    who = await _own(request)
    proved(request, who)
    found = await clinic_of(request).db.read(lambda tx: factors.factors(tx, who.actor.person))
    return pages.render(request, "new_codes.html", {"me": _me(who), "factors": found})


async def print_codes(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.posted(request, clinic)
    proved(request, who)
    codes = await clinic.db.write(lambda tx: second.print_codes(tx, who.actor, now_text()))
    context = {
        "me": _me(who),
        "name": who.name,
        "username": who.login.username,
        "codes": codes,
        "confirm": "",
        "next": HOME,
        "first": False,
    }
    return pages.render(request, "codes.html", context)


# -- where one is signed in --------------------------------------------------------------------------------------------


async def end_place(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.posted(request, clinic)
    place = request.match_info["place"]
    ended = await clinic.db.write(lambda tx: identity.sign_out_place(tx, who.actor, place, now_text()))
    await clinic.end_login(ended)
    if ended == who.digest:
        sign_in.gone("/")
    raise web.HTTPSeeOther(f"{HOME}?done=ended")


async def end_everywhere(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.posted(request, clinic)
    person = who.actor.person
    await clinic.db.write(lambda tx: identity.end_all_logins(tx, who.actor, person, now_text()))
    await clinic.end_logins_of(person)
    sign_in.gone(sign_in.START)


def _me(who: Staff) -> dict[str, str]:
    return {"name": who.name, "role": who.actor.role}


def _caller(request: web.Request) -> Caller:
    return Caller("portal", request.remote or "", request.cookies.get(logins.KNOWN, ""))


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, ("see_account",)),
    Route("GET", f"{HOME}/again", again_page, ("see_account",)),
    Route("POST", f"{HOME}/again", again, ("sign_in",)),
    Route("GET", f"{HOME}/password", password_page, ("see_account",)),
    Route("POST", f"{HOME}/password", change_password, ("change_password",)),
    Route("GET", f"{HOME}/authenticator", authenticator_page, ("set_second_factor",)),
    Route("POST", f"{HOME}/authenticator", confirm_authenticator, ("set_second_factor",)),
    Route("POST", f"{HOME}/authenticator/remove", remove_authenticator, ("set_second_factor",)),
    Route("GET", f"{HOME}/codes", codes_page, ("see_account",)),
    Route("POST", f"{HOME}/codes", print_codes, ("set_second_factor",)),
    Route("POST", f"{HOME}/logins/{{place}}/end", end_place, ("sign_out",)),
    Route("POST", f"{HOME}/sign-out-everywhere", end_everywhere, ("sign_out_everywhere",)),
)
