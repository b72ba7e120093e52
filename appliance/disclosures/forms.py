"""The form that a person signs before records about them go to headquarters, in every language it is complete in."""

from __future__ import annotations

from pathlib import Path

from appliance.disclosures.rules import Form

FOLDER = Path(__file__).parent / "texts"
VERSION = 1  # rises with every change of the text: what was signed must be found again
LANGUAGES = ("en", "es")


def form(language: str) -> Form:
    """The form in that language, in English where it is not translated. The file's first line is the title."""
    chosen = language if language in LANGUAGES else "en"
    title, _, body = (FOLDER / f"headquarters.{chosen}.txt").read_text(encoding="utf-8").partition("\n")
    return Form(VERSION, chosen, title.strip(), body.strip())
