"""Cookie to actor, and forgery checks.

Three cookies: `login` for staff, `visit` for a patient, `device` for the browser that a patient's tickets are bound to.
Each holds a random token whose hash is in the store; each is `__Host-`, HttpOnly, Secure and SameSite=Lax (Strict would
lose them when a link is opened from a message).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from appliance.clock import now_seconds, steady_seconds
from appliance.faults import Fault
from appliance.identity import rows as accounts
from appliance.identity.rows import Login
from appliance.identity.rules import TOUCH_SECONDS, limits
from appliance.ids import token_hash
from appliance.policy import Actor, Facts, decide
from appliance.portal import bodies, forms
from appliance.portal.pages import CSRF, ROLE
from appliance.sessions import rows as sessions
from appliance.store.database import Transaction
from appliance.tickets import rows as tickets

if TYPE_CHECKING:
    from appliance.clinic import Clinic

LOGIN, VISIT, DEVICE = "__Host-login", "__Host-visit", "__Host-device"
HALF, KNOWN = "__Host-half", "__Host-known"  # staff: on the way in; a browser in which they have signed in before
DEVICE_SECONDS = 90 * 24 * 3600  # a browser keeps its word that long; invitations are printed weeks ahead
Stands = Callable[[Transaction], bool]


@dataclass(frozen=True, slots=True)
class Staff:
    """A signed-in member of staff."""

    actor: Actor
    name: str
    login: Login
    digest: bytes  # of the login's token


@dataclass(frozen=True, slots=True)
class Visitor:
    """A patient's browser that showed code and PIN, with the place it opened.

    While they are in a private room, `session` and `member` are that room and their place in it, and `actor` acts
    there. `home` is the place that the visit itself is for.
    """

    actor: Actor
    member: sessions.Member
    session: sessions.Session
    home: sessions.Member
    shared: bool = False  # others use this device too

    @property
    def at_home(self) -> Actor:
        """The same person where the visit is for: who leaves, leaves the session."""
        return replace(self.actor, member=self.home.id)


def set_cookie(response: web.StreamResponse, name: str, token: str, seconds: int | None = None) -> None:
    """A cookie that ends with the browser's session, or after `seconds`; the store ends it earlier if need be."""
    response.set_cookie(name, token, path="/", secure=True, httponly=True, samesite="Lax", max_age=seconds)


def keep_device(response: web.StreamResponse, token: str, *, shared: bool) -> None:
    """The device's own word: for long, so that a closed browser is known again; not on a device that others use."""
    seconds = None if shared else DEVICE_SECONDS
    response.set_cookie(DEVICE, token, path="/", secure=True, httponly=True, samesite="Lax", max_age=seconds)


def drop_cookie(response: web.StreamResponse, name: str) -> None:
    response.del_cookie(name, path="/", secure=True, httponly=True, samesite="Lax")


async def staff(request: web.Request, clinic: Clinic) -> Staff:
    """Who is signed in, or Fault("not_signed_in")."""
    token = request.cookies.get(LOGIN, "")
    digest, now = token_hash(token), steady_seconds()
    login = await clinic.db.read(lambda tx: accounts.login(tx, digest, "portal", now)) if token else None
    if login is None:
        ended = await clinic.db.read(lambda tx: accounts.why_ended(tx, digest, now)) if token else None
        raise Fault("not_signed_in", ended or "")
    if now - login.seen >= TOUCH_SECONDS:
        await clinic.db.write(lambda tx: accounts.touch(tx, digest, now))
    request[CSRF], request[ROLE] = login.csrf, login.role
    actor = Actor(person=login.person, role=login.role, surface="portal", address=request.remote or "")
    return Staff(actor, login.name, login, digest)


async def visitor(request: web.Request, clinic: Clinic) -> Visitor:
    """The patient of this browser. Faults: not_signed_in, refused."""
    token = request.cookies.get(VISIT, "")
    digest, now = token_hash(token), now_seconds()

    def look(tx: Transaction) -> tuple[tickets.Visit, sessions.Member, sessions.Member, sessions.Session] | None:
        visit = tickets.visit(tx, digest, now)
        if visit is None:
            return None
        home = sessions.member(tx, visit.member)
        member = sessions.member(tx, home.aside_place) if home.aside else home
        return visit, home, member, sessions.session(tx, member.session)

    found = await clinic.db.read(look) if token else None
    if found is None:
        raise Fault("not_signed_in")
    visit, home, member, session = found
    request[CSRF] = visit.csrf
    actor = Actor(
        person=member.person, role="patient", surface="portal", member=member.id, address=request.remote or ""
    )
    decide(actor, "see_own_place", Facts(session=session.id, leaders=session.leaders, member=member.id))
    return Visitor(actor, member, session, home, visit.shared)


def leave_when_idle(response: web.StreamResponse, who: Staff) -> None:
    """The page asks again by itself once its login has ended of idleness, and so gives way to the sign-in page.

    Not for a page in which somebody may be writing.
    """
    response.headers["Refresh"] = str(limits("portal", shared=who.login.shared).idle + 5)


async def posted(request: web.Request, clinic: Clinic) -> Staff:
    """Who is signed in and sent a form or a script's request of our own page. Faults: not_signed_in, forged."""
    who = await staff(request, clinic)
    check_csrf(request, request.headers.get("X-CSRF") or bodies.field(await forms.read(request), "csrf"))
    return who


def way_in(request: web.Request, fault: Fault) -> str:
    """The sign-in page that leads back to where one was, and says why one has to."""
    back = request.path if request.method == "GET" else urlsplit(request.headers.get("Referer", "")).path
    query = {"ended": fault.detail} if fault.detail else {}
    if back.startswith("/staff/") and not back.startswith("/staff/sign-in"):
        query["next"] = bodies.local_path(back)
    return "/staff/sign-in" + (f"?{urlencode(query)}" if query else "")


def way_back(request: web.Request) -> str:
    """To the invitation; it says why to a browser whose visit has ended or was ended."""
    return "/join?again=yes" if request.cookies.get(VISIT) else "/join"


def login_digest(request: web.Request) -> bytes:
    """What the store knows the login's token by."""
    return token_hash(request.cookies.get(LOGIN, ""))


def login_stands(request: web.Request) -> Stands:
    """Whether that login has not ended, asked as often as one likes: a page lives longer than its request."""
    digest = login_digest(request)
    return lambda tx: accounts.login(tx, digest, "portal", steady_seconds()) is not None


def visit_stands(request: web.Request) -> Stands:
    """The same for a visit."""
    digest = token_hash(request.cookies.get(VISIT, ""))
    return lambda tx: tickets.visit(tx, digest, now_seconds()) is not None


def check_origin(request: web.Request) -> None:
    """Fault("forged") if a page of another origin sent this (Fetch: each POST and WebSocket names its origin).

    A form that comes without Origin is an old browser's: then the Referer must be ours.
    """
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        raise Fault("forged", "origin") from None
    if parts.scheme != "https" or parts.netloc != request.host:
        raise Fault("forged", "origin")


def check_csrf(request: web.Request, given: str) -> None:
    """Fault("forged") unless the form carries the login's or visit's own word. After `staff` or `visitor`."""
    expected = request.get(CSRF, "")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode(errors="surrogateescape")):
        raise Fault("forged", "csrf")
