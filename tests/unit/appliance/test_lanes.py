"""Turns at the slow work of the door."""

from __future__ import annotations

import asyncio

import pytest

from appliance.faults import Fault
from appliance.identity.lanes import AT_ONCE, DEEP, MOST, Lanes


class Work:
    """Pieces of slow work, each ended by the test."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.begun: list[str] = []
        self.under_way: list[asyncio.Event] = []

    async def one(self, lane: str) -> None:
        async with self.lanes.turn(lane):
            self.begun.append(lane)
            self.under_way.append(asyncio.Event())
            await self.under_way[-1].wait()

    async def come(self, *lanes: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.one(lane)) for lane in lanes]
        await settled()
        return tasks

    async def end_one(self) -> None:
        next(event for event in self.under_way if not event.is_set()).set()
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_work_at_once_than_memory_allows_and_lanes_take_turns() -> None:
    work = Work()
    await work.come(*["crowd"] * 6, "nurse", "console")
    assert work.begun == ["crowd"] * AT_ONCE
    for _ in range(6):
        await work.end_one()
    assert work.begun == [*["crowd"] * 3, "nurse", "console", *["crowd"] * 3]
    assert len(work.under_way) - sum(event.is_set() for event in work.under_way) == AT_ONCE


async def test_who_would_stand_behind_the_end_of_a_lane_is_sent_away_with_a_wait() -> None:
    work = Work()
    await work.come(*["crowd"] * (AT_ONCE + DEEP))
    [late] = await work.come("crowd")
    fault = late.exception()
    assert isinstance(fault, Fault)
    assert fault.code == "too_many_tries" and fault.seconds > 0
    [nurse] = await work.come("nurse")
    assert not nurse.done()


async def test_all_lanes_together_have_an_end_too() -> None:
    work = Work()
    await work.come(*(f"10.0.0.{n}" for n in range(AT_ONCE + MOST)))
    [late] = await work.come("one more")
    assert isinstance(late.exception(), Fault)


@pytest.mark.parametrize("at_its_turn", [False, True])
async def test_who_goes_away_in_line_takes_no_turn_along(at_its_turn: bool) -> None:
    work = Work()
    tasks = await work.come("a", "a", "b", "c")
    if at_its_turn:
        work.under_way[0].set()
        while not tasks[0].done():
            await asyncio.sleep(0)
    tasks[2].cancel()
    await settled()
    for _ in range(3):
        if any(not event.is_set() for event in work.under_way):
            await work.end_one()
    assert "c" in work.begun
    assert work.lanes._under_way == 0
