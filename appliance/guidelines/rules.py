"""What a card of a group may be. Pure."""

from __future__ import annotations

from typing import Literal

from appliance.faults import Fault

# Ground rules at the start, how the group treats each other, a reminder during the hour, back to the topic.
Kind = Literal["rules", "guidelines", "reminder", "redirect"]
KINDS: tuple[Kind, ...] = ("rules", "guidelines", "reminder", "redirect")
LANGUAGES = ("en", "es")

MAX_TITLE = 80  # characters
MAX_BODY = 1500  # characters: a card is read on a phone, in a minute
MAX_PARAGRAPHS = 12

Card = tuple[str, tuple[str, ...]]  # title, paragraphs


def paragraphs(body: str) -> tuple[str, ...]:
    """The body's paragraphs, parted by empty lines; within one, lines are joined."""
    return tuple(kept for kept in (" ".join(part.split()) for part in body.split("\n\n")) if kept)


def written(title: str, body: str) -> tuple[str, str]:
    """Title and body as they are kept. Fault("bad_request") for a card without a title or words, or with too many."""
    name = " ".join(_plain(title).split())
    lines = "\n".join(_plain(line).strip() for line in body.splitlines())
    parts = paragraphs(lines)
    text = "\n\n".join(parts)
    if not 1 <= len(name) <= MAX_TITLE:
        raise Fault("bad_request", "title")
    if not text or len(text) > MAX_BODY or len(parts) > MAX_PARAGRAPHS:
        raise Fault("bad_request", "body")
    return name, text


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
