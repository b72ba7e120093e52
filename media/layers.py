"""Which layer of which picture one receiver gets: budget, tile sizes and ranks in, layers out. No clock, no packets.

Sound comes first: its reserve is taken off the budget before anything here (`sound_reserve`). Then every picture gets
its lowest layer, in the order of rank; then the first of rank gets what its tile can use, then the next. What does not
fit is passed over, and who comes after may still fit.

    budget ──less sound_reserve──▶ lowest layer for each, by rank ──▶ higher layers, rank by rank

Down at once, up only with room to spare: a step that a receiver has already may use the whole budget of now, a new one
only UP_SHARE of the least budget of the last UP_PATIENCE seconds. So a budget that wavers by less than that changes
nothing, and a change of speaker, which is no matter of budget, waits for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from media.bandwidth import limits


class Wish(NamedTuple):
    """One picture that a receiver could get.

    `layers`: bits per second of each layer, lowest first; 0 for one that does not come now. `wanted`: the highest layer
    that its tile can use (`layer_for_tile`), -1 for none. `rank`: 0 the active speaker, 1 who leads, from 2 by recency.
    """

    down: int
    layers: tuple[int, ...]
    wanted: int
    rank: int


def sound_reserve(voices: int) -> int:
    """Bits per second to keep for the sound of `voices` members."""
    return voices * limits.VOICE_BPS


def layer_for_tile(width: int, height: int, layers: int) -> int:
    """The lowest of `layers` layers that fills a tile of that many pixels well enough; -1 for a tile not shown."""
    raise NotImplementedError


def allocate(budget: float, wishes: Sequence[Wish]) -> dict[int, int | None]:
    """Down number to layer, None for no picture. Deterministic; a wish at equal rank goes by its place in `wishes`."""
    raise NotImplementedError


class Allocation:
    """What one receiver gets, steady over time."""

    def __init__(self) -> None:
        self.given: dict[int, int | None] = {}
        self._budgets: deque[tuple[float, float]] = deque()

    def decide(self, budget: float, wishes: Sequence[Wish], now: float) -> Mapping[int, int | None]:
        """As `allocate`, with what was given before in mind. To be called when anything changes and each tick."""
        raise NotImplementedError
