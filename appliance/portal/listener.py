"""HTTPS for patients and therapists: TLS, limits, headers, and the literal route table."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from appliance.clock import moment
from appliance.contacts.wall import Wall
from appliance.faults import Fault
from appliance.identity.passkeys.rules import Challenges
from appliance.policy import MEMBER_ACTIONS, ROOM_ACTIONS, STATE_ACTIONS, TAP_ACTIONS
from appliance.portal import (
    account,
    after,
    asides,
    attendance,
    audit,
    bodies,
    calling,
    cards,
    concerns,
    disclosing,
    enrolment,
    forms,
    guides,
    invitations,
    licences,
    line,
    logins,
    look,
    note_access,
    notes,
    pages,
    passkeys,
    patient,
    people,
    printing,
    problems,
    questions,
    resources,
    returned,
    scheduling,
    sign_in,
    signing,
    sockets,
    staff,
    trust,
    waiting,
)
from appliance.portal.ends import ENDS, Ends
from appliance.portal.gate import gated
from appliance.portal.route import Handler, Route
from appliance.portal.state import BOX, Box

log = logging.getLogger(__name__)

END_SECONDS = 0.5  # for a request under way when the box ends
BODY_LIMIT = 64 * 1024  # bytes of a form
STATIC = Path(__file__).parent / "static"

# C17. The room needs camera and microphone, sound that starts by itself, and a screen that stays on. Nobody shares a
# screen here, and no page can be made to; a picture in a window of its own or over the whole screen would stand without
# the viewer's name over it; the other devices and sensors are for nothing here. Only what browsers know: they complain
# of others.
_PERMISSIONS = ", ".join(
    [f"{one}=(self)" for one in ("camera", "microphone", "autoplay", "screen-wake-lock")]
    + [f"{one}=()" for one in ("display-capture", "picture-in-picture", "fullscreen", "xr-spatial-tracking")]
    + [f"{one}=()" for one in ("geolocation", "accelerometer", "gyroscope", "magnetometer", "idle-detection")]
    + [f"{one}=()" for one in ("usb", "serial", "hid", "midi", "payment")]
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; media-src 'self' blob:; worker-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'",
    "Permissions-Policy": _PERMISSIONS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Sheets of style and lists of words, the same for all; scripts lie there compressed already. Pages are not compressed:
# they hold what was typed beside words that must not be guessed, and their length would tell of both (BREACH).
_COMPRESSED = (".css", ".json", ".svg")
IN_HTML = {"Cache-Control": "no-store"}  # a page may hold names; the browser of a shared device keeps none

BEING_SET_UP: web.AppKey[Callable[[], bool]] = web.AppKey("being_set_up")
# What a box that is being set up tells all the same: what is the same for everybody, and the way to trust it.
_OPEN_IN_SET_UP = ("/static/", "/language", "/look", "/protected", "/guides", "/help", "/ca.", "/trust")


async def _home(request: web.Request) -> web.StreamResponse:
    return pages.render(request, "home.html")


async def _protected(request: web.Request) -> web.StreamResponse:
    """What we promise and what we cannot: for everybody, signed in or not, and on a locked box too."""
    return pages.render(request, "protected.html")


async def _set_language(request: web.Request) -> web.StreamResponse:
    form = await forms.read(request)
    response = web.HTTPSeeOther(bodies.local_path(bodies.field(form, "next")))
    chosen = bodies.field(form, "lang")
    if chosen in dict(pages.LANGUAGES):
        response.set_cookie(
            pages.LANGUAGE_COOKIE, chosen, path="/", secure=True, httponly=True, samesite="Lax", max_age=31536000
        )
    raise response


ROUTES: tuple[Route, ...] = (
    Route("GET", "/", _home, "anyone"),
    Route("GET", "/protected", _protected, "anyone"),
    Route("POST", "/language", _set_language, "anyone"),
    *calling.ROUTES,
    *after.ROUTES,
    *look.ROUTES,
    *trust.ROUTES,
    *resources.ROUTES,
    *guides.ROUTES,
    *line.ROUTES,
    *waiting.ROUTES,
    Route("GET", "/join", patient.join, "anyone"),
    Route("POST", "/join", patient.present, ("present",)),
    Route("GET", "/join/next", patient.onward, ("see_own_place",)),
    Route("GET", "/join/name", patient.page("name"), ("see_own_place",)),
    Route("POST", "/join/name", patient.set_name, ("name", "ask", "see_own_place")),
    Route("GET", "/join/agreement", patient.page("agreement"), ("see_own_place",)),
    Route("POST", "/join/agreement", signing.sign, ("sign", "ask", "see_own_place")),
    Route("GET", "/join/signed", signing.signed, ("see_own_place",)),
    Route("GET", "/join/orientation", patient.page("orientation"), ("see_own_place",)),
    Route("POST", "/join/orientation", patient.oriented, ("orient", "ask", "see_own_place")),
    Route("GET", "/join/space", patient.page("space"), ("see_own_place",)),
    Route("POST", "/join/space", patient.checked_space, ("check_space", "ask", "see_own_place")),
    Route("GET", "/join/questions", questions.own, ("see_own_place",)),
    Route("POST", "/join/questions", questions.ask, ("ask_question", "see_own_place")),
    Route("GET", "/join/devices", patient.page("devices"), ("see_own_place",)),
    Route("POST", "/join/devices", patient.tried_devices, ("try_devices", "ask", "see_own_place")),
    Route("GET", "/join/wait", patient.page("wait"), ("see_own_place",)),
    Route("POST", "/join/ask", patient.ask, ("ask", "see_own_place")),
    Route("POST", "/join/leave", patient.leave, ("leave", "see_own_place")),
    Route("POST", "/join/back", asides.back, ("end_aside", "see_own_place")),
    Route("GET", "/join/over", patient.over, ("see_own_place",)),
    Route("GET", "/join/gone", patient.gone, "anyone"),
    Route("GET", "/join/ws", sockets.patient, ("see_own_place", *ROOM_ACTIONS, *TAP_ACTIONS)),
    *sign_in.ROUTES,
    *account.ROUTES,
    *passkeys.ROUTES,
    Route("GET", "/staff", staff.sessions_page, ("see_account", "see")),  # where every login begins
    Route("GET", "/staff/sessions/{session}", staff.session_page, ("see",)),
    Route("GET", "/staff/sessions/{session}/ws", sockets.staff, ("see", "enter", *ROOM_ACTIONS)),
    *concerns.ROUTES,
    Route("POST", "/staff/sessions/{session}/{action}", staff.act, STATE_ACTIONS),
    Route("POST", "/staff/sessions/{session}/members/{member}/{action}", staff.act, ("see", *MEMBER_ACTIONS)),
    *printing.ROUTES,
    *people.ROUTES,
    *licences.ROUTES,
    *enrolment.ROUTES,
    *disclosing.ROUTES,
    *scheduling.ROUTES,
    *invitations.ROUTES,
    *audit.ROUTES,
    *notes.ROUTES,
    *questions.ROUTES,
    *cards.ROUTES,
    *note_access.ROUTES,
    *notes.NOTE_ROUTES,
    *attendance.ROUTES,
    *returned.ROUTES,
)


def application(
    box: Box,
    clinic: Sequence[str],
    ca_file: Path,
    wall: Wall | None = None,
    *,
    being_set_up: Callable[[], bool] = lambda: False,
    certificates: Callable[[], Ends] = Ends,
) -> web.Application:
    """The portal's application for that box. `clinic`: its name and phone as pages show them, a list that may change;
    `wall`: and contacts. `being_set_up`: there is no clinic to come to yet. `certificates`: when they end."""
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[_guard])
    app[BOX], app[trust.CA_FILE], app[BEING_SET_UP] = box, ca_file, being_set_up
    app[pages.CLINIC] = clinic if isinstance(clinic, list) else list(clinic)
    app[ENDS] = certificates
    app[pages.WALL] = wall or Wall(ca_file.parent / "contacts.json")
    app[line.ALLOWANCE] = line.allowance()
    app[passkeys.CHALLENGES] = Challenges()
    for route in ROUTES:
        app.router.add_route(route.method, route.path, gated(route))
    app.router.add_static("/static", STATIC)
    app.on_response_prepare.append(_add_headers)
    return app


class PortalListener:
    """The listening socket."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=END_SECONDS)

    async def start(self, host: str, port: int, tls: ssl.SSLContext, opened: socket.socket | None = None) -> int:
        """Listen, on `opened` where systemd opened one; the port that it is. Faults: port_taken, bad_settings."""
        await self._runner.setup()
        try:
            if opened is not None:
                await web.SockSite(self._runner, opened, ssl_context=tls).start()
            else:
                await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        except OSError as problem:
            taken = problem.errno in (errno.EADDRINUSE, errno.EACCES)
            raise Fault("port_taken" if taken else "bad_settings", f"{port}/tcp" if taken else "portal.host") from None
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        await self._runner.cleanup()


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        if request.method not in ("GET", "HEAD"):
            logins.check_origin(request)
        if request.app[BEING_SET_UP]() and not request.path.startswith(_OPEN_IN_SET_UP):
            return pages.render(request, "being_set_up.html")
        return _compressed(request, await handler(request))
    except Fault as fault:
        if fault.code == "not_signed_in" and not problems.wants_json(request):
            way = logins.way_back(request) if request.path.startswith("/join") else logins.way_in(request, fault)
            raise web.HTTPSeeOther(way) from None
        log.info("portal: %s %s", fault.code, fault.detail)
        return problems.answer(request, fault)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as problem:
        codes = {404: "not_found", 405: "not_found", 413: "too_large"}
        return problems.answer(request, Fault(codes.get(problem.status, "bad_request")))
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception as problem:  # noqa: BLE001 - the last net: one request's failure is not the box's
        log.error("portal: %s in %s", type(problem).__name__, request.match_info.handler.__name__)
        return problems.answer(request, Fault("internal"))


def _compressed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The same answer, made smaller on its way where that gives nothing away; a part of a file stays as it is."""
    plain = not any(name in request.headers for name in ("Range", "If-None-Match", "If-Modified-Since", "If-Range"))
    if request.path.startswith("/static/") and request.path.endswith(_COMPRESSED):
        response.headers["Vary"] = "Accept-Encoding"
        if plain and request.method == "GET" and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
    return response


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)  # a file that is handed out has a stricter policy of its own
    seconds = request.app[ENDS]().promise(request.host.partition(":")[0], moment())
    response.headers["Strict-Transport-Security"] = f"max-age={seconds}"
    response.headers["Server"] = "hearth"  # and not which library in which version
    if not request.path.startswith("/static/"):
        response.headers.update(IN_HTML)
    else:
        response.headers["Cache-Control"] = "no-cache"  # asks each time and gets 304: an update shows at once
