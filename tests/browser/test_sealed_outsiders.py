"""Without keys nothing is opened, whatever box and relay send: not by who waits, and not by who was removed."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Playwright

from tests.browser.keys import agree, box_of, gather, holders, opens_nothing_of, people, together, wait, words
from tests.browser.looks import admit, flowing, until
from tests.browser.people import Person
from tests.browser.tampering import KEEPS_ITS_KEYS, LOOKS_AT_ALL

pytestmark = pytest.mark.browser


async def take_out(leader: Person, name: str) -> None:
    row = leader.page.locator("#roster .person", has_text=name)
    await row.locator(".more summary").click()
    await row.get_by_role("button", name="Remove").click()
    await leader.page.locator("#confirm-remove").get_by_role("button", name="Remove", exact=True).click()


async def test_who_waits_or_was_removed_opens_nothing_though_box_and_relay_send_them_everything(
    playwright: Playwright,
) -> None:
    async with box_of("forwards_everything") as box:
        mara, ada, tom, wen = await people(playwright, mara="chromium", ada="chromium", tom="chromium", wen="firefox")
        outside = tom, wen
        for who in outside:
            await who.context.add_init_script(KEEPS_ITS_KEYS)
            await who.context.add_init_script(LOOKS_AT_ALL)
        await gather(mara, box, ada)
        await asyncio.gather(wait(tom, box, 1), wait(wen, box, 2))
        for who in outside:
            await opens_nothing_of(who, "Mara", "Ada", streams=4)
            assert not await words(who)
        assert await holders(mara) == {"Mara", "Ada"}

        # With keys the same pages open everything.
        for number, who in enumerate(outside, start=1):
            await admit(mara, who, box.name(number))
        await together(mara, ada, tom, wen)
        for who in outside:
            await until(await flowing(who, 3), f"{who.name} sees and hears")

        # Removed, they still get every packet, and keep the keys that they had.
        before = await words(mara)
        theirs = {who.name: (await mara.tiles())[who.name]["member"] for who in outside}  # later they have no tile
        for who in outside:
            await take_out(mara, who.name)
        await until(lambda: has_without(mara, before, {"Mara", "Ada"}), "the others have keys without them")
        await until(lambda: agree(mara, ada), "the same ones")
        for who in outside:
            await opens_nothing_of(who, "Mara", "Ada", streams=4)
            # And what they still send under the old keys is opened by nobody.
            await opens_nothing_of(mara, theirs[who.name], streams=2)
        await until(await flowing(ada, 1), "Mara's picture goes on at Ada's")


async def has_without(who: Person, before: list[str], names: set[str]) -> bool:
    return await words(who) != before and await holders(who) == names
