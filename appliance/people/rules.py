"""What a person's name may be, and how one is found by it. Pure."""

from __future__ import annotations

import unicodedata

from appliance.faults import Fault
from appliance.identity.rules import normal

MAX_NAME = 80  # characters
MAX_PHRASE = 80  # characters of a check phrase, and of what somebody types who is asked for it
PAGE = 50  # people on a page


def person_name(text: str) -> str:
    """The name as it is kept: one line, no control characters. Fault("bad_request"): "name" or "long_name"."""
    name = " ".join("".join(char if char.isprintable() else " " for char in normal(text)).split())
    if not any(char.isalpha() for char in name):
        raise Fault("bad_request", "name")
    if len(name) > MAX_NAME:
        raise Fault("bad_request", "long_name")
    return name


def fold(text: str) -> str:
    """What names are compared and sorted by: without accents, upper and lower case alike."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(char for char in apart if not unicodedata.combining(char)).split())


def check_phrase(text: str) -> str:
    """A check phrase as it is kept: one line, "" for none. Fault("bad_request", "long_phrase")."""
    phrase = " ".join("".join(char if char.isprintable() else " " for char in normal(text)).split())
    if len(phrase) > MAX_PHRASE:
        raise Fault("bad_request", "long_phrase")
    return phrase


def phrase_fits(record: str, given: str) -> bool:
    """Whether somebody typed what the record has: letters and digits count; case, accents, spaces and dots do not."""
    kept, typed = ("".join(char for char in fold(one) if char.isalnum()) for one in (record, given))
    return kept != "" and kept == typed


def matches(query: str, name: str) -> bool:
    """Whether every word of `query` occurs in `name`, at any place, accents ignored. No words fit every name."""
    folded = fold(name)
    return all(word in folded for word in fold(query).split())


def page_of(number: int, size: int) -> tuple[int, int]:
    """The page nearest to `number` that there is, from 1, and how many there are."""
    pages = max(1, -(-size // PAGE))
    return min(max(1, number), pages), pages


def number(text: str, most: int = 10_000) -> int:
    """A small whole number as it comes in a form or an address; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= most else 0
