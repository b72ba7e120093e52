"""What the device test measures a patient's line with: random bytes, as many as asked for. Nothing about anybody.

Only for who has shown an invitation, so many a minute for each, and a few at a time: no stranger and no loop of a page
can fill the network of the house. Random, so that nothing on the way makes less of them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from appliance.clock import steady_seconds
from appliance.faults import Fault
from appliance.portal import logins
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

MOST = 512 * 1024  # bytes of one answer; webclient/src/way/line.ts asks for no more
MINUTE = 60.0  # seconds
SHARE = 4 * 1024 * 1024  # bytes of one person in a minute: five whole tests
ALL = 32 * 1024 * 1024  # bytes of everybody in a minute: 4 Mbit/s, a tenth of the weakest Wi-Fi


@dataclass(slots=True)
class Allowance:
    """Who got how many bytes within the last minute. Of each person one row, and none when the minute is over."""

    now: Callable[[], float]
    given: deque[tuple[float, str, int]] = field(default_factory=deque)

    def take(self, whose: str, size: int) -> None:
        """Count `size` bytes for that person. Fault("too_many_tries") when their share or everybody's is used up."""
        now = self.now()
        while self.given and self.given[0][0] <= now - MINUTE:
            self.given.popleft()
        cost = max(size, 1024)  # a request costs something, however little it asks for: this bounds the rows too
        own = sum(one for _, who, one in self.given if who == whose)
        if own + cost > SHARE or cost + sum(one for _, _, one in self.given) > ALL:
            raise Fault("too_many_tries", "bytes of the line test", seconds=self.given[0][0] + MINUTE - now)
        self.given.append((now, whose, cost))


ALLOWANCE = web.AppKey("line_allowance", Allowance)


async def line(request: web.Request) -> web.StreamResponse:
    """`bytes` of nothing, 1 to MOST. Faults: not_signed_in, bad_request, too_many_tries."""
    who = await logins.visitor(request, clinic_of(request))
    wanted = request.query.get("bytes", "")
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 8 and 1 <= int(wanted) <= MOST):
        raise Fault("bad_request", "bytes")
    request.app[ALLOWANCE].take(who.member.id, int(wanted))
    return web.Response(body=os.urandom(int(wanted)), content_type="application/octet-stream")


def allowance() -> Allowance:
    """For one portal."""
    return Allowance(steady_seconds)


ROUTES: tuple[Route, ...] = (Route("GET", "/join/line", line, ("see_own_place",)),)
