"""A relay with a tiny budget, in a process of its own, and an appliance in front of it: what happens at the limit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from appliance.faults import Fault
from media.client import Permission, RelayClient
from media.room.capacity import Budget, Share, cost, most_people, whole_room
from tests.fakes.box import OpenBox
from tests.fakes.relay_process import Clinic, clinic
from tests.fakes.waiting import there, until

UNCOUNTED = Permission(("audio", "video"), True, counted=False)
LAST_N = 9


def enough_for(people: int) -> tuple[str, str]:
    """The option of a relay that carries so many people with pictures at the lowest layer, and nobody more."""
    kbps = int(cost(whole_room(people, LAST_N), Share(0, LAST_N)).kbps) + 1
    assert most_people(Budget(kbps), LAST_N) == people
    return "--capacity-kbps", str(kbps)


@pytest.fixture
async def small() -> AsyncIterator[Clinic]:
    """A relay that carries two."""
    async with clinic(options=enough_for(2)) as made:
        yield made


async def test_the_relay_says_that_one_more_does_not_fit_over_all_rooms(small: Clinic) -> None:
    assert await small.client.fits("a") == {"fits": True, "people": 0}
    await small.admit("a", "ada")
    await small.admit("a", "ben")
    assert await small.client.fits("a") == {"fits": False, "people": 2}
    assert not (await small.client.fits("b"))["fits"]
    assert (await small.client.counts())["capacity"]["people"] == 2


async def test_who_was_let_in_anyway_does_not_count(small: Clinic) -> None:
    await small.admit("a", "ada")
    await small.admit("a", "ben", UNCOUNTED)
    assert await small.client.fits("a") == {"fits": True, "people": 2}


async def test_a_relay_without_a_budget_bounds_nothing() -> None:
    async with clinic() as made:
        for number in range(20):
            await made.admit("a", f"m{number}")
        assert (await made.client.fits("a"))["fits"]
        assert (await made.client.counts())["capacity"] == {"share": None, "people": 20}


async def test_one_too_many_sees_fewer_pictures_is_told_why_and_hears_all(small: Clinic) -> None:
    pages = [await small.enter("a", name, "audio", "video") for name in ("ada", "ben", "cleo", "dan")]
    await until(
        lambda: "capacity" in {data.get("reason") for name, data in pages[0].events if name == "downTrackPaused"}
    )
    voices = [pages[0].from_member(name, "audio") for name in ("ben", "cleo", "dan")]
    before = [there(voice).packets for voice in voices]
    await until(lambda: all(there(voice).packets > count for voice, count in zip(voices, before, strict=True)))


@contextlib.asynccontextmanager
async def joined(box: OpenBox, relay: Clinic) -> AsyncIterator[None]:
    """The appliance's own client in the place of the fake relay."""
    live = box.clinic.live
    client = RelayClient(
        relay.socket, admitted=live.admitted, on_event=live.relay_event, on_connected=live.relay_connected
    )
    live.relay = client
    await relay.disconnect()
    running = asyncio.create_task(client.run())
    await until(lambda: client.connected)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_box_asks_at_the_third_and_goes_on_as_it_is_told(box: OpenBox, small: Clinic) -> None:
    async with joined(box, small):
        clinic, leader = box.clinic, box.leader()
        await clinic.act(leader, "open", box.session)
        for number in range(3):
            await box.wait_at_the_door(number)
        await clinic.act(leader, "admit", box.session, box.members[0])
        with pytest.raises(Fault, match="box_full"):
            await clinic.act(leader, "admit", box.session, box.members[1])
        assert clinic.live.fitting.waits_for_room(box.session, box.members[1])
        await clinic.act(leader, "admit", box.session, box.members[1], beyond="anyway")
        await clinic.live.look_at_capacity()
        assert clinic.live.fitting.carried.people == 3
        assert clinic.live.fitting.carried.share == pytest.approx(1.0, abs=0.01), "the third does not count"
        await clinic.act(leader, "admit", box.session, box.members[2], beyond="fewer")
        await clinic.live.look_at_capacity()
        assert (clinic.live.fitting.carried.share or 0) > 1.5


async def test_a_relay_that_dies_with_the_question_open_lets_everybody_in(box: OpenBox, small: Clinic) -> None:
    async with joined(box, small):
        await box.clinic.act(box.leader(), "open", box.session)
        await box.wait_at_the_door(0)
        await box.wait_at_the_door(1)
        await box.clinic.act(box.leader(), "admit", box.session, box.members[0])
        assert small.process is not None
        small.process.kill()
        await until(lambda: box.clinic.live.relay is not None and not box.clinic.live.relay.connected)
        await box.clinic.act(box.leader(), "admit", box.session, box.members[1])
        assert (await box.member(1)).standing == "admitted"
