"""Fault to page or to problem+json (RFC 9457)."""

from __future__ import annotations

import msgspec
from aiohttp import web

from appliance.faults import Fault
from appliance.portal import pages


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
    return pages.render(request, "problem.html", context, fault=fault)


def wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")
