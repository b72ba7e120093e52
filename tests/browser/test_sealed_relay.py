"""A relay that passes one member's streams off as another's: black and silent, and never the wrong face."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import Playwright

from tests.browser.keys import box_of, doubts, gather, opens_nothing_of, people
from tests.browser.looks import near, until
from tests.browser.people import COLOURS
from tests.browser.tampering import WATCH_COLOURS
from tests.fakes.boxes import rig_flag

pytestmark = pytest.mark.browser


async def test_swapped_streams_of_two_members_are_black_and_silent_and_never_show_the_wrong_one(
    playwright: Playwright,
) -> None:
    async with box_of("swaps_streams") as box:
        everybody = mara, ada, tom = await people(playwright, mara="chromium", ada="firefox", tom="chromium")
        await gather(mara, box, ada, tom)
        for who in everybody:
            await who.page.evaluate(WATCH_COLOURS)

        rig_flag(box.home).touch()
        for who in everybody:
            for other in (one for one in everybody if one is not who):
                await until(partial(doubts, who, other, "wrongSender"), f"{who.name} is told about {other.name}")
            await opens_nothing_of(who, streams=4)

        for who in everybody:
            for name, colours in (await who.page.evaluate("() => window.colours")).items():
                theirs = next(one.colour for one in everybody if one.name == name)
                assert colours
                for wrong in COLOURS.keys() - {theirs}:
                    assert not any(near(seen, wrong) for seen in colours), f"{wrong} in {name}'s tile"
