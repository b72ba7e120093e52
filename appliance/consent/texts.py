"""The texts that a new box starts with, in every language they are complete in. A clinic publishes its own agreement
later; what is acknowledged apart from it comes with the box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from appliance.consent.rows import Agreement
from appliance.consent.rules import PARTS, PartName, digest

FOLDER = Path(__file__).parent / "agreements"
LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True)
class Part:
    """A short text with its own acknowledgement. `body` is laid out as an agreement's."""

    name: PartName
    language: str
    title: str
    body: str

    @property
    def digest(self) -> str:
        return digest(self.title, self.body)


def first_agreement() -> tuple[Agreement, ...]:
    """Version 1 of the confidentiality agreement: the file's first line is the title, the rest the body."""
    return tuple(Agreement(1, language, *_read("confidentiality", language)) for language in LANGUAGES)


@cache
def parts(language: str) -> tuple[Part, ...]:
    """What is acknowledged apart, in that language, in English where it is not translated."""
    known = language if language in LANGUAGES else "en"
    return tuple(Part(name, known, *_read(name, known)) for name in PARTS)


def _read(name: str, language: str) -> tuple[str, str]:
    text = (FOLDER / f"{name}.{language}.txt").read_text(encoding="utf-8")
    title, _, body = text.partition("\n")
    return title.strip(), body.strip()
