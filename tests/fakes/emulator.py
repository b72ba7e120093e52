"""A bad line in virtual time: rate, queue, delay, jitter, loss, bursts of it, reordering, repeats; the same for a seed.

Everything may be changed while it runs. Times in seconds; what is sent may be anything, its size is told.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Emulator(Generic[T]):
    """One direction of a line. `rate` in bits per second, `queue` in seconds of it; `loss` and the like are shares.

    `bursts` is the share of packets at which a burst of loss begins, `burst` the mean packets that it lasts. `jitter`
    delays by up to so many seconds without changing the order, `reorder` lets a share of the packets be overtaken.
    `overhead` is what the network adds to each packet: IPv4, UDP and SRTP's tag.
    """

    seed: int
    rate: float = 100e6
    queue: float = 0.5
    delay: float = 0.02
    jitter: float = 0.0
    loss: float = 0.0
    bursts: float = 0.0
    burst: float = 5.0
    reorder: float = 0.0
    duplicate: float = 0.0
    overhead: int = 44
    lost: int = 0
    dropped: int = 0
    _waiting: deque[tuple[float, int, T]] = field(default_factory=deque)
    _bytes: int = 0
    _free_at: float = 0.0
    _last: float = 0.0
    _bad: bool = False
    _count: int = 0
    _flying: list[tuple[float, int, T]] = field(default_factory=list)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311  seeded on purpose

    def send(self, item: T, size: int, now: float) -> None:
        self._serve(now)
        size += self.overhead
        if (self._bytes + size) * 8 > self.queue * self.rate:
            self.dropped += 1
            return
        self._waiting.append((now, size, item))
        self._bytes += size

    def arrived(self, now: float) -> list[tuple[float, T]]:
        """(time, item) of all that came until `now`, in order."""
        self._serve(now)
        found = []
        while self._flying and self._flying[0][0] <= now:
            at, _, item = heapq.heappop(self._flying)
            found.append((at, item))
        return found

    @property
    def waiting(self) -> float:
        """Seconds of queue."""
        return self._bytes * 8 / self.rate

    def _serve(self, now: float) -> None:
        while self._waiting:
            came, size, item = self._waiting[0]
            done = max(self._free_at, came) + size * 8 / self.rate
            if done > now:
                return
            self._waiting.popleft()
            self._bytes -= size
            self._free_at = done
            self._fly(item, done)

    def _fly(self, item: T, now: float) -> None:
        chance = self._chance
        self._bad = chance.random() >= 1 / self.burst if self._bad else chance.random() < self.bursts
        if self._bad or chance.random() < self.loss:
            self.lost += 1
            return
        at = now + self.delay + chance.random() * self.jitter
        if chance.random() < self.reorder:
            at += 0.005 + chance.random() * 0.02
        else:
            at = self._last = max(at, self._last)
        for _ in range(2 if chance.random() < self.duplicate else 1):
            self._count += 1
            heapq.heappush(self._flying, (at, self._count, item))
