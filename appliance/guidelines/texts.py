"""The cards as every box has them, until a group has words of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from appliance.guidelines.rules import LANGUAGES, Card, Kind, paragraphs

FOLDER = Path(__file__).parent / "cards"


@cache
def default(kind: Kind, language: str) -> Card:
    """Title and paragraphs, in English where they are not translated."""
    known = language if language in LANGUAGES else "en"
    title, _, body = (FOLDER / f"{kind}.{known}.txt").read_text(encoding="utf-8").partition("\n")
    return title.strip(), paragraphs(body)
