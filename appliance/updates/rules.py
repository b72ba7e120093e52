"""Which releases are worth offering, and when a restart that was put off until the night is due. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

NIGHT = 3  # hour of the clinic's own time: nobody meets then
LATE_SECONDS = 3600.0  # a box that was off at that hour does not restart in the middle of the morning
RESTART_MINUTES = 5  # at most until it is clear whether a release works, as the page says


def version(text: str) -> tuple[int, ...]:
    """As numbers that compare; () for what is none: smaller than all."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return ()
    return tuple(map(int, parts))


def newer(release: str, running: str) -> bool:
    """Whether a release is worth fetching."""
    return version(release) > version(running)


def tonight(now: datetime) -> datetime:
    """The next time that it is night. `now` in the clinic's own time, with its distance from UTC."""
    at = now.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)


def due(at: float, now: float) -> bool:
    """Whether to restart now. Unix seconds."""
    return at <= now < at + LATE_SECONDS


def missed(at: float, now: float) -> bool:
    """Whether that night is over, or further away than any night can be: the clock was set since."""
    return now >= at + LATE_SECONDS or at > now + 2 * 86_400
