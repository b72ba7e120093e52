"""What headquarters placed to read, keep and hear (C55): for everybody who reaches the box, for those with an
invitation, or for staff, as each of them says. Staff also see which agreement counts.

What comes as a file is never shown as a page of ours: it is handed out as a download, under a policy that lets nothing
run, and of a type from a short list (sync/items.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import babel.numbers
from aiohttp import web
from babel import Locale, UnknownLocaleError

from appliance.faults import Fault
from appliance.packs import rows
from appliance.packs.rows import Resource
from appliance.packs.rules import Reader, may_read
from appliance.policy import Facts, decide
from appliance.portal import logins, pages
from appliance.portal.route import Route
from appliance.portal.state import clinic_of

HOME = "/resources"
FILE_POLICY = "default-src 'none'; sandbox"
PIECE = 1024 * 1024  # bytes read from the store at a time
PIECE_SECONDS = 60.0  # for one to be taken: 17 kB/s
FILES_AT_ONCE = 16  # with a piece each in memory
ENDINGS = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
}


@dataclass(frozen=True, slots=True)
class Who:
    """Who looks: for whom a thing must be meant, and the frame of the page."""

    reader: Reader
    name: str = ""
    role: str = ""

    @property
    def frame(self) -> dict[str, Any]:
        me = {"name": self.name, "role": self.role}
        return {"layout": "_staff.html" if self.reader == "staff" else "base.html", "me": me, "reader": self.reader}


async def page(request: web.Request) -> web.StreamResponse:
    return await _page(request, await _who(request))


async def staff_page(request: web.Request) -> web.StreamResponse:
    """The same among the places of staff; who is not signed in is led to the sign-in page."""
    found = await logins.staff(request, clinic_of(request))
    decide(found.actor, "see_account", Facts(leaders=(found.actor.person,)))
    return await _page(request, Who("staff", found.name, found.actor.role))


async def _page(request: web.Request, who: Who) -> web.Response:
    clinic = clinic_of(request)
    found, agreement = await clinic.db.read(lambda tx: (rows.resources(tx), rows.counting_agreement(tx)))
    own = pages.language(request)
    shown = [_facts(request, one) for one in found if may_read(one.audience, who.reader)]
    context = {
        **who.frame,
        "own": [one for one in shown if one["language"].split("-")[0] == own],
        "other": [one for one in shown if one["language"].split("-")[0] != own],
        "agreement": agreement if who.reader == "staff" else None,
        "since": pages.day_and_time(request, agreement.since) if agreement and who.reader == "staff" else "",
    }
    return pages.render(request, "resources.html", context)


async def one_page(request: web.Request) -> web.StreamResponse:
    who = await _who(request)
    found = await _found(request, who)
    text = (await _piece(request, found, 0, found.size) or b"").decode() if found.kind == "text" else ""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    context = {**who.frame, "one": _facts(request, found), "paragraphs": paragraphs}
    return pages.render(request, "resource.html", context)


async def file(request: web.Request) -> web.StreamResponse:
    """The bytes of a document or recording, all or the part that a player asks for (RFC 9110 section 14)."""
    found = await _found(request, await _who(request))
    if found.kind == "text":
        raise Fault("not_found", "a text is a page")
    headers = {
        "Content-Type": found.media_type,
        "Content-Disposition": f'attachment; filename="{found.id}.{ENDINGS[found.media_type]}"',
        "Content-Security-Policy": FILE_POLICY,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",  # the device may be one that others use too
    }
    try:
        wanted = request.http_range
        first, last, _ = wanted.indices(found.size)
    except ValueError:
        first, last, wanted = 0, found.size, slice(None)
    if (wanted.start, wanted.stop) == (None, None):
        return await _hand_out(request, found, range(found.size), web.StreamResponse(headers=headers))
    if first >= last:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
    headers["Content-Range"] = f"bytes {first}-{last - 1}/{found.size}"
    return await _hand_out(request, found, range(first, last), web.StreamResponse(status=206, headers=headers))


@dataclass(slots=True)
class _Files:
    """Answers under way with a file in them, of the whole box: anybody on the network may ask for one."""

    count: int = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        if self.count >= FILES_AT_ONCE:
            raise Fault("too_many_tries", "files under way")
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


_files = _Files()


async def _hand_out(
    request: web.Request, found: Resource, part: range, response: web.StreamResponse
) -> web.StreamResponse:
    """Piece by piece, each when the one before is on its way: a slow reader holds one piece and no more."""
    with _files.one_more():
        response.content_length = len(part)
        await response.prepare(request)
        for first in part[::PIECE]:
            raw = await _piece(request, found, first, min(PIECE, part.stop - first))
            try:
                if raw is None:  # another version took its place: half of each would be neither
                    raise TimeoutError
                async with asyncio.timeout(PIECE_SECONDS):
                    await response.write(raw)
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
                return response
        await response.write_eof()
    return response


async def _piece(request: web.Request, found: Resource, first: int, length: int) -> bytes | None:
    return await clinic_of(request).db.read(lambda tx: rows.piece(tx, found, first, length))


async def _found(request: web.Request, who: Who) -> Resource:
    """What the path names, if it is meant for them; else there is nothing here."""
    thing = request.match_info["resource"]
    found = await clinic_of(request).db.read(lambda tx: rows.resource(tx, thing))
    if found is None or not may_read(found.audience, who.reader):
        raise Fault("not_found", "no such resource")
    return found


async def _who(request: web.Request) -> Who:
    """Anyone may look; who is signed in or has shown an invitation sees more."""
    clinic = clinic_of(request)
    for cookie in (logins.LOGIN, logins.VISIT):
        if not request.cookies.get(cookie):
            continue
        try:
            if cookie == logins.LOGIN:
                found = await logins.staff(request, clinic)
                return Who("staff", found.name, found.actor.role)
            await logins.visitor(request, clinic)
            return Who("patients")
        except Fault as fault:
            if fault.code not in ("not_signed_in", "refused"):
                raise
    return Who("anyone")


def _facts(request: web.Request, one: Resource) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "kind": one.kind,
        "audience": one.audience,
        "language": one.language,
        "spoken": _spoken(one.language, pages.language(request)),
        "size": size(one.size, pages.language(request)),
        "ending": ENDINGS.get(one.media_type, "").upper(),
        "since": pages.day_and_time(request, one.placed_at),
    }


def size(amount: int, language: str) -> str:
    """Bytes as people say them: "1.2 MB"; never "0 kB"."""
    value, unit = (amount / 1_000_000, "MB") if amount >= 1_000_000 else (max(1, round(amount / 1000)), "kB")
    return f"{babel.numbers.format_decimal(value, format='#,##0.#', locale=Locale.parse(language))} {unit}"


def _spoken(language: str, own: str) -> str:
    """The language's name, in the page's own."""
    try:
        return Locale.parse(language, sep="-").get_display_name(own) or language
    except (UnknownLocaleError, ValueError):
        return language


ROUTES: tuple[Route, ...] = (
    Route("GET", "/staff/library", staff_page, ("see_account",)),
    Route("GET", HOME, page, "anyone"),
    Route("GET", f"{HOME}/{{resource}}", one_page, "anyone"),
    Route("GET", f"{HOME}/{{resource}}/file", file, "anyone"),
)
