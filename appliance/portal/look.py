"""Larger letters and more contrast, on every page and without script."""

from __future__ import annotations

from aiohttp import web

from appliance.portal import bodies, forms, looks
from appliance.portal.route import Route

YEAR = 365 * 24 * 3600


async def choose(request: web.Request) -> web.StreamResponse:
    """One of the two buttons; the other stays as it is. Not HttpOnly: the room changes it without a reload."""
    form = await forms.read(request)
    response = web.HTTPSeeOther(bodies.local_path(bodies.field(form, "back")))
    for field, cookie, word in (("text", looks.TEXT, "large"), ("contrast", looks.CONTRAST, "more")):
        if field not in form:
            continue
        if bodies.field(form, field) == word:
            response.set_cookie(cookie, word, path="/", secure=True, samesite="Lax", max_age=YEAR)
        else:
            response.del_cookie(cookie, path="/", secure=True, samesite="Lax")
    raise response


ROUTES: tuple[Route, ...] = (Route("POST", "/look", choose, "anyone"),)
