"""Rendering: templates, languages, dates. Everything a page needs besides its own facts."""

from __future__ import annotations

import gettext
import math
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import babel.dates
import babel.units
import jinja2
from aiohttp import web
from babel import Locale

from appliance.clock import moment, parse
from appliance.contacts.wall import Wall
from appliance.faults import KINDS, Fault
from appliance.policy import Role
from appliance.portal import nav
from appliance.portal.ends import ENDS
from appliance.portal.looks import look_of

FOLDER = Path(__file__).parent
LANGUAGES: tuple[tuple[str, str], ...] = (("en", "English"), ("es", "Español"), ("ar", "العربية"))
PARTLY = frozenset({"ar"})  # what is missing is English; who wants it chooses it, no page takes it by itself
_CODES = tuple(code for code, _ in LANGUAGES)
LANGUAGE_COOKIE = "language"
CLINIC = web.AppKey("clinic_name_and_phone", list[str])  # the two; set-up changes them while the portal runs
WALL = web.AppKey("wall", Wall)
CSRF = web.RequestKey("csrf", str)
ROLE = web.RequestKey("role", str)  # of the member of staff who is signed in


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations of that language; English is the source and needs none."""
    return gettext.translation("portal", FOLDER / "locale", [language], fallback=True)


def environment(words: gettext.NullTranslations) -> jinja2.Environment:
    """What renders the templates in those words."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    return made


@cache
def _environment(language: str) -> jinja2.Environment:
    return environment(catalogue(language))


def language(request: web.Request) -> str:
    """The language chosen on the page, else the browser's first that we have, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in _CODES:
        return chosen
    for part in request.headers.get("Accept-Language", "")[:200].split(","):
        code = part.split(";")[0].strip().lower().split("-")[0]
        if code in _CODES and code not in PARTLY:
            return code
    return "en"


def whole_language(request: web.Request) -> str:
    """The page's language where all of ours is in it, else English: for words that people read aloud to each other."""
    chosen = language(request)
    return "en" if chosen in PARTLY else chosen


def say(request: web.Request, fault: Fault) -> str:
    """The fault's sentence in the page's language; how long to wait where that is known."""
    _ = catalogue(language(request)).gettext
    if fault.seconds > 0:
        wait = duration(request, fault.seconds)
        return _("That was tried too often. Please wait %(wait)s, then try again.") % {"wait": wait}
    return _(fault.kind.sentence)


def duration(request: web.Request, seconds: float) -> str:
    """A wait in words, rounded up: seconds up to a minute and a half, then minutes."""
    whole, locale = math.ceil(seconds), Locale.parse(language(request))
    number, unit = (whole, "second") if whole <= 90 else (math.ceil(whole / 60), "minute")
    return babel.units.format_unit(number, f"duration-{unit}", "long", locale=locale)


def time_of_day(request: web.Request, at: str) -> str:
    """A stored time as the clock on the wall shows it, in the page's language; "" stays ""."""
    if not at:
        return ""
    return babel.dates.format_time(_local(at), format="short", locale=Locale.parse(language(request)))


def day_and_time(request: web.Request, at: str) -> str:
    """A stored time with its day."""
    locale = Locale.parse(language(request))
    day = babel.dates.format_date(_local(at), format="full", locale=locale)
    return f"{day}, {time_of_day(request, at)}"


def date_of(request: web.Request, on: str) -> str:
    """A day, YYYY-MM-DD, as the page's language writes it."""
    return babel.dates.format_date(date.fromisoformat(on), format="long", locale=Locale.parse(language(request)))


def day_of(request: web.Request, at: str) -> str:
    """The day of a stored time, with its month in words; "" stays ""."""
    return babel.dates.format_date(_local(at), format="long", locale=Locale.parse(language(request))) if at else ""


def short_day_and_time(request: web.Request, at: str) -> str:
    """The same, short enough for a table, to the second; "" stays ""."""
    if not at:
        return ""
    locale = Locale.parse(language(request))
    return babel.dates.format_datetime(_local(at), format="medium", locale=locale)


def _local(at: str) -> datetime:
    return parse(at).astimezone()


def render(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, *, fault: Fault | None = None
) -> web.Response:
    """A page. The login's word and the clinic's name and phone come from the listener. The status is the fault's."""
    code = language(request)
    settings = request.app[CLINIC]
    facts: dict[str, Any] = {
        "lang": code,
        "dir": Locale.parse(code).text_direction,
        "clinic": settings[0],
        "phone": settings[1],
        "emergency": request.app[WALL].contacts,
        "look": look_of(request),
        "csrf": request.get(CSRF, ""),
        "path": request.path,
        "languages": LANGUAGES,
        "partly": code in PARTLY,
        "fault": say(request, fault) if fault else None,
        "fault_code": fault.code if fault else "",
        "nav": nav.places(cast(Role, request[ROLE])) if ROLE in request else [],
        "ending": _ending(request),
    }
    text = _environment(code).get_template(template).render({**facts, **(context or {})})
    return web.Response(text=text, content_type="text/html", status=fault.kind.status if fault else 200)


def _ending(request: web.Request) -> list[tuple[str, str]]:
    """Certificates that end soon, for who can do something about it: which, and the day."""
    if request.get(ROLE) != "administrator":
        return []
    locale = Locale.parse(language(request))
    soon = request.app[ENDS]().soon(moment())
    return [(kind, babel.dates.format_date(ends.astimezone(), "long", locale=locale)) for kind, ends in soon]


def sentences() -> tuple[str, ...]:
    """Every sentence that is translated by its code, for the catalogue's test."""
    return tuple(kind.sentence for kind in KINDS)
