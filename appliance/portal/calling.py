"""Who can be called: in an emergency, on every page and without signing in (C49); and of the staff, on call (C50)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clock import now_text
from appliance.contacts import actions
from appliance.contacts.rules import MAX_ABOUT, MAX_NAME, MAX_PHONE, MOST, Contact, List, contacts
from appliance.faults import Fault
from appliance.policy import TABLE, Facts
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Staff
from appliance.portal.noting import me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

HOME = "/staff/on-call"
LISTS: tuple[List, ...] = ("emergency", "on_call")
SPARE = 2  # empty rows below what is there already

Row = tuple[str, str, str]


async def help_page(request: web.Request) -> web.StreamResponse:
    """For everybody, on a locked box too: nothing of it comes from the store."""
    return pages.render(request, "help.html")


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    return await _page(request, who, done=request.query.get("done", "") == "yes")


async def _page(
    request: web.Request,
    who: Staff,
    *,
    done: bool = False,
    fault: Fault | None = None,
    which: str = "",
    typed: list[Row] | None = None,
) -> web.Response:
    emergency, on_call = await clinic_of(request).db.read(lambda tx: actions.see(tx, who.actor))
    lists = [_list(who, "emergency", emergency), _list(who, "on_call", on_call)]
    for one in lists:
        if typed is not None and one["id"] == which:
            one["rows"] = typed
    context = {
        "me": me(who),
        "lists": lists,
        "most": {"name": MAX_NAME, "phone": MAX_PHONE, "about": MAX_ABOUT},
        "done": done,
        "fault_list": which if fault else "",
        "fault_row": int(fault.detail.removeprefix("row ")) if fault and fault.detail.startswith("row ") else 0,
    }
    return pages.render(request, "on_call.html", context, fault=fault)


def _list(who: Staff, which: List, found: tuple[Contact, ...]) -> dict[str, Any]:
    rows: list[Row] = [(one.name, one.phone, one.about) for one in found]
    blank = max(0, min(SPARE, MOST - len(rows)))
    return {
        "id": which,
        "contacts": found,
        "may": who.actor.role in TABLE[actions.EDITS[which]],
        "rows": [*rows, *[("", "", "")] * blank],
    }


async def change(request: web.Request) -> web.StreamResponse:
    """The whole list as it stands in the form; an unfit row is said beside it, and nothing typed is lost."""
    clinic = clinic_of(request)
    who, form = await logins.posted(request, clinic), await forms.read(request)
    which = next((one for one in LISTS if one == request.match_info["list"].replace("-", "_")), None)
    if which is None:
        raise Fault("not_found", "list")
    columns = [bodies.fields(form, name, 2 * MOST) for name in ("name", "phone", "about")]
    if len({len(column) for column in columns}) != 1:
        raise Fault("bad_request", "rows")
    typed: list[Row] = [(name, phone, about) for name, phone, about in zip(*columns, strict=True)]
    try:
        new = contacts(typed)
    except Fault as fault:
        return await _page(request, who, fault=fault, which=which, typed=typed)
    word, at = actions.EDITS[which], now_text()
    await noted(clinic, who, word, Facts(), lambda tx: actions.change(tx, who.actor, which, new, at))
    if which == "emergency":
        request.app[pages.WALL].hang(new)
    raise web.HTTPSeeOther(f"{HOME}?done=yes")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/help", help_page, "anyone"),
    Route("GET", HOME, page, ("see_on_call",)),
    Route("POST", HOME + "/{list}", change, ("edit_on_call", "edit_contacts", "see_on_call")),
)
