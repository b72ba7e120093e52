"""One session from the invitation to the record at HQ, in real browsers with picture and sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.browser.people import COLOURS, Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box

WAIT = 30.0  # seconds until a condition must hold; generous, since three browsers share two cores
FAR = 60  # of 255: how far a decoded colour may be from the painted one

pytestmark = pytest.mark.browser

# Who sits at which browser: the one who leads, the first and the second patient.
TABLES = {
    "chromium": ("chromium", "chromium", "chromium"),
    "firefox": ("firefox", "firefox", "firefox"),
    "mixed": ("chromium", "firefox", "chromium"),
}


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


@pytest.mark.parametrize("table", TABLES)
async def test_two_people_see_and_hear_each_other_and_hq_gets_the_record(
    playwright: Playwright, box: Box, table: str
) -> None:
    browsers: dict[str, Browser] = {kind: await launch(playwright, kind) for kind in set(TABLES[table])}
    at = [browsers[kind] for kind in TABLES[table]]
    mara = await person(at[0], "Mara", "red")
    ada = await person(at[1], "Ada", "green", phone=True)
    tom = await person(at[2], "Tom", "blue")

    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0))
    await to_the_waiting_room(tom, box.link(1), box.pin(1), box.name(1))
    assert not await ada.inbound()

    await admit(mara, ada, box.name(0))
    await until(lambda: sees(ada, mara), "Ada sees Mara")
    await until(lambda: sees(mara, ada), "Mara sees Ada")
    assert not await tom.inbound(), "who waits gets no packet"

    await admit(mara, tom, box.name(1))
    for who, others in ((mara, (ada, tom)), (ada, (mara, tom)), (tom, (mara, ada))):
        await until(partial(sees, who, *others), f"{who.name} sees the right people")
        await until(await flowing(who, 2), f"pictures and sounds go on at {who.name}'s")

    await remove(mara, tom)
    await until(lambda: sees(ada, mara), "Tom's tile is gone at Ada's")
    await until(await flowing(ada, 1), "Mara's picture goes on at Ada's")
    await stopped(ada, 1)

    await end(mara)
    await expect(ada.page.get_by_role("heading", name="The session has ended")).to_be_visible(timeout=WAIT * 1000)
    await until(lambda: arrived(box), "the record is at HQ")
    for browser in browsers.values():
        await browser.close()


async def remove(leader: Person, who: Person) -> None:
    """The facilitator removes one; their page says so kindly."""
    row = leader.page.locator("#roster .person", has_text=who.name)
    await row.get_by_role("button", name="Remove").click()
    await leader.page.locator("#confirm-remove").get_by_role("button", name="Remove", exact=True).click()
    await expect(who.page.get_by_role("heading", name="You are no longer in the session")).to_be_visible(
        timeout=WAIT * 1000
    )


async def stopped(who: Person, streams: int) -> None:
    """Exactly `streams` videos are left that still get packets."""
    before = {track["ssrc"]: track["packets"] for track in await who.inbound()}
    await until(await flowing(who, streams), "the others go on")
    now = {track["ssrc"]: track for track in await who.inbound()}
    going = [ssrc for ssrc, t in now.items() if t["kind"] == "video" and t["packets"] > before.get(ssrc, 0)]
    assert len(going) == streams


async def end(leader: Person) -> None:
    await leader.page.get_by_role("button", name="End for everybody").click()
    await leader.page.locator("#confirm-end").get_by_role("button", name="End for everybody").click()


async def arrived(box: Box) -> bool:
    """Whether HQ opens one record of a session in which three people were present, and no name is in it."""
    records = await box.records_at_hq()
    assert not any(word in str(records) for word in ("Mara", "Ada", "Tom", "Rivera", "Brook", "Thursday"))
    return [len(record["body"]["attendees"]) for record in records] == [3]
