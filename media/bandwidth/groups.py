"""Packets that left within 5 ms are one group (draft-ietf-rmcat-gcc-02 section 5.2). Between two groups the delay
varied by the time between their last arrivals less the time between their last departures.

media/native/departures.c is its twin: whatever changes here changes there.
"""

from __future__ import annotations

from collections.abc import Sequence

from media.bandwidth import limits


class Groups:
    """Packets in, delay variations out; times in milliseconds. Loops over floats: this is what each packet costs."""

    __slots__ = ("_before", "_began", "_came", "_sent")

    def __init__(self) -> None:
        self._began: float | None = None
        self._sent = self._came = 0.0
        self._before: tuple[float, float] | None = None

    def feed(self, sent: Sequence[float], came: Sequence[float]) -> list[tuple[float, float]]:
        """(arrival, variation) of each group that is complete. What belongs before the last one is left out."""
        found: list[tuple[float, float]] = []
        burst = limits.BURST
        began, last_sent, last_came = self._began, self._sent, self._came
        for left, arrived in zip(sent, came, strict=True):
            if began is None:
                began, last_sent, last_came = left, left, arrived
            elif left < began:
                continue
            elif left - began <= burst or (
                0 <= arrived - last_came <= burst and arrived - last_came < left - last_sent
            ):
                # The second: sent later and yet arrived with them, so they waited in one queue.
                last_sent = left
                last_came = max(last_came, arrived)
            else:
                if self._before is not None:
                    found.append((last_came, last_came - self._before[1] - last_sent + self._before[0]))
                self._before = (last_sent, last_came)
                began, last_sent, last_came = left, left, arrived
        self._began, self._sent, self._came = began, last_sent, last_came
        return found
