"""What must be typed before everything is deleted, and how long a box that nobody can open waits before it. Pure."""

from __future__ import annotations

import unicodedata

from appliance.faults import Fault

WORD = "ERASE"  # the same in every language, as it stands on the page: nobody types it by accident
PAUSE_SECONDS = 10.0  # to read what it means once more; whoever wants to do harm can pull the card out in less
ASKED_SECONDS = 300.0  # after that it is asked for anew


def same_name(typed: str, name: str) -> bool:
    """Whether somebody typed the clinic's name: capitals, accents and spaces around do not count."""
    return bool(_plain(name)) and _plain(typed) == _plain(name)


def may_erase(word: str, waited: float | None) -> None:
    """Whether a box may be deleted by whoever sits there. `waited`: seconds since they first asked, None: they did not.

    Faults: bad_request (not the word), erase_wait with the seconds that are left.
    """
    if word.strip().upper() != WORD:
        raise Fault("bad_request", "not the word")
    if waited is None or waited > ASKED_SECONDS:
        raise Fault("erase_wait", seconds=PAUSE_SECONDS)
    if waited < PAUSE_SECONDS:
        raise Fault("erase_wait", seconds=PAUSE_SECONDS - waited)


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in apart if not unicodedata.combining(char)).split())
