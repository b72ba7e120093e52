"""Fault to page or to problem+json (RFC 9457)."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from appliance.faults import Fault
from appliance.portal import bodies, pages


def answer(request: web.Request, fault: Fault) -> web.StreamResponse:
    """The fault as the asker can read it: JSON for the script, a page for a person."""
    if wants_json(request):
        body = {
            "type": "about:blank",
            "code": fault.code,
            "title": pages.say(request, fault),
            "status": fault.kind.status,
        }
        return web.Response(
            status=fault.kind.status, body=msgspec.json.encode(body), content_type="application/problem+json"
        )
    context = {"status": fault.kind.status, "sentence": pages.say(request, fault), "code": fault.code}
    if request.method not in (
        "GET",
        "HEAD",
    ):  # an address that only takes forms: another language is asked for elsewhere
        context["path"] = _back(request)
    return pages.render(request, "problem.html", context, fault=fault)


def _back(request: web.Request) -> str:
    """The page whose form failed, as far as the browser tells; else the way in, or the first page."""
    try:
        came_from = bodies.local_path(urlsplit(request.headers.get("Referer", "")).path)
    except ValueError:
        came_from = "/"
    if came_from == "/" and request.path.startswith("/join"):
        return "/join/next"
    return came_from


def wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")
