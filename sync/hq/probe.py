"""Whether a store keeps the one promise that everything rests on: of those that create one name, exactly one does.

A probe finds a store that overwrites, and most of those that decide a race twice; it is no proof. Which servers, in
which arrangement, are known to keep the promise is in README.md.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from sync.faults import SyncFault
from sync.hq.objects import Objects

ROUNDS = 1
RACERS = 3  # over as many clients as there are. SeaweedFS lets each loser of a race wait for a second


async def probe(clients: Sequence[Objects]) -> None:
    """Raise `store_overwrites` unless a create under a taken name is refused and changes nothing, also in a race, and a
    swap changes only what it expected. `clients` all speak to one store, each over connections of its own."""
    path = f"probe/{secrets.token_hex(8)}"
    try:
        for _ in range(ROUNDS):
            if not await _one_creates(clients, path) or not await _one_swaps(clients, path):
                raise SyncFault("store_overwrites")
            await clients[0].delete(path)
    finally:
        await clients[0].delete(path)


async def _one_creates(clients: Sequence[Objects], path: str) -> bool:
    offers = [b"create %d" % racer for racer in range(RACERS)]
    found = await asyncio.gather(*(_of(clients, n).create(path, raw) for n, raw in enumerate(offers)))
    winners = [raw for raw, before in zip(offers, found, strict=True) if before is None]
    losers_saw = {before for before in found if before is not None}
    return len(winners) == 1 and losers_saw <= set(winners) == {await clients[-1].get(path)}


async def _one_swaps(clients: Sequence[Objects], path: str) -> bool:
    there = await clients[0].get(path)
    offers = [b"swap %d" % racer for racer in range(RACERS)]
    won = await asyncio.gather(*(_of(clients, n).swap(path, raw, there) for n, raw in enumerate(offers)))
    winners = [raw for raw, one in zip(offers, won, strict=True) if one]
    return len(winners) == 1 and await clients[-1].get(path) == winners[0]


def _of(clients: Sequence[Objects], racer: int) -> Objects:
    return clients[racer % len(clients)]
