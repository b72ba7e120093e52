"""What the courier tells of itself: one small file, written when a word changes and seldom otherwise: SD cards wear."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sync.spool import CourierStatus, Spool

SELDOM_SECONDS = 10.0  # between two writes that only carry figures
RATE_SECONDS = 300.0  # over which the rate is measured, outages and all
CLOCK_SECONDS = 3600  # a difference to HQ's clock that is told
_WORDS = ("fault", "state", "next_wanted", "waits_until", "hq_heard")  # a change of these is told at once


def utc_now() -> str:
    """RFC 3339, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def later(at: str, seconds: float) -> str:
    """`at` and so many seconds; "" where `at` is no time."""
    try:
        then = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return ""
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


class Rate:
    """Bytes per second over the last RATE_SECONDS, or since the first of them: an honest figure for an estimate."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=4096)

    def add(self, now: float, count: int) -> None:
        self._seen.append((now, count))

    def at(self, now: float) -> float:
        while self._seen and self._seen[0][0] < now - RATE_SECONDS:
            self._seen.popleft()
        if not self._seen:
            return 0.0
        return sum(count for _, count in self._seen) / max(1.0, now - self._seen[0][0])


class Telling:
    """Holds the status and writes it. Blocks for a small unsynced file; OSError is the caller's."""

    def __init__(self, spool: Spool, now: Callable[[], float]) -> None:
        self._spool = spool
        self._now = now
        self.status = msgspec.structs.replace(spool.status(), state="idle", in_flight=0, waits_until="")
        self.status = msgspec.structs.replace(self.status, hq_heard=0.0, hq_ahead=0.0)  # of another start, perhaps
        self._written: CourierStatus | None = None
        self._written_at = 0.0

    def change(self, **fields: Any) -> None:
        self.status = msgspec.structs.replace(self.status, **fields)

    def heard_time(self, said: float, heard: float) -> None:
        """HQ said that it is `said` when the machine had run for `heard`; 0 for nothing. Whoever told that has the key
        of the pinned certificate, in this connection's own handshake: it is neither old nor another's."""
        if not said or heard == self.status.hq_heard:
            return
        ahead = said - heard
        off = int(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) - ahead)
        self.change(clock_off=off if abs(off) >= CLOCK_SECONDS else 0, hq_heard=heard, hq_ahead=ahead)

    def write(self) -> None:
        """Write if a word is new, or if figures are and the last time is a while ago."""
        before = self._written
        if before == self.status:
            return
        fresh = before is None or any(getattr(before, word) != getattr(self.status, word) for word in _WORDS)
        first = before is not None and not before.last_success_at and bool(self.status.last_success_at)
        if fresh or first or self._now() - self._written_at >= SELDOM_SECONDS:
            self._spool.put_status(self.status)
            self._written, self._written_at = self.status, self._now()
