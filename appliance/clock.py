"""The wall clock, read in listeners and handed down. It is recorded and shown; it never decides an order."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now_text() -> str:
    """Now as RFC 3339 in UTC with whole seconds, as in `2026-01-31T09:30:00Z`."""
    return text(time.time())


def now_seconds() -> int:
    """Now in whole seconds since the epoch."""
    return int(time.time())


def text(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(value: str) -> datetime:
    """The moment that `text` wrote. Raises ValueError."""
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
