"""What people see on their pages, and the few things a facilitator does to them. Every look waits for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import expect

from tests.browser.people import COLOURS, Person
from tests.fakes.boxes import Box

WAIT = 30.0  # seconds until a condition must hold; generous, since three browsers share two cores
FAR = 60  # of 255: how far a decoded colour may be from the painted one


async def until(holds: Callable[[], Awaitable[Any]], what: str) -> None:
    """Look again until it holds, or fail with what was waited for."""
    deadline = asyncio.get_running_loop().time() + WAIT
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.1)


def near(seen: list[float] | None, colour: str) -> bool:
    return seen is not None and all(abs(a - b) < FAR for a, b in zip(seen, COLOURS[colour], strict=True))


async def sees(who: Person, *others: Person) -> bool:
    """Whether every other one's own colour is in the tile with their name, and nobody else has a tile."""
    tiles = await who.tiles()
    return set(tiles) == {who.name, *(o.name for o in others)} and all(
        near(tiles[o.name]["colour"], o.colour) for o in others
    )


async def flowing(who: Person, streams: int) -> Callable[[], Awaitable[bool]]:
    """A look that tells whether `streams` videos and as many sounds have gone on since now."""
    before = {track["ssrc"]: track for track in await who.inbound()}

    async def look() -> bool:
        now = await who.inbound()
        videos = [t for t in now if t["kind"] == "video" and t["frames"] > before.get(t["ssrc"], t)["frames"]]
        sounds = [t for t in now if t["kind"] == "audio" and t["packets"] > before.get(t["ssrc"], t)["packets"]]
        return len(videos) >= streams and len(sounds) >= streams

    return look


async def admit(leader: Person, patient: Person, full_name: str) -> None:
    await leader.page.get_by_role("button", name=f"Admit {full_name}", exact=True).click()
    await patient.page.locator("#call").wait_for(state="visible")


async def remove(leader: Person, who: Person) -> None:
    """The facilitator removes one; their page says so kindly."""
    row = leader.page.locator("#roster .person", has_text=who.name)
    await row.locator(".more summary").click()
    await row.get_by_role("button", name="Remove").click()
    await leader.page.locator("#confirm-remove").get_by_role("button", name="Remove", exact=True).click()
    await expect(who.page.get_by_role("heading", name="You are no longer in the session")).to_be_visible(
        timeout=WAIT * 1000
    )


async def stopped(who: Person, streams: int) -> None:
    """Soon exactly `streams` videos get packets while the sound goes on.

    Not at once: packets that were on their way still count, and a browser's counters lag behind what it shows.
    """

    async def look() -> bool:
        before = {track["ssrc"]: track["packets"] for track in await who.inbound()}
        await until(await flowing(who, streams), "the others go on")
        videos = [track for track in await who.inbound() if track["kind"] == "video"]
        return sum(bool(track["packets"] > before.get(track["ssrc"], 0)) for track in videos) == streams

    await until(look, f"exactly {streams} videos go on")


async def end(leader: Person) -> None:
    await leader.page.get_by_role("button", name="End for everybody").click()
    await leader.page.locator("#confirm-end").get_by_role("button", name="End for everybody").click()


async def arrived(box: Box, people: int = 3) -> bool:
    """Whether HQ opens one record of a session in which so many people were present, and no name is in it."""
    records = await box.records_at_hq()
    assert not any(word in str(records) for word in ("Mara", "Ada", "Tom", "Rivera", "Brook", "Thursday"))
    sessions = [record["body"] for record in records if record["class"] == "session_ended"]
    return [len(session["attendees"]) for session in sessions] == [people]
