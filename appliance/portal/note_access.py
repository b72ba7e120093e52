"""Who can open notes: handing on keys, the recovery key, the glass, and the care groups' clinicians."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.care import actions as care
from appliance.faults import Fault
from appliance.notebook import Named, Waiter
from appliance.notes.access.rules import RECOVERY
from appliance.policy import TABLE, Action
from appliance.portal import bodies, cards, logins, pages
from appliance.portal.notes import HOME, line, me, number, posted, reader_of, shown, with_key
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

CARE = "/staff/groups"


@with_key
async def page(request: web.Request) -> web.StreamResponse:
    """Who waits for keys that I can hand on; for a clinical lead also what only they can do."""
    return await _page(request)


async def _page(request: web.Request, fault: Fault | None = None) -> web.Response:
    who, reader = await reader_of(request)
    book = clinic_of(request).notebook
    desk = await book.desk(reader)
    context: dict[str, Any] = {
        "me": me(who),
        "waiters": [_waiter(request, one) for one in await book.waiters(reader)],
        "closed": [one.group.name for one in desk.access if one.mine < one.epochs],
        "old_key": desk.old_key,
        "recovery": desk.recovery,
        "leads": None,
    }
    if who.actor.role in TABLE["recover_notes"]:
        usable, lacking, leads = await book.recovering(reader)
        context["leads"] = {
            "usable": usable,
            "hq": await book.hq_share(reader) if usable else "",
            "lacking": [_waiter(request, one) for one in lacking],
            "leads": [_waiter(request, one) for one in leads],
        }
    return pages.render(request, "note_access.html", context, fault=fault)


def _waiter(request: web.Request, one: Waiter) -> dict[str, Any]:
    return {
        "group": one.group,
        "group_name": one.group_name,
        "holder": one.holder,
        "name": one.name,
        "recovery": one.holder == RECOVERY,
        "key": one.key_hash,
        "mark": " ".join(one.key_hash[at : at + 4] for at in range(0, 16, 4)),
        "since": pages.day_and_time(request, one.made_at),
    }


async def act(request: web.Request) -> web.StreamResponse:
    """One of the page's buttons."""
    who, reader, form = await posted(request)
    book = clinic_of(request).notebook
    group, holder, key = (bodies.field(form, name) for name in ("group", "holder", "key"))
    try:
        match request.match_info["deed"]:
            case "give":
                await book.give(reader, group, holder, key)
            case "old-password":
                await clinic_of(request).door.reopen_notes(who.actor, who.digest, bodies.field(form, "password"))
            case "recover":
                await book.recover(reader, group, holder)
            case "share":
                await book.share_recovery(reader, holder, key)
            case "share-hq":
                await book.share_with_hq(reader)
            case "renew":
                await book.renew_recovery(reader)
            case _:
                raise Fault("not_found", "no such deed")
    except Fault as fault:
        if fault.code in ("wrong_password", "wrong_state", "notes_closed", "too_many_tries", "not_enrolled"):
            return await _page(request, fault)
        raise
    raise web.HTTPSeeOther(f"{HOME}/access")


async def put_away(request: web.Request) -> web.StreamResponse:
    _, reader, _ = await posted(request)
    await clinic_of(request).notebook.put_away(reader, request.match_info["glass"])
    raise web.HTTPSeeOther(HOME)


# -- the glass ---------------------------------------------------------------------------------------------------------


@with_key
async def emergency(request: web.Request) -> web.StreamResponse:
    return await _emergency(request)


async def _emergency(
    request: web.Request, fault: Fault | None = None, typed: dict[str, str] | None = None
) -> web.Response:
    who, reader = await reader_of(request)
    book = clinic_of(request).notebook
    groups = [
        {
            "id": one.group.id,
            "name": one.group.name,
            "clinicians": one.clinicians,
            "notes": [
                {"id": subject, "name": name, "count": count, "last": pages.day_and_time(request, last)}
                for subject, name, count, last in one.notes
            ],
        }
        for one in await book.behind(reader)
    ]
    opened = [
        {"id": one.id, "group": one.group_name, "subject": one.subject_name} for one in await book.open_glasses(reader)
    ]
    context = {"me": me(who), "groups": groups, "opened": opened, "typed": typed or {"about": "", "reason": ""}}
    return pages.render(request, "glass.html", context, fault=fault)


async def break_glass(request: web.Request) -> web.StreamResponse:
    _, reader, form = await posted(request)
    about, reason = bodies.field(form, "about"), _reason(form.get("reason", ""))
    group, _, subject = about.partition(".")
    try:
        glass = await clinic_of(request).notebook.break_glass(reader, group, subject, reason)
    except Fault as fault:
        if fault.code not in ("reason_short", "notes_closed", "bad_request"):
            raise
        return await _emergency(request, fault, {"about": about, "reason": reason})
    raise web.HTTPSeeOther(f"{HOME}/emergency/{glass}")


def _reason(value: object) -> str:
    if not isinstance(value, str):
        raise Fault("bad_request", "reason")
    return value


@with_key
async def through(request: web.Request) -> web.StreamResponse:
    """What was opened: a page of its notes."""
    who, reader = await reader_of(request)
    glass, entries = await clinic_of(request).notebook.seen_through(
        reader, request.match_info["glass"], number(request, "before")
    )
    listed = entries[:20]
    context = {
        "me": me(who),
        "glass": {"id": glass.id, "group": glass.group_name, "subject": glass.subject_name},
        "notes": [line(request, entry) for entry in listed],
        "older": listed[-1].number if len(entries) > len(listed) else 0,
        "base": f"{HOME}/emergency/{glass.id}",
    }
    return pages.render(request, "glass_notes.html", context)


@with_key
async def read_through(request: web.Request) -> web.StreamResponse:
    who, reader = await reader_of(request)
    parts = request.match_info
    version = parts.get("version", "0")
    if not (version.isascii() and version.isdecimal() and len(version) < 9):
        raise Fault("not_found", "version")
    glass, opened = await clinic_of(request).notebook.read_through(reader, parts["glass"], parts["note"], int(version))
    context = {"note": shown(request, opened), "me": me(who), "base": f"{HOME}/emergency/{glass.id}", "glass": True}
    return pages.render(request, "note.html", context)


# -- care groups -------------------------------------------------------------------------------------------------------


async def care_groups(request: web.Request) -> web.StreamResponse:
    return await _care_groups(request)


async def _care_groups(request: web.Request, fault: Fault | None = None, name: str = "") -> web.Response:
    who = await logins.staff(request, clinic_of(request))
    book = clinic_of(request).notebook
    found = await book.see_care_groups(who.actor)
    context = {
        "me": me(who),
        "may_change": who.actor.role in TABLE["change_care_group"],
        "name": name,
        "groups": [_group(seen) for seen in found],
    }
    return pages.render(request, "care_groups.html", context, fault=fault)


async def care_group(request: web.Request) -> web.StreamResponse:
    who = await logins.staff(request, clinic_of(request))
    group, book = request.match_info["group"], clinic_of(request).notebook
    seen = await book.see_care_group(who.actor, group)
    context = {
        "me": me(who),
        "may_change": who.actor.role in TABLE["change_care_group"],
        "group": _group(seen),
        "own": who.actor.person in seen.group.clinicians,
    }
    language = pages.language(request)
    about = await clinic_of(request).db.read(lambda tx: cards.around(tx, who, group, language))
    about["began"] = pages.day_of(request, about["began"])
    return pages.render(request, "care_group.html", {**context, **about})


def _group(seen: care.Seen) -> dict[str, Any]:
    return {
        "id": seen.group.id,
        "name": seen.group.name,
        "clinicians": [{"id": c.person, "name": c.name} for c in seen.clinicians],
        "others": [{"id": c.person, "name": c.name} for c in seen.others],
        "people": [name for _, name in seen.people],
        "unopened": seen.unopened,
    }


async def found_group(request: web.Request) -> web.StreamResponse:
    who, _, form = await posted(request)
    name, book = bodies.field(form, "name"), clinic_of(request).notebook
    try:
        made = await book.care(who.actor, "change_care_group", lambda tx, at: care.found(tx, who.actor, name, [], at))
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return await _care_groups(request, fault, name)
    raise web.HTTPSeeOther(f"{CARE}/{made}")


async def change_group(request: web.Request) -> web.StreamResponse:
    who, _, form = await posted(request)
    group, book, actor = request.match_info["group"], clinic_of(request).notebook, who.actor
    person, name = bodies.field(form, "person"), bodies.field(form, "name")
    named = Named(group=group, person=person)
    match request.match_info["deed"]:
        case "let-in":
            await book.care(actor, "change_care_group", lambda tx, at: care.let_in(tx, actor, group, person, at), named)
        case "let-out":
            await book.care(
                actor, "change_care_group", lambda tx, at: care.let_out(tx, actor, group, person, at), named
            )
        case "rename":
            await book.care(actor, "change_care_group", lambda tx, at: care.rename(tx, actor, group, name, at), named)
        case _:
            raise Fault("not_found", "no such deed")
    raise web.HTTPSeeOther(f"{CARE}/{group}")


_DEEDS: tuple[Action, ...] = ("give_access", "change_password", "recover_notes", "see_notes", "see_care_groups")

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{HOME}/access", page, ("see_notes", "give_access", "recover_notes", "see_care_groups")),
    Route("POST", f"{HOME}/access/{{deed}}", act, _DEEDS),
    Route("POST", f"{HOME}/notices/{{glass}}", put_away, ("see_notes",)),
    Route("GET", f"{HOME}/emergency", emergency, ("break_glass", "see_notes")),
    Route("POST", f"{HOME}/emergency", break_glass, ("break_glass",)),
    Route("GET", f"{HOME}/emergency/{{glass}}", through, ("break_glass",)),
    Route("GET", f"{HOME}/emergency/{{glass}}/{{note}}", read_through, ("break_glass",)),
    Route("GET", f"{HOME}/emergency/{{glass}}/{{note}}/versions/{{version}}", read_through, ("break_glass",)),
    Route("GET", CARE, care_groups, ("see_care_groups",)),
    Route("POST", CARE, found_group, ("change_care_group", "see_care_groups")),
    Route("GET", f"{CARE}/{{group}}", care_group, ("see_care_groups",)),
    Route("POST", f"{CARE}/{{group}}/{{deed}}", change_group, ("change_care_group",)),
)
