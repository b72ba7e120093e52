"""Whether a queue grows on the way (draft-ietf-rmcat-gcc-02 sections 5.2 to 5.4, with a trend line for its filter).

`groups.py` tells by how much the delay varied from one group of packets to the next. Summed and smoothed over time
these variations are a line: its slope is how fast the queue grows. A threshold that follows the slope's own noise tells
growth from jitter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum

from media.bandwidth import limits


class Signal(Enum):
    """What the queue does: grows, stands, drains."""

    OVER = "over"
    NORMAL = "normal"
    UNDER = "under"


class Standing:
    """The queue that stands, in milliseconds: the least delay of late above the least of all, slot by slot.

    Least with least: jitter only ever adds. Slots are forgotten after a while, for clocks drift and ways change.
    """

    __slots__ = ("_began", "_slots")

    def __init__(self) -> None:
        self._slots: deque[float] = deque(maxlen=limits.DELAY_SLOTS)
        self._began = float("-inf")

    def feed(self, at: float, delay: float) -> None:
        if at - self._began >= limits.DELAY_SLOT:
            self._began = at
            self._slots.append(delay)
        else:
            self._slots[-1] = min(self._slots[-1], delay)

    @property
    def queue(self) -> float:
        """0 before there are two slots."""
        return min(list(self._slots)[-2:]) - min(self._slots) if len(self._slots) > 2 else 0.0


class Trend:
    """Slope of the summed, smoothed variations of the last groups: milliseconds of queue for each that passes."""

    __slots__ = ("_points", "_smoothed", "_sum", "standing")

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=limits.TREND_GROUPS)
        self._sum = self._smoothed = 0.0
        self.standing = Standing()

    def feed(self, variations: Sequence[tuple[float, float]]) -> None:
        for arrived, variation in variations:
            self._sum += variation
            self._smoothed += (self._sum - self._smoothed) * limits.TREND_SMOOTHING
            self._points.append((arrived, self._smoothed))
            self.standing.feed(arrived, self._sum)

    def slope(self) -> float | None:
        """None before there are enough groups to draw a line through."""
        count = len(self._points)
        if count < limits.MIN_TREND_GROUPS:
            return None
        begin = self._points[0][0]
        across = up = square = product = 0.0
        for x, y in self._points:
            x -= begin
            across += x
            up += y
            square += x * x
            product += x * y
        width = count * square - across * across
        return (count * product - across * up) / width if width else None


class DelayDetector:
    """One receiver's. `signal` stands until the next feedback."""

    __slots__ = ("_at", "_before", "_over_since", "_threshold", "_trend", "signal")

    def __init__(self) -> None:
        self._threshold = limits.FIRST_THRESHOLD
        self._begin()

    def _begin(self) -> None:
        """As if nothing had come yet: what a queue was before a long pause says nothing of it now."""
        self.signal = Signal.NORMAL
        self._trend = Trend()
        self._before = 0.0
        self._over_since: float | None = None
        self._at: float | None = None

    def feed(self, variations: Sequence[tuple[float, float]], *, anew: bool) -> Signal:
        """One feedback's (arrival, variation), in milliseconds. `anew`: after a long pause."""
        if anew:
            self._begin()
        self._trend.feed(variations)
        slope = self._trend.slope() if variations else None
        if slope is None:
            self.signal = Signal.NORMAL
        else:
            self._judge(slope * limits.TREND_GAIN, variations[-1][0])
        return self.signal

    def _judge(self, trend: float, at: float) -> None:
        """Over: above the threshold for OVERUSE_TIME and not falling. The trend is in the threshold's milliseconds."""
        if trend > self._threshold:
            since = self._over_since = at if self._over_since is None else self._over_since
            sure = at - since >= limits.OVERUSE_TIME or trend > limits.SURELY_OVER * self._threshold
            self.signal = Signal.OVER if sure and trend >= self._before else Signal.NORMAL
        else:
            self._over_since = None
            # A queue that grew too slowly for the threshold stands as well, and goes only if less is sent.
            stands = self._trend.standing.queue > limits.STANDING
            self.signal = Signal.UNDER if trend < -self._threshold else Signal.OVER if stands else Signal.NORMAL
        self._before = trend
        self._adapt(abs(trend), at)

    def _adapt(self, trend: float, at: float) -> None:
        """Section 5.4. What is far out is a spike and teaches nothing; else the threshold follows, faster upwards."""
        elapsed = min(at - self._at, limits.MAX_ADAPTION) if self._at is not None else 0.0
        self._at = at
        if trend - self._threshold > limits.SPIKE:
            return
        gain = limits.THRESHOLD_UP if trend > self._threshold else limits.THRESHOLD_DOWN
        moved = self._threshold + gain * (trend - self._threshold) * max(elapsed, 0.0)
        self._threshold = min(max(moved, limits.MIN_THRESHOLD), limits.MAX_THRESHOLD)
