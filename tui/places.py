"""Time zones as people look for them: by city, country or region, in their language. Pure.

The names are the tz database's, as `Europe/Madrid`; cities and countries are CLDR's.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from babel import Locale
from babel.core import get_global

REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
NOWHERE = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Zone:
    """One time zone. `text`: city and country; `sought`: all it may be looked for by, folded."""

    id: str
    region: str
    text: str
    sought: str


def zones(language: str, regions: dict[str, str]) -> tuple[Zone, ...]:
    """All of them by region and city. `regions`: their names in that language."""
    locale = Locale.parse(language)
    found = [_zone(name, territory, locale, regions) for name, territory in get_global("zone_territories").items()]
    kept = sorted((zone for zone in found if zone is not None), key=lambda one: (one.region, folded(one.text)))
    return (*kept, Zone(NOWHERE, "", "UTC", "utc gmt"))


def matching(all_: tuple[Zone, ...], typed: str) -> tuple[Zone, ...]:
    """Those in which every word that was typed begins a word, the ones whose city begins so first."""
    words = folded(typed).split()
    found = [zone for zone in all_ if all(f" {word}" in f" {zone.sought}" for word in words)]
    return tuple(sorted(found, key=lambda zone: not folded(zone.text).startswith(folded(typed).strip())))


def country(zone: str) -> str:
    """The two letters of the country that the zone lies in, "" for none."""
    return str(get_global("zone_territories").get(zone, ""))


def folded(text: str) -> str:
    """Without capitals and accents, as people type."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return bare.casefold().replace("/", " ").replace("_", " ").replace("-", " ").replace("(", " ").replace(")", " ")


def _zone(name: str, territory: str, locale: Locale, regions: dict[str, str]) -> Zone | None:
    region, _, rest = name.partition("/")
    if region not in REGIONS or not rest:
        return None
    named = locale.time_zones.get(name, {}).get("city")
    city = str(named) if named else rest.rpartition("/")[2].replace("_", " ")
    land = str(locale.territories.get(territory, ""))
    text = f"{city}, {land}" if land and land != city else city
    text = "".join(char for char in text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") if char <= "\xff")
    return Zone(name, regions[region], text, folded(f"{text} {regions[region]} {name}"))
