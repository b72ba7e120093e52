"""Role first, then the thing: the role-level question of every staff route, asked before its handler runs.

Whoever may never do what a route is for is refused before a word is said about an id or a form, so that no answer tells
them what there is. It makes no permit: the handler still asks the policy about the thing itself.
"""

from __future__ import annotations

import functools

from aiohttp import web

from appliance.faults import Fault
from appliance.portal import logins
from appliance.portal.route import Handler, Route
from appliance.portal.state import clinic_of

STAFF, WAY_IN = "/staff", "/staff/sign-in"  # a patient's role is always the same; on the way in nobody has one yet


def gated(route: Route) -> Handler:
    """The route's handler behind its gate: the first of its `asks`, or the one that the path names as {action}."""
    asks = route.asks
    if asks == "anyone" or not route.path.startswith(STAFF) or route.path.startswith(WAY_IN):
        return route.handler

    @functools.wraps(route.handler)
    async def handled(request: web.Request) -> web.StreamResponse:
        clinic, parts = clinic_of(request), request.match_info
        try:
            who = await logins.staff(request, clinic)
        except Fault as fault:
            if fault.code != "not_signed_in":
                raise
        else:
            word = next((one for one in asks if one == parts.get("action")), asks[0])
            await clinic.role_first(who.actor, word, parts)
        return await route.handler(request)  # which tells who is not signed in: some give back what was typed

    return handled
