"""What headquarters gave back of a lost box: its sessions, for the clinical lead. No names: rules.py says why."""

from __future__ import annotations

import babel.dates
from aiohttp import web
from babel import Locale

from appliance.clock import parse
from appliance.portal import logins, pages
from appliance.portal.notes import me
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.returned import actions
from appliance.returned.rules import Session

MAX_SKIP = 1_000_000  # sessions


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    skip = _skip(request.query.get("skip", ""))
    counts, sessions, more = await clinic_of(request).notebook.care(
        who.actor, "read_returned", lambda tx, at: actions.see(tx, who.actor, skip, at)
    )
    context = {
        "me": me(who),
        "boxes": len({one.box for one in counts}),
        "total": sum(one.count for one in counts),
        "shares": sum(one.count for one in counts if one.record_class == "notes_recovery_share"),
        "sessions": [_session(request, one) for one in sessions],
        "earlier": skip + actions.SHOWN if more else 0,
        "later": max(0, skip - actions.SHOWN) if skip else -1,
    }
    return pages.render(request, "returned.html", context)


def _session(request: web.Request, one: Session) -> dict[str, object]:
    if not one.whole:
        return {"whole": False, "box": one.box[:8]}
    start, language = parse(one.starts_at).astimezone(), Locale.parse(pages.language(request))
    return {
        "whole": True,
        "box": one.box[:8],
        "day": babel.dates.format_date(start, locale=language),
        "start": pages.time_of_day(request, one.starts_at),
        "expected": one.expected,
        "withheld": one.withheld,
        "visits": one.visits,
    }


def _skip(text: str) -> int:
    return min(int(text), MAX_SKIP) if text.isascii() and text.isdigit() and len(text) < 9 else 0


ROUTES: tuple[Route, ...] = (Route("GET", "/staff/returned", page, ("read_returned",)),)
