"""Billing's own compartment: who was there and for how long. No title of a group, no note, nothing that was said."""

from __future__ import annotations

import babel.dates
from aiohttp import web
from babel import Locale

from appliance.billing import actions, rules
from appliance.billing.rules import Attendance
from appliance.clock import parse
from appliance.policy import may_ever
from appliance.portal import bodies, logins, pages
from appliance.portal.notes import me, posted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.returned import rows as returned


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    month = request.query.get("month", "")[:7]
    months, shown, found, cut = await clinic_of(request).notebook.care(
        who.actor, "see_attendance", lambda tx, at: actions.see(tx, who.actor, month, at)
    )
    context = {
        "me": me(who),
        "month": shown,
        "months": [(one, _month(request, one)) for one in (months or [shown])],
        "rows": [_row(request, one) for one in found],
        "cut": cut,
        "returned": may_ever(who.actor, "read_returned") and await clinic_of(request).db.read(returned.any_here),
    }
    return pages.render(request, "attendance.html", context)


async def save(request: web.Request) -> web.StreamResponse:
    """All of a month as a file."""
    who, _, form = await posted(request)
    month = bodies.field(form, "month")
    _, shown, found, _ = await clinic_of(request).notebook.care(
        who.actor, "see_attendance", lambda tx, at: actions.see(tx, who.actor, month, at, whole=True)
    )
    lines = [(_local(one, "%Y-%m-%d"), _local(one, "%H:%M"), one.name, str(one.minutes)) for one in found]
    return web.Response(
        body=("\ufeff" + rules.as_csv(("date", "start", "person", "minutes"), lines)).encode(),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="attendance-{shown}.csv"',
        },
    )


def _row(request: web.Request, one: Attendance) -> dict[str, str | int]:
    day = babel.dates.format_date(parse(one.starts_at).astimezone(), locale=Locale.parse(pages.language(request)))
    return {
        "day": day,
        "start": pages.time_of_day(request, one.starts_at),
        "name": one.name,
        "minutes": one.minutes,
    }


def _local(one: Attendance, form: str) -> str:
    return parse(one.starts_at).astimezone().strftime(form)


def _month(request: web.Request, month: str) -> str:
    first = parse(f"{month}-01T00:00:00Z")
    return babel.dates.format_skeleton("yMMMM", first, locale=Locale.parse(pages.language(request)))


ROUTES: tuple[Route, ...] = (
    Route("GET", "/staff/attendance", page, ("see_attendance",)),
    Route("POST", "/staff/attendance.csv", save, ("see_attendance",)),
)
