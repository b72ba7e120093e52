"""Licences and trainings of staff, and when one has run out (C40). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from appliance.faults import Fault

Kind = Literal["licence", "training"]
KINDS: tuple[Kind, ...] = ("licence", "training")

MAX_NAME = 80  # characters
SOON_DAYS = 42  # six weeks: time to renew a licence by post
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Licence:
    """`ends_on`: the last day on which it holds, YYYY-MM-DD on the wall's calendar; "" where it has no end."""

    id: str
    person: str
    kind: Kind
    name: str
    ends_on: str


def licence(id: str, person: str, kind: str, name: str, ends_on: str) -> Licence:
    """One as it was typed. Fault("bad_request") names the field that is unfit."""
    cleaned = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    word = next((one for one in KINDS if one == kind), None)
    if word is None:
        raise Fault("bad_request", "kind")
    if not 2 <= len(cleaned) <= MAX_NAME:
        raise Fault("bad_request", "name")
    if ends_on and not _is_day(ends_on):
        raise Fault("bad_request", "ends_on")
    return Licence(id, person, word, cleaned, ends_on)


def state(one: Licence, today: date) -> Literal["holds", "soon", "expired"]:
    """soon: it ends within SOON_DAYS."""
    if not one.ends_on:
        return "holds"
    left = (date.fromisoformat(one.ends_on) - today).days
    return "expired" if left < 0 else "soon" if left <= SOON_DAYS else "holds"


def bars(held: Iterable[Licence], today: date) -> bool:
    """Whether these keep their holder from opening a session: one of them has run out and was not renewed.

    Nothing noted bars nobody: a clinic that keeps its licences elsewhere is not locked out of its own box.
    """
    return any(state(one, today) == "expired" for one in held)


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
