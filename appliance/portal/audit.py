"""The auditor's pages: the audit with its filters, one entry with its proof, export, and a look whether it is whole.

They show ids, words of the policy's table and names of the record; of a session its time and never its title. Addresses
of these pages carry opaque ids only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from aiohttp import web

from appliance.audit import export, proof
from appliance.audit.actions import Page
from appliance.audit.checking import Stored
from appliance.audit.rows import Filter
from appliance.clock import now_text, text
from appliance.faults import BY_CODE, Fault
from appliance.policy import ACTIONS
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Staff
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

SURFACES = ("portal", "console", "command")
OUTCOMES = ("done", "refused")
_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


async def page(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    try:
        return await _show(request, who, _wanted(request.query), before=_number(request.query, "before"))
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return await _show(request, who, Filter(), fault=fault)


async def entry(request: web.Request) -> web.StreamResponse:
    """One entry in full."""
    who = await logins.staff(request, clinic_of(request))
    number = _sequence(request)
    found = await clinic_of(request).audit.page(who.actor, Filter(), before=number + 1)
    if not found.entries or found.entries[0].entry.sequence != number:
        raise Fault("not_found", "no such entry of the audit")
    row = found.entries[0]
    hashes = {"hash": row.hash.hex(), "previous": row.previous.hex()}
    context = {"me": _me(who), "entry": {**_line(request, row, found), **hashes}}
    return pages.render(request, "audit_entry.html", context)


async def prove(request: web.Request) -> web.StreamResponse:
    """The entry with its proof, as a file."""
    who, _ = await _posted(request)
    number = _sequence(request)
    fields = await clinic_of(request).audit.prove(who.actor, number)
    return web.Response(
        body=proof.exported(fields), content_type="application/json", headers=_as_file(f"audit-{number}.json")
    )


async def verify(request: web.Request) -> web.StreamResponse:
    """Look at every entry now."""
    who, _ = await _posted(request)
    found = await clinic_of(request).audit.verify(who.actor)
    told = {"size": found.size, "signed": found.signed, "root": found.root.hex(), "findings": found.findings}
    return await _show(request, who, Filter(), verified=told)


async def save(request: web.Request) -> web.StreamResponse:
    """What the filter lets through, as a table (CSV) or line by line with proofs (JSON)."""
    who, form = await _posted(request)
    wanted, kind = _wanted(form), bodies.field(form, "format")
    if kind not in ("csv", "jsonl"):
        raise Fault("bad_request", "format")
    audit = clinic_of(request).audit
    portions = export.csv(audit, who.actor, wanted) if kind == "csv" else export.lines(audit, who.actor, wanted)
    first = await anext(portions)  # a refusal is a page, not half of a file
    name = f"audit-{now_text()[:10]}.{kind}"
    kinds = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
    response = web.StreamResponse(headers={"Content-Type": kinds[kind], **_as_file(name)})
    await response.prepare(request)
    await response.write(first)
    async for portion in portions:
        await response.write(portion)
    await response.write_eof()
    return response


ROUTES: tuple[Route, ...] = (
    Route("GET", "/staff/audit", page, ("read_audit",)),
    Route("POST", "/staff/audit/verify", verify, ("read_audit", "verify_audit")),
    Route("POST", "/staff/audit/export", save, ("export_audit",)),
    Route("GET", "/staff/audit/entries/{sequence}", entry, ("read_audit",)),
    Route("POST", "/staff/audit/entries/{sequence}/proof", prove, ("export_audit",)),
)


async def _show(
    request: web.Request,
    who: Staff,
    wanted: Filter,
    *,
    before: int = 0,
    verified: Mapping[str, Any] | None = None,
    fault: Fault | None = None,
) -> web.Response:
    audit = clinic_of(request).audit
    found = await audit.page(who.actor, wanted, before)
    staff, everybody = await audit.choices(who.actor)
    asked = {} if fault else {name: request.query.get(name, "") for name in _FIELDS}
    context = {
        "me": _me(who),
        "entries": [_line(request, row, found) for row in found.entries],
        "older": found.entries[-1].entry.sequence if found.more else 0,
        "newer": before > 0,
        "staff": staff,
        "everybody": everybody,
        "actions": ACTIONS,
        "asked": {**dict.fromkeys(_FIELDS, ""), **asked},
        "filtered": wanted != Filter(),
        "query": {name: value for name, value in asked.items() if value},
        "verified": verified,
    }
    return pages.render(request, "audit.html", context, fault=fault)


_FIELDS = ("who", "what", "whom", "where", "outcome", "since", "until")


def _wanted(form: Mapping[str, Any]) -> Filter:
    """The filter of a form. Fault("bad_request") for what it cannot hold."""
    given = {name: bodies.field(form, name) for name in _FIELDS}
    known = (
        given["what"] in ("", *ACTIONS)
        and given["where"] in ("", *SURFACES)
        and given["outcome"] in ("", *OUTCOMES)
        and all(_ID.fullmatch(given[name]) for name in ("who", "whom"))
    )
    if not known:
        raise Fault("bad_request", "filter")
    return Filter(
        actor=given["who"],
        person=given["whom"],
        action=given["what"],
        surface=given["where"],
        outcome=given["outcome"],
        since=_midnight(given["since"], 0),
        until=_midnight(given["until"], 1),
    )


def _midnight(day: str, days_later: int) -> str:
    """The beginning of that day as the clock on the wall has it, as entries write it. Fault("bad_request")."""
    if not day:
        return ""
    try:
        chosen = date.fromisoformat(day) + timedelta(days=days_later)
        return text(datetime(chosen.year, chosen.month, chosen.day).astimezone().timestamp())
    except (ValueError, OverflowError):
        raise Fault("bad_request", "day") from None


def _number(form: Mapping[str, Any], name: str) -> int:
    given = bodies.field(form, name)
    if given and not _NUMBER.fullmatch(given):
        raise Fault("bad_request", name)
    return int(given or 0)


def _sequence(request: web.Request) -> int:
    given = request.match_info["sequence"]
    if not _NUMBER.fullmatch(given):
        raise Fault("not_found", "no such entry of the audit")
    return int(given)


def _line(request: web.Request, row: Stored, found: Page) -> dict[str, Any]:
    """One entry in words. A person whose name is not known any more is told by the beginning of their id."""
    entry, names = row.entry, found.names
    whom = entry.person or entry.subject
    starts = found.starts.get(entry.session, "")
    return {
        "sequence": entry.sequence,
        "at": pages.short_day_and_time(request, entry.at),
        "who": names.get(entry.actor, entry.actor[:8]),
        "role": entry.role,
        "action": entry.action,
        "whom": names.get(whom, whom[:8]) if whom != entry.actor or entry.role == "patient" else "",
        "session": pages.short_day_and_time(request, starts) if starts else "",
        "thing": entry.thing[:16],
        "surface": entry.surface,
        "address": entry.address if entry.address not in ("", entry.surface) else "",
        "done": entry.outcome == "done",
        "outcome": _outcome(request, entry.outcome),
        "code": entry.outcome,
        "times": entry.times,
    }


def _outcome(request: web.Request, code: str) -> str:
    return "" if code == "done" or code not in BY_CODE else pages.say(request, Fault(code))


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _me(who: Staff) -> dict[str, str]:
    return {"name": who.name, "role": who.actor.role}


async def _posted(request: web.Request) -> tuple[Staff, Mapping[str, object]]:
    who = await logins.staff(request, clinic_of(request))
    form = await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    return who, form
