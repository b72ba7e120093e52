"""Layers of a picture through a real box: each receiver's follows its tile, and nothing is seen of the change."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import Playwright, expect

from tests.browser.layers import APART, sent, watch, watched
from tests.browser.looks import admit, flowing, sees, until
from tests.browser.people import Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

HD = (1280, 720)
# A window in which the other's tile wants the layer that wide, and the device's pixels for each of the page's.
WINDOWS = {320: (340, 800, 1), 640: (600, 800, 1), 1280: (1920, 1080, 2)}
LIPS_MS = 200  # by which lips may be away from the voice; people notice from about 150 on
LONGEST_MS = 2000  # without a new picture at a change: a key frame that was asked for, on a machine with much to do


async def gather(playwright: Playwright, box: Box, leader: str, patient: str) -> tuple[Person, Person]:
    """Mara leads and has a large picture, Ada has been let in; each in that browser."""
    mara = await person(await launch(playwright, leader), "Mara", "red", camera=HD)
    ada = await person(await launch(playwright, patient), "Ada", "green")
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0))
    await admit(mara, ada, box.name(0))
    await until(partial(sees, ada, mara), "Ada sees Mara")
    await until(partial(sees, mara, ada), "Mara sees Ada")
    return mara, ada


async def gets(who: Person, width: int) -> None:
    async def holds() -> bool:
        return bool((await watched(who))["width"] == width)

    await until(holds, f"{who.name} gets the layer that is {width} wide")


@pytest.mark.parametrize(
    ("leader", "patient"), [("chromium", "firefox"), pytest.param("firefox", "chromium", marks=pytest.mark.again)]
)
async def test_each_gets_the_layer_of_their_tile_and_sees_nothing_of_the_change(
    playwright: Playwright, box: Box, leader: str, patient: str
) -> None:
    mara, ada = await gather(playwright, box, leader, patient)
    await watch(ada, mara)
    for width in (640, 320, 1280, 320):
        columns, rows, pixels = WINDOWS[width]
        await ada.page.evaluate(
            f"Object.defineProperty(window, 'devicePixelRatio', {{value: {pixels}, configurable: true}})"
        )
        await ada.page.set_viewport_size({"width": columns, "height": rows})
        await gets(ada, width)
    seen = await watched(ada)
    assert seen["wrong"] == []
    assert seen["longest"] < LONGEST_MS
    # Nobody looks at the larger ones now: they are not made any more, and the smallest goes on.
    assert len(await sent(mara)) == 3

    async def rests() -> bool:
        before = await sent(mara)
        await until(await flowing(ada, 1), "Mara's picture goes on")
        now = await sent(mara)
        return [one["frames"] > was["frames"] for one, was in zip(now, before, strict=True)] == [True, False, False]

    await until(rests, "only what somebody looks at is made")
    for who in (mara, ada):
        await expect(who.page.locator("#silence")).to_be_hidden()  # no watchdog took a resting layer for a leak
    if patient == "chromium":  # which tells when what it plays was made

        async def together() -> bool:
            apart = await ada.page.evaluate(APART)
            return apart is not None and apart < LIPS_MS

        await until(together, "lips and voice are together")
