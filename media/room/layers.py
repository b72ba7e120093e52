"""Which layer of which picture one receiver gets: budget, tile sizes and ranks in, layers out. No clock, no packets.

Sound comes first: its reserve is taken off the budget before anything here (`sound_reserve`). Then every picture gets
its lowest layer, in the order of rank; then the first of rank gets what its tile can use, then the next. What does not
fit is passed over, and who comes after may still fit.

Down at once, up with patience: what a receiver has already may use the whole budget of this moment, anything more only
UP_SHARE of the least budget of the last UP_PATIENCE seconds. So a budget that wavers by less changes nothing, and a
change of speaker, which is no matter of budget, waits for nothing. A rise that had to be taken back soon doubles the
patience for the next: the line has shown that it does not carry it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from media.bandwidth import limits


class Wish(NamedTuple):
    """One picture that a receiver could get.

    `layers`: bits per second of each layer, lowest first, averaged over a second or more; 0 for one that cannot be had.
    `wanted`: the highest layer that its tile can use (`layer_for_tile`), -1 for no picture. `rank`: 0 the active
    speaker, 1 who leads, from 2 by recency.
    """

    down: int
    layers: tuple[int, ...]
    wanted: int
    rank: int


def sound_reserve(voices: int) -> int:
    """Bits per second to keep for the sound of `voices` members."""
    return voices * limits.VOICE_BPS


def layer_for_tile(width: int, height: int, layers: int) -> int:
    """The lowest of `layers` layers that fills a tile of so many pixels well enough; -1 for a tile not shown.

    Fewer than three layers are taken for the lower ones, as a small camera makes them. Whoever has left out the lowest
    instead has the better one seen more often than need be, never the worse.
    """
    pixels = width * height
    if pixels <= 0 or layers <= 0:
        return -1
    offered = limits.LAYER_PIXELS[:layers]
    return next((i for i, found in enumerate(offered) if pixels <= found * limits.ENLARGED), len(offered) - 1)


def allocate(budget: float, wishes: Sequence[Wish]) -> dict[int, int | None]:
    """Down number to layer, None for no picture. At equal rank the place in `wishes` decides."""
    return _share(budget, budget, budget, wishes, {})


def _share(
    now: float, first: float, more: float, wishes: Sequence[Wish], given: Mapping[int, int | None]
) -> dict[int, int | None]:
    """As `allocate`; `now` is for what was `given` already, `first` for a new picture, `more` for a higher layer."""
    chosen: dict[int, int | None] = {wish.down: None for wish in wishes}
    spent = 0.0
    ranked = sorted((wish for wish in wishes if wish.wanted >= 0), key=lambda wish: wish.rank)
    for wish in ranked:
        lowest = next((layer for layer, bps in enumerate(wish.layers) if bps), None)
        limit = first if given.get(wish.down) is None else now
        if lowest is not None and spent + wish.layers[lowest] <= limit:
            chosen[wish.down] = lowest
            spent += wish.layers[lowest]
    for wish in ranked:
        layer = chosen[wish.down]
        had = given.get(wish.down)
        for higher in range(0 if layer is None else layer + 1, min(wish.wanted + 1, len(wish.layers))):
            if layer is None or not wish.layers[higher]:
                continue
            step = wish.layers[higher] - wish.layers[layer]
            if spent + step <= (now if had is not None and higher <= had else more):
                chosen[wish.down] = layer = higher
                spent += step
    return chosen


class Allocation:
    """What one receiver gets, steady over time. `given` is the last decision."""

    __slots__ = ("_budgets", "_patience", "_raised_at", "given")

    def __init__(self) -> None:
        self.given: dict[int, int | None] = {}
        self._budgets: deque[tuple[float, float]] = deque()
        self._patience = limits.UP_PATIENCE
        self._raised_at = float("-inf")

    def decide(self, budget: float, wishes: Sequence[Wish], now: float) -> dict[int, int | None]:
        """As `allocate`, with what was given before in mind. To be called when anything changes and at each tick."""
        self._remember(budget, now)
        first = self._least(limits.PICTURE_PATIENCE, now) * limits.UP_SHARE
        more = self._least(self._patience, now) * limits.UP_SHARE
        before, self.given = self.given, _share(budget, first, more, wishes, self.given)
        self._learn(before, wishes, now)
        return self.given

    def _remember(self, budget: float, now: float) -> None:
        """Keep what can still be the least of a window: times and budgets both rise from left to right."""
        while self._budgets and self._budgets[-1][1] >= budget:
            self._budgets.pop()
        self._budgets.append((now, budget))
        while self._budgets[0][0] < now - limits.MAX_UP_PATIENCE or len(self._budgets) > limits.MAX_BUDGETS:
            self._budgets.popleft()

    def _least(self, seconds: float, now: float) -> float:
        return next(budget for at, budget in self._budgets if at >= now - seconds)

    def _learn(self, before: Mapping[int, int | None], wishes: Sequence[Wish], now: float) -> None:
        """Grow the patience when something raised lately is taken back though still wanted; shrink it when it lasts."""
        raised = False
        for wish in wishes:
            height, had = _height(self.given[wish.down]), _height(before.get(wish.down))
            if height < min(had, wish.wanted) and now - self._raised_at < limits.UP_REGRET:
                self._patience = min(2 * self._patience, limits.MAX_UP_PATIENCE)
                self._raised_at = float("-inf")
            raised = raised or (wish.down in before and height > max(0, had))
        if raised:
            self._raised_at = now
        elif self._raised_at < now - limits.UP_REGRET and self._raised_at > float("-inf"):
            self._patience, self._raised_at = limits.UP_PATIENCE, float("-inf")


def _height(layer: int | None) -> int:
    return -1 if layer is None else layer
