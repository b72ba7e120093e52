"""What the orientation is, and what a question and an answer may be. Pure."""

from __future__ import annotations

from appliance.faults import Fault

VERSION = 1  # raise it when the page says something new: everybody reads it once more
MAX_QUESTION = 600  # characters: a few sentences
MAX_ANSWER = 1500
MAX_OPEN = 5  # questions of one person without an answer: a box that is not read must not be filled


def words(text: str, most: int) -> str:
    """A question or an answer as it is kept: lines stay, other control characters go. Fault("bad_request") for
    nothing or too much."""
    lines = ("".join(c if c.isprintable() else " " for c in line).strip() for line in text.splitlines())
    kept = "\n".join(lines).strip()
    while "\n\n\n" in kept:
        kept = kept.replace("\n\n\n", "\n\n")
    if not 1 <= len(kept) <= most:
        raise Fault("bad_request", "question")
    return kept
