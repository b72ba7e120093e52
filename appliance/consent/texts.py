"""The agreement that a new box starts with, in every language it is complete in. A clinic publishes its own later."""

from __future__ import annotations

from pathlib import Path

from appliance.consent.rows import Agreement

FOLDER = Path(__file__).parent / "agreements"
LANGUAGES = ("en", "es")


def first_agreement() -> tuple[Agreement, ...]:
    """Version 1 of the confidentiality agreement: the file's first line is the title, the rest the body."""
    return tuple(_read(language) for language in LANGUAGES)


def _read(language: str) -> Agreement:
    text = (FOLDER / f"confidentiality.{language}.txt").read_text(encoding="utf-8")
    title, _, body = text.partition("\n")
    return Agreement(version=1, language=language, title=title.strip(), body=body.strip())
