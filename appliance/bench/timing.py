"""How the benches take times: with perf_counter, in milliseconds, as medians and 99th percentiles."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence


def since(start: float) -> float:
    """Milliseconds since `start` (perf_counter)."""
    return (time.perf_counter() - start) * 1000


def p50_p99(taken: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile of at least two values."""
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]


async def timed(count: int, callers: int, act: Callable[[int], Awaitable[object]]) -> list[float]:
    """Milliseconds of each of `count` acts, shared out to `callers` that work side by side."""
    numbers = iter(range(count))
    taken: list[float] = []

    async def caller() -> None:
        for index in numbers:
            start = time.perf_counter()
            await act(index)
            taken.append(since(start))

    await asyncio.gather(*(caller() for _ in range(callers)))
    return taken


def repeated(count: int, act: Callable[[int], object]) -> float:
    """Milliseconds of `count` acts one after the other."""
    start = time.perf_counter()
    for index in range(count):
        act(index)
    return since(start)
