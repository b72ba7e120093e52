"""Passkeys in the portal: shown as the second step, made as the first one, added and removed in My account.

The page's script (webclient/src/passkey.ts) fetches what to ask the browser, and sends its answer in a plain form. A
challenge is bound to the half login or login that fetched it and used up by its answer, right or wrong.
"""

from __future__ import annotations

import os
import time
from typing import NoReturn

from aiohttp import web

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.identity import rows as accounts
from appliance.identity.factors import actions as second
from appliance.identity.passkeys import actions as passkeys
from appliance.identity.passkeys import ceremony, rows
from appliance.identity.passkeys.rules import CHALLENGE_BYTES, Challenges, Purpose, Site
from appliance.ids import token_hash
from appliance.policy import Actor, Facts, decide
from appliance.portal import account, bodies, forms, logins, pages, sign_in, sites
from appliance.portal.logins import Staff
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.store.database import Transaction

CHALLENGES = web.AppKey("passkey_challenges", Challenges)
KEYS = f"{account.HOME}/passkeys"
SECOND, SET_UP = f"{sign_in.SECOND}/passkey", f"{sign_in.SET_UP}/passkey"


# -- the second step ---------------------------------------------------------------------------------------------------


async def begin_second(request: web.Request) -> web.StreamResponse:
    _, way = await sign_in.posted(request, "second")
    site, person = sites.here(request), way.half.account.person
    there = await clinic_of(request).db.read(lambda tx: [one for one in rows.of(tx, person) if one.host == site.host])
    if not there:
        raise Fault("passkey_address", "made under another name")
    challenge = _give(request, token_hash(sign_in.token_of(request)), "sign_in", site)
    return _options(ceremony.ask(site, there, challenge))


async def show(request: web.Request) -> web.StreamResponse:
    form, way = await sign_in.posted(request, "second")
    caller, token, answer = sign_in.caller_of(request), sign_in.token_of(request), bodies.long_field(form, "answer")
    back, at = sign_in.back_to(bodies.field(form, sign_in.NEXT)), now_text()

    def proof(tx: Transaction, found: accounts.Account) -> bool:
        return passkeys.use(tx, found.person, answer, challenge, site, at)

    try:
        site = sites.here(request)
        challenge = _take(request, token_hash(token), "sign_in", site)
        step = await clinic_of(request).door.prove(caller, token, proof, None)
    except Fault as fault:
        if fault.code not in ("wrong_code", "wrong_passkey", "passkey_address"):
            raise
        return sign_in.second_again(request, way, Fault("wrong_passkey") if fault.code == "wrong_code" else fault)
    sign_in.onward(request, caller, step, back, shared=way.half.shared)


# -- the first second factor -------------------------------------------------------------------------------------------


async def begin_set_up(request: web.Request) -> web.StreamResponse:
    _, way = await sign_in.posted(request, "set_up")
    found = way.half.account
    return await _ask_new(request, token_hash(sign_in.token_of(request)), found.person, found.username)


async def set_up(request: web.Request) -> web.StreamResponse:
    """With it comes a first sheet of printed codes, as with an authenticator: keys are lost."""
    form, way = await sign_in.posted(request, "set_up")
    caller, token = sign_in.caller_of(request), sign_in.token_of(request)
    answer, label = bodies.long_field(form, "answer"), bodies.field(form, "label")
    codes: list[str] = []

    def keep(tx: Transaction, actor: Actor, at: str) -> None:
        passkeys.add(tx, actor, site, made, label, at)
        codes.extend(second.print_codes(tx, actor, at))

    try:
        site = sites.here(request)
        made = ceremony.judge_new(answer, _take(request, token_hash(token), "register", site), site)
        step = await clinic_of(request).door.set_up(caller, token, keep)
    except Fault as fault:
        if fault.code not in ("wrong_passkey", "passkey_address"):
            raise
        return await sign_in.set_up_again(request, way, fault)
    found = way.half.account
    context = {"codes": codes, "confirm": "", "next": sign_in.back_to(bodies.field(form, sign_in.NEXT)), "first": True}
    response = sign_in.sheet(request, context, found.name, found.username)
    sign_in.arrive(request, response, caller, step, shared=way.half.shared)
    return response


# -- my account --------------------------------------------------------------------------------------------------------


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    decide(who.actor, "set_second_factor", Facts(leaders=(who.actor.person,)))
    account.proved(request, who)
    return _page(request, who)


def _page(request: web.Request, who: Staff, fault: Fault | None = None) -> web.Response:
    context = {"me": {"name": who.name, "role": who.actor.role}, **sites.facts(request)}
    return pages.render(request, "passkeys.html", context, fault=fault)


async def begin(request: web.Request) -> web.StreamResponse:
    who = await logins.posted(request, clinic_of(request))
    decide(who.actor, "set_second_factor", Facts(leaders=(who.actor.person,)))
    return await _ask_new(request, who.digest, who.actor.person, who.login.username)


async def add(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    account.proved(request, who)
    answer, label = bodies.long_field(form, "answer"), bodies.field(form, "label")
    try:
        site = sites.here(request)
        made = ceremony.judge_new(answer, _take(request, who.digest, "register", site), site)
        await clinic.db.write(lambda tx: passkeys.add(tx, who.actor, site, made, label, now_text()))
    except Fault as fault:
        if fault.code not in ("wrong_passkey", "passkey_address", "wrong_state"):
            raise
        return _page(request, who, fault)
    raise web.HTTPSeeOther(f"{account.HOME}?done=passkey")


async def remove(request: web.Request) -> web.StreamResponse:
    clinic = clinic_of(request)
    who, passkey = await logins.posted(request, clinic), request.match_info["passkey"]
    account.proved(request, who)
    keep_one = clinic.second_factor == "required"
    try:
        await clinic.db.write(lambda tx: passkeys.remove(tx, who.actor, passkey, now_text(), keep_one=keep_one))
    except Fault as fault:
        if fault.code != "last_factor":
            raise
        return await account.again_with(request, who, fault)
    raise web.HTTPSeeOther(f"{account.HOME}?done=removed")


# -- what they share ---------------------------------------------------------------------------------------------------


async def _ask_new(request: web.Request, holder: bytes, person: str, username: str) -> web.Response:
    site = sites.here(request)
    there = await clinic_of(request).db.read(lambda tx: [one for one in rows.of(tx, person) if one.host == site.host])
    challenge = _give(request, holder, "register", site)
    return _options(ceremony.ask_new(site, request.app[pages.CLINIC][0], person, username, there, challenge))


def _give(request: web.Request, holder: bytes, purpose: Purpose, site: Site) -> bytes:
    challenge = os.urandom(CHALLENGE_BYTES)
    request.app[CHALLENGES].give(holder, purpose, challenge, site, time.monotonic())
    return challenge


def _take(request: web.Request, holder: bytes, purpose: Purpose, site: Site) -> bytes:
    return request.app[CHALLENGES].take(holder, purpose, site, time.monotonic())


def _options(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


def _to(path: str) -> NoReturn:
    raise web.HTTPSeeOther(path)


async def to_second(request: web.Request) -> web.StreamResponse:
    """Who loads the page again that an answer led to."""
    _to(sign_in.SECOND)


async def to_set_up(request: web.Request) -> web.StreamResponse:
    """The same for the first one."""
    _to(sign_in.SET_UP)


ROUTES: tuple[Route, ...] = (
    Route("POST", f"{SECOND}/begin", begin_second, "anyone"),
    Route("GET", SECOND, to_second, "anyone"),
    Route("POST", SECOND, show, ("sign_in",)),
    Route("POST", f"{SET_UP}/begin", begin_set_up, "anyone"),
    Route("GET", SET_UP, to_set_up, "anyone"),
    Route("POST", SET_UP, set_up, ("set_second_factor", "sign_in")),
    Route("GET", KEYS, page, ("set_second_factor",)),
    Route("POST", f"{KEYS}/begin", begin, ("set_second_factor",)),
    Route("POST", KEYS, add, ("set_second_factor",)),
    Route("POST", f"{KEYS}/{{passkey}}/remove", remove, ("set_second_factor",)),
)
