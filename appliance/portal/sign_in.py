"""Staff pages on the way in: password, second step, a new password, setting up a second factor; and the way out.

Which step is next is the door's to say (`appliance.door`); these pages carry its token in a cookie of their own and
show the step. A page of another step leads to the right one. Works without script; passkeys come with one of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import segno
from aiohttp import web

from appliance.clock import now_text
from appliance.door import Caller, Door, OnTheWay
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity.actions import Step
from appliance.identity.factors import rules
from appliance.identity.rules import DEVICE_SECONDS, HALF_SECONDS, SHARED_DEVICE
from appliance.ids import new_token
from appliance.portal import bodies, forms, logins, pages, sites
from appliance.portal.pages import CSRF
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

START, SECOND, NEW, SET_UP = (
    "/staff/sign-in",
    "/staff/sign-in/second",
    "/staff/sign-in/password",
    "/staff/sign-in/set-up",
)
_PAGES = {"second": SECOND, "new_password": NEW, "set_up": SET_UP}
NEXT = "next"  # the cookie-less way back: a hidden field and a query of every step
_DEVICE = web.RequestKey("device", str)
MAX_TOKEN = 100  # characters of a cookie; ours have 43
WRONG_CODES_TOLD = 3  # so many wrong codes after the right password are no slip of the owner's fingers


# -- password ----------------------------------------------------------------------------------------------------------


async def page(request: web.Request) -> web.StreamResponse:
    try:
        await logins.staff(request, clinic_of(request))
    except Fault as fault:
        if fault.code != "not_signed_in":
            raise
        return _start(request, ended=fault.detail or request.query.get("ended", ""))
    raise web.HTTPSeeOther(back_to(request.query.get(NEXT, "")))


def _start(request: web.Request, ended: str = "", fault: Fault | None = None, **typed: Any) -> web.Response:
    context = {
        "ended": ended if ended in ("idle", "long") else "",
        "next": back_to(request.query.get(NEXT, "")),
        "shared": False,
        "shared_minutes": SHARED_DEVICE.idle // 60,
        **typed,
    }
    response = pages.render(request, "sign_in.html", context, fault=fault)
    if context["ended"]:  # what the browser kept of a login that ended must not stay on a device that others use
        response.headers["Clear-Site-Data"] = '"cache"'
        logins.drop_cookie(response, logins.LOGIN)
    return response


async def password(request: web.Request) -> web.StreamResponse:
    form = await forms.read(request)
    username, given = bodies.field(form, "username"), bodies.field(form, "password")
    shared, back = bodies.field(form, "shared") == "yes", back_to(bodies.field(form, NEXT))
    caller = caller_of(request)
    try:
        step = await clinic_of(request).door.password(caller, username, given, shared=shared)
    except Fault as fault:
        return _start(request, fault=fault, username=username[:80], shared=shared, next=back)
    await _leave_before(request)
    onward(request, caller, step, back, shared=shared)


async def _leave_before(request: web.Request) -> None:
    """Who was signed in here is signed out: the browser forgets their token, and nobody else could end that login."""
    clinic, token = clinic_of(request), request.cookies.get(logins.LOGIN, "")
    try:
        before = await logins.staff(request, clinic)
    except Fault:
        return
    await clinic.db.write(lambda tx: identity.sign_out(tx, before.actor, token, now_text()))
    await clinic.end_login(before.digest)


async def start_over(request: web.Request) -> web.StreamResponse:
    response = web.HTTPSeeOther(START)
    logins.drop_cookie(response, logins.HALF)
    raise response


# -- second step -------------------------------------------------------------------------------------------------------


async def second_page(request: web.Request) -> web.StreamResponse:
    return second_again(request, await _way(request, "second"))


def second_again(request: web.Request, way: OnTheWay, fault: Fault | None = None) -> web.Response:
    context = {
        "factors": way.factors,
        "next": _next(request),
        "shared": way.half.shared,
        "clock_wrong": clinic_of(request).clock.trouble not in ("", "unsure"),
        **sites.facts(request),
    }
    return pages.render(request, "second.html", context, fault=fault)


async def second(request: web.Request) -> web.StreamResponse:
    """A code: six digits are an authenticator's, anything else is from the printed sheet."""
    form, way = await posted(request, "second")
    typed, caller, token, door = (
        bodies.field(form, "code"),
        caller_of(request),
        token_of(request),
        clinic_of(request).door,
    )
    six = rules.is_authenticators(typed)
    try:
        step = await (door.code if six else door.printed_code)(caller, token, typed)
    except Fault as fault:
        if fault.code == "not_signed_in":
            raise
        return second_again(request, way, fault)
    back = back_to(bodies.field(form, NEXT))
    if step.stage == "full":
        if not six and way.factors.codes <= 1:
            back = "/staff/account/codes"  # that was the last one: without a new sheet the next sign-in finds no way
        elif way.half.account.wrong_codes >= WRONG_CODES_TOLD:
            back = f"/staff/account?tries={way.half.account.wrong_codes}"
    onward(request, caller, step, back, shared=way.half.shared)


# -- a new password ----------------------------------------------------------------------------------------------------


async def new_page(request: web.Request) -> web.StreamResponse:
    await _way(request, "new_password")
    return pages.render(request, "new_password.html", {"next": _next(request)})


async def new_password(request: web.Request) -> web.StreamResponse:
    form, way = await posted(request, "new_password")
    new, again, back = bodies.field(form, "new"), bodies.field(form, "again"), back_to(bodies.field(form, NEXT))
    try:
        step = await clinic_of(request).door.new_password(caller_of(request), token_of(request), new, again)
    except Fault as fault:
        if fault.code == "not_signed_in":
            raise
        return pages.render(request, "new_password.html", {"next": back}, fault=fault)
    onward(request, caller_of(request), step, back, shared=way.half.shared)


# -- setting up --------------------------------------------------------------------------------------------------------


async def set_up_page(request: web.Request) -> web.StreamResponse:
    way = await _way(request, "set_up")
    return await set_up_again(request, way)


async def set_up_again(request: web.Request, way: OnTheWay, fault: Fault | None = None) -> web.Response:
    secret = await clinic_of(request).door.begin_authenticator(caller_of(request), token_of(request))
    context = {
        **authenticator_facts(request, secret, way.half.account.username),
        **sites.facts(request),
        "next": _next(request),
    }
    context["path"] = SET_UP  # where a fault is shown, the path is one that only takes forms
    return pages.render(request, "set_up.html", context, fault=fault)


def authenticator_facts(request: web.Request, secret: str, username: str) -> dict[str, str]:
    """What the pages show of an authenticator that is being set up: picture, address and the same as text."""
    address = rules.address_of(secret, request.app[pages.CLINIC][0], username)
    return {
        "secret": rules.shown_secret(secret),
        "otpauth": address,
        "qr": segno.make(address, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True),
    }


async def confirm_authenticator(request: web.Request) -> web.StreamResponse:
    form, way = await posted(request, "set_up")
    caller, door = caller_of(request), clinic_of(request).door
    try:
        step, codes = await door.confirm_authenticator(caller, token_of(request), bodies.field(form, "code"))
    except Fault as fault:
        if fault.code == "not_signed_in":
            raise
        return await set_up_again(request, way, fault)
    context = {"codes": codes, "confirm": "", "next": back_to(bodies.field(form, NEXT)), "first": True}
    response = sheet(request, context, way.half.account.name, way.half.account.username)
    arrive(request, response, caller, step, shared=way.half.shared)
    return response


async def begin_codes(request: web.Request) -> web.StreamResponse:
    form, way = await posted(request, "set_up")
    codes = await clinic_of(request).door.begin_codes(caller_of(request), token_of(request))
    back = back_to(bodies.field(form, NEXT))
    context = {"codes": codes, "confirm": f"{SET_UP}/codes/confirm", "next": back, "first": True}
    return sheet(request, context, way.half.account.name, way.half.account.username)


async def confirm_codes(request: web.Request) -> web.StreamResponse:
    form, way = await posted(request, "set_up")
    caller = caller_of(request)
    try:
        step = await clinic_of(request).door.confirm_codes(caller, token_of(request), bodies.field(form, "code"))
    except Fault as fault:
        if fault.code == "not_signed_in":
            raise
        context = {"codes": [], "confirm": f"{SET_UP}/codes/confirm", "next": _next(request), "first": True}
        return sheet(request, context, way.half.account.name, way.half.account.username, fault)
    onward(request, caller, step, back_to(bodies.field(form, NEXT)), shared=way.half.shared)


def sheet(
    request: web.Request, context: Mapping[str, Any], name: str, username: str, fault: Fault | None = None
) -> web.Response:
    facts = {"name": name, "username": username, "me": {"name": name}, **context}
    return pages.render(request, "codes.html", facts, fault=fault)


# -- the way out -------------------------------------------------------------------------------------------------------


async def sign_out(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who = await logins.posted(request, clinic)
    token = request.cookies.get(logins.LOGIN, "")
    await clinic.db.write(lambda tx: identity.sign_out(tx, who.actor, token, now_text()))
    await clinic.end_login(who.digest)
    gone("/")


def gone(path: str) -> NoReturn:
    """To that page, with nothing of the login left in the browser. The device stays known where it was."""
    response = web.HTTPSeeOther(path)
    logins.drop_cookie(response, logins.LOGIN)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    raise response


# -- what the steps share ----------------------------------------------------------------------------------------------


def caller_of(request: web.Request) -> Caller:
    """A browser that has no word of its own yet gets one; it is kept once its owner has signed in."""
    if _DEVICE not in request:
        request[_DEVICE] = request.cookies.get(logins.KNOWN, "")[:MAX_TOKEN] or new_token()
    return Caller("portal", request.remote or "", request[_DEVICE])


def token_of(request: web.Request) -> str:
    return request.cookies.get(logins.HALF, "")


def back_to(path: str) -> str:
    """A staff page of ours to go to after the last step."""
    local = bodies.local_path(path)
    return local if local.startswith("/staff/") and not local.startswith(START) else "/staff"


def _next(request: web.Request) -> str:
    return back_to(request.query.get(NEXT, ""))


async def _way(request: web.Request, stage: str) -> OnTheWay:
    """Who stands at that step; who stands at another is led there. Fault("not_signed_in")."""
    door: Door = clinic_of(request).door
    way = await door.on_the_way(token_of(request), "portal")
    if way.stage != stage:
        raise web.HTTPSeeOther(_PAGES.get(way.stage, START))
    request[CSRF] = way.half.csrf
    return way


async def posted(request: web.Request, stage: str) -> tuple[Mapping[str, object], OnTheWay]:
    way = await _way(request, stage)
    form = await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    return form, way


def onward(request: web.Request, caller: Caller, step: Step, back: str, *, shared: bool) -> NoReturn:
    """To the page of the next step, or into the house."""
    if step.stage == "full":
        response = web.HTTPSeeOther(back)
    else:
        query = "" if back == "/staff" else f"?{NEXT}={back}"
        response = web.HTTPSeeOther(_PAGES[step.stage] + query)
    arrive(request, response, caller, step, shared=shared)
    raise response


def arrive(request: web.Request, response: web.StreamResponse, caller: Caller, step: Step, *, shared: bool) -> None:
    """Cookies for what was reached. A device that others use too is not remembered."""
    if step.stage != "full":
        logins.set_cookie(response, logins.HALF, step.token, HALF_SECONDS)
        logins.drop_cookie(response, logins.LOGIN)
        return
    logins.drop_cookie(response, logins.HALF)
    logins.set_cookie(response, logins.LOGIN, step.token)
    if not shared:
        logins.set_cookie(response, logins.KNOWN, caller.device, DEVICE_SECONDS)


ROUTES: tuple[Route, ...] = (
    Route("GET", START, page, "anyone"),
    Route("POST", START, password, ("sign_in",)),
    Route("POST", f"{START}/over", start_over, "anyone"),
    Route("GET", SECOND, second_page, "anyone"),
    Route("POST", SECOND, second, ("sign_in",)),
    Route("GET", NEW, new_page, "anyone"),
    Route("POST", NEW, new_password, ("change_password", "sign_in")),
    Route("GET", SET_UP, set_up_page, ("set_second_factor",)),
    Route("POST", f"{SET_UP}/authenticator", confirm_authenticator, ("set_second_factor", "sign_in")),
    Route("POST", f"{SET_UP}/codes", begin_codes, ("set_second_factor",)),
    Route("POST", f"{SET_UP}/codes/confirm", confirm_codes, ("set_second_factor", "sign_in")),
    Route("POST", "/staff/sign-out", sign_out, ("sign_out",)),
)
