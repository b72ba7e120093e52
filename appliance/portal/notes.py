"""Notes: list, read, write, versions, search. What the words are about stands in no address: ids and numbers only.

A note that could not be kept comes back with its text, also where the login has ended meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from appliance.door import Caller
from appliance.faults import Fault
from appliance.notebook import Desk, Reader, Results
from appliance.notes import rules
from appliance.notes.actions import Entry, Opened, Place
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Staff
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

HOME = "/staff/notes"
FORM_LIMIT = 3 * rules.MAX_TEXT + 16 * 1024  # bytes: urlencoded, a byte of the text may take three
_GIVEN_BACK = ("forged", "not_signed_in", "keys_missing", "notes_closed", "note_changed", "note_empty", "note_too_long")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def reader_of(request: web.Request) -> tuple[Staff, Reader]:
    """Who is signed in, as the notebook knows them."""
    who = await logins.staff(request, clinic_of(request))
    return who, Reader(who.actor, who.digest)


async def posted(request: web.Request, limit: int = 0) -> tuple[Staff, Reader, Mapping[str, object]]:
    """The same with the form, its word checked."""
    form = await forms.read(request, limit)
    who, reader = await reader_of(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    return who, reader, form


def me(who: Staff) -> dict[str, str]:
    return {"name": who.name, "role": who.actor.role}


def with_key(handler: Handler) -> Handler:
    """Where the login's key is not in memory (the box has started again), the password is asked for once more."""

    async def handled(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Fault as fault:
            if fault.code != "keys_missing":
                raise
            who, _ = await reader_of(request)
            return pages.render(request, "notes_key.html", {"me": me(who), "next": request.path_qs})

    return handled


async def open_key(request: web.Request) -> web.StreamResponse:
    """The password once more, for the key to the notes."""
    who, _, form = await posted(request)
    there = bodies.local_path(bodies.field(form, "next"))
    try:
        await clinic_of(request).door.open_notes(
            who.login, who.digest, bodies.field(form, "password"), Caller("portal", request.remote or "")
        )
    except Fault as fault:
        return pages.render(request, "notes_key.html", {"me": me(who), "next": there}, fault=fault)
    raise web.HTTPSeeOther(there if there.startswith(HOME) else HOME)


@with_key
async def page(request: web.Request) -> web.StreamResponse:
    """The newest notes, of all of one's care groups, of one, or of one person."""
    who, reader = await reader_of(request)
    book = clinic_of(request).notebook
    group, person, before = opaque(request, "group"), request.query.get("person"), number(request, "before")
    desk = await book.desk(reader)
    entries = await book.listed(reader, group, person if person is None else opaque(request, "person"), before)
    return pages.render(
        request,
        "notes.html",
        {
            **_desk(request, desk),
            **_list(request, entries),
            **_here(desk, group, person, opaque(request, "session")),
            "me": me(who),
        },
    )


def _here(desk: Desk, group: str, person: str | None, session: str) -> dict[str, Any]:
    found = next((seen for seen in desk.groups if seen.group.id == group), None)
    names = dict(found.people) if found else {}
    return {
        "group": {"id": group, "name": found.group.name, "people": found.people} if found else None,
        "person": None if person is None else {"id": person, "name": names.get(person, "")},
        "session": session,
    }


def _desk(request: web.Request, desk: Desk) -> dict[str, Any]:
    return {
        "groups": [{"id": seen.group.id, "name": seen.group.name} for seen in desk.groups],
        "waiting": sum(bool(w.has_key) for one in desk.access if one.mine for w in one.waiting),
        "closed": [one.group.name for one in desk.access if one.mine < one.epochs],
        "old_key": desk.old_key,
        "recovery": desk.recovery,
        "notices": [
            {
                "id": one.glass.id,
                "kind": one.glass.kind,
                "who": one.glass.person_name,
                "group": one.glass.group_name,
                "subject": one.glass.subject_name,
                "at": pages.day_and_time(request, one.glass.at),
                "reason": one.reason,
                "read": [
                    {"id": note, "version": version, "at": pages.day_and_time(request, at)}
                    for note, version, at in one.read
                ],
            }
            for one in desk.notices
        ],
    }


def _list(request: web.Request, entries: list[Entry]) -> dict[str, Any]:
    shown = entries[: rules.PAGE]
    return {
        "notes": [line(request, entry) for entry in shown],
        "older": shown[-1].number if len(entries) > rules.PAGE else 0,
    }


def line(request: web.Request, entry: Entry) -> dict[str, Any]:
    """A note in a list, for a template."""
    return {
        "id": entry.id,
        "title": entry.title,
        "damaged": entry.damaged,
        "subject": entry.subject_name,
        "author": entry.author_name,
        "at": pages.day_and_time(request, entry.at),
        "versions": entry.versions,
        "found": entry.found,
    }


@with_key
async def read(request: web.Request) -> web.StreamResponse:
    who, reader = await reader_of(request)
    version = _version(request)
    opened = await clinic_of(request).notebook.read(reader, request.match_info["note"], version)
    return pages.render(request, "note.html", {"note": shown(request, opened), "me": me(who), "base": HOME})


def shown(request: web.Request, opened: Opened) -> dict[str, Any]:
    """A note that was opened, for a template."""
    return {
        "id": opened.id,
        "title": opened.words.title,
        "text": opened.words.text,
        "version": opened.version,
        "versions": opened.versions,
        "group": {"id": opened.group.id, "name": opened.group.name},
        "subject": opened.subject_name,
        "subject_id": opened.subject,
        "author": opened.author_name,
        "at": pages.day_and_time(request, opened.at),
        "history": [
            {"version": number, "at": pages.day_and_time(request, at), "author": author}
            for number, at, author in opened.history
        ],
    }


# -- writing -----------------------------------------------------------------------------------------------------------


@with_key
async def new_page(request: web.Request) -> web.StreamResponse:
    who, reader = await reader_of(request)
    where = Place(opaque(request, "group"), opaque(request, "session"), opaque(request, "person"))
    group, subject = await clinic_of(request).notebook.place(reader, where)
    return _form(request, me(who), {"group": group.name, "subject": subject}, {}, where)


async def new(request: web.Request) -> web.StreamResponse:
    form = await forms.read(request, FORM_LIMIT)
    where = Place(_field(form, "group"), _field(form, "session"), _field(form, "person"))
    try:
        _, reader = await _checked(request, form)
        written = await clinic_of(request).notebook.write(reader, where, _field(form, "title"), _text(form))
    except Fault as fault:
        return await _given_back(request, form, fault, where)
    raise web.HTTPSeeOther(f"{HOME}/{written.id}")


@with_key
async def edit_page(request: web.Request) -> web.StreamResponse:
    who, reader = await reader_of(request)
    opened = await clinic_of(request).notebook.read(reader, request.match_info["note"])
    typed = {"title": opened.words.title, "text": opened.words.text, "base": str(opened.versions)}
    return _form(request, me(who), {"group": opened.group.name, "subject": opened.subject_name}, typed)


async def edit(request: web.Request) -> web.StreamResponse:
    form = await forms.read(request, FORM_LIMIT)
    note, base = request.match_info["note"], _field(form, "over") or _field(form, "base")
    try:
        _, reader = await _checked(request, form)
        seen = int(base) if base.isascii() and base.isdecimal() and len(base) < 9 else 0
        await clinic_of(request).notebook.amend(reader, note, seen, _field(form, "title"), _text(form))
    except Fault as fault:
        return await _given_back(request, form, fault)
    raise web.HTTPSeeOther(f"{HOME}/{note}")


async def _checked(request: web.Request, form: Mapping[str, object]) -> tuple[Staff, Reader]:
    who, reader = await reader_of(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    return who, reader


async def _given_back(
    request: web.Request, form: Mapping[str, object], fault: Fault, where: Place | None = None
) -> web.Response:
    """The form again with what was typed. What was refused for another reason gets the usual page."""
    if fault.code not in _GIVEN_BACK:
        raise fault
    who, newest = None, 0
    with contextlib.suppress(Fault):
        staff, reader = await reader_of(request)
        who = me(staff)
        if fault.code == "note_changed":
            newest = (await clinic_of(request).notebook.read(reader, request.match_info["note"])).versions
    typed = {"title": _field(form, "title"), "text": _text(form), "base": _field(form, "base"), "newest": str(newest)}
    about = {"group": _field(form, "group_name")[:200], "subject": _field(form, "subject_name")[:200]}
    return _form(request, who, about, typed, where, fault)


def _form(
    request: web.Request,
    who: dict[str, str] | None,
    about: dict[str, str],
    typed: Mapping[str, str],
    where: Place | None = None,
    fault: Fault | None = None,
) -> web.Response:
    context = {
        "me": who,
        "about": about,
        "typed": {"title": "", "text": "", "base": "", "newest": "", **typed},
        "where": {"group": where.group, "session": where.session, "person": where.subject} if where else None,
        "max_text": rules.MAX_TEXT,
        "max_title": rules.MAX_TITLE,
        "note": request.match_info.get("note", ""),
    }
    return pages.render(request, "note_form.html", context, fault=fault)


# -- searching ---------------------------------------------------------------------------------------------------------


async def search_page(request: web.Request) -> web.StreamResponse:
    who, reader = await reader_of(request)
    await clinic_of(request).notebook.allowed(reader, "search_notes")
    return pages.render(request, "note_search.html", {"me": me(who), "query": "", "results": None})


@with_key
async def search(request: web.Request) -> web.StreamResponse:
    """By POST: what is searched for must not stand in an address."""
    who, reader, form = await posted(request)
    query, before = bodies.field(form, "query"), _field(form, "before")
    below = int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else 0
    try:
        found = await clinic_of(request).notebook.search(reader, query, below)
    except Fault as fault:
        if fault.code in ("refused", "keys_missing"):
            raise
        return pages.render(request, "note_search.html", {"me": me(who), "query": query, "results": None}, fault=fault)
    return pages.render(
        request, "note_search.html", {"me": me(who), "query": query, "results": _results(request, found)}
    )


def _results(request: web.Request, found: Results) -> dict[str, Any]:
    return {
        "notes": [line(request, entry) for entry in found.entries],
        "more": found.more,
        "building": found.reach.building,
        "cut": found.reach.cut,
        "indexed": found.reach.indexed,
        "total": found.reach.total,
    }


# -- fields ------------------------------------------------------------------------------------------------------------


def opaque(request: web.Request, name: str) -> str:
    """An id from the address; what cannot be one is a page that is not there."""
    value = request.query.get(name, "")
    if len(value) > 64 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in value):
        raise Fault("not_found", name)
    return value


def number(request: web.Request, name: str) -> int:
    """A number from the address, 0 where there is none."""
    value = request.query.get(name, "")
    if value and not (value.isascii() and value.isdecimal() and len(value) < 16):
        raise Fault("not_found", name)
    return int(value or 0)


def _version(request: web.Request) -> int:
    value = request.match_info.get("version", "0")
    if not (value.isascii() and value.isdecimal() and len(value) < 9):
        raise Fault("not_found", "version")
    return int(value)


def _field(form: Mapping[str, object], name: str) -> str:
    return bodies.field(form, name)


def _text(form: Mapping[str, object]) -> str:
    """The long field. Its length is a rule of notes, and its bytes are bounded by the form."""
    value = form.get("text", "")
    if not isinstance(value, str):
        raise Fault("bad_request", "text")
    return value


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, ("see_notes", "see_care_groups")),
    Route("POST", f"{HOME}/key", open_key, ("see_notes",)),
    Route("GET", f"{HOME}/new", new_page, ("write_note",)),
    Route("POST", f"{HOME}/new", new, ("write_note",)),
    Route("GET", f"{HOME}/search", search_page, ("search_notes",)),
    Route("POST", f"{HOME}/search", search, ("search_notes",)),
)
# After those of note_access.py: their paths would be taken for a note's.
NOTE_ROUTES: tuple[Route, ...] = (
    Route("GET", f"{HOME}/{{note}}", read, ("read_note",)),
    Route("GET", f"{HOME}/{{note}}/edit", edit_page, ("read_note",)),
    Route("POST", f"{HOME}/{{note}}/edit", edit, ("write_note",)),
    Route("GET", f"{HOME}/{{note}}/versions/{{version}}", read, ("read_note",)),
)
