"""What a contact is: a name, a number that a phone can dial, and when or for what. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.faults import Fault

List = Literal["emergency", "on_call"]

MOST = 8  # of one list: what stands at the foot of every page has to be taken in at a glance
MAX_NAME, MAX_PHONE, MAX_ABOUT = 60, 30, 80  # characters
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{1,28}")


@dataclass(frozen=True, slots=True)
class Contact:
    """`phone` as people write it; `about`: when, or for what; "" where nothing needs to be said."""

    name: str
    phone: str
    about: str = ""

    @property
    def dialled(self) -> str:
        """What stands after `tel:` (RFC 3966)."""
        return "".join(char for char in self.phone if char in "+0123456789")


def contacts(typed: Sequence[tuple[str, str, str]]) -> tuple[Contact, ...]:
    """A list as it was typed, without empty rows. Fault("bad_request") names the first row, from 1, that is unfit."""
    kept: list[Contact] = []
    for number, row in enumerate(typed, 1):
        name, phone, about = (_line(one) for one in row)
        if not (name or phone or about):
            continue
        fits = len(name) <= MAX_NAME and len(about) <= MAX_ABOUT and len(phone) <= MAX_PHONE
        if not name or not fits or not _PHONE.fullmatch(phone):
            raise Fault("bad_request", f"row {number}")
        kept.append(Contact(name, phone, about))
    if len(kept) > MOST:
        raise Fault("bad_request", f"row {MOST + 1}")
    return tuple(kept)


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
