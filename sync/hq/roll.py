"""All boxes of an HQ at once: ten thousand cards of a store some milliseconds away are read side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sync import keys
from sync.faults import SyncFault
from sync.hq.cards import Card, Cards
from sync.hq.objects import Objects

SIDE_BY_SIDE = 64

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Roll:
    """Cards by box id, and the boxes whose card cannot be read, with the fault's code."""

    cards: Sequence[Card]
    damaged: Sequence[tuple[bytes, str]]


async def call(objects: Objects, folder: Path) -> Roll:
    """Every enrolled box, revoked ones too. Raises `hq_failed`."""
    cards = Cards(objects, folder)
    boxes = {box async for box in _ids(objects)}
    older = (keys.box_from_text(path.stem) for path in (folder / "enrolled").glob("*.json"))
    boxes.update(box for box in older if box is not None)

    async def one(box: bytes) -> Card | str | None:
        try:
            return await cards.get(box)
        except SyncFault as fault:
            if fault.code == "hq_failed":
                raise
            return fault.code

    ordered = sorted(boxes)
    found = await side_by_side(one, ordered)
    damaged = [(box, card) for box, card in zip(ordered, found, strict=True) if isinstance(card, str)]
    return Roll([card for card in found if isinstance(card, Card)], damaged)


async def side_by_side(work: Callable[[T], Awaitable[U]], things: Iterable[T]) -> list[U]:
    """`work` of each thing, in their order, some at a time."""
    waiting, found = list(things), list[U]()
    for start in range(0, len(waiting), SIDE_BY_SIDE):
        found.extend(await asyncio.gather(*(work(thing) for thing in waiting[start : start + SIDE_BY_SIDE])))
    return found


async def _ids(objects: Objects) -> AsyncIterator[bytes]:
    async for entry in objects.entries("cards"):
        box = keys.box_from_text(entry.path.removeprefix("cards/").removesuffix(".json"))
        if box is not None:
            yield box
