"""Without keys nothing is opened, whatever box and relay send: not by who waits, and not by who was removed."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright

from tests.browser.keys import agree, box_of, gather, holders, opens_nothing_of, people, together, wait, words
from tests.browser.looks import admit, flowing, until
from tests.browser.tampering import KEEPS_ITS_KEYS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
async def test_who_waits_or_was_removed_opens_nothing_though_box_and_relay_send_them_everything(
    playwright: Playwright, kind: str
) -> None:
    async with box_of("forwards_everything") as box:
        mara, ada, tom = await people(playwright, mara="chromium", ada="chromium", tom=kind)
        await tom.context.add_init_script(KEEPS_ITS_KEYS)
        await gather(mara, box, ada)
        await wait(tom, box, 1)

        await opens_nothing_of(tom, streams=4)
        assert not await words(tom)
        assert "Tom" not in await holders(mara)

        # With keys, the same page opens everything.
        before = await words(mara)
        await admit(mara, tom, box.name(1))
        await until(lambda: agree(mara, ada, tom, other_than=before), "Tom has keys")
        await together(mara, ada, tom)
        await until(await flowing(tom, 2), "Tom sees and hears")

        # Removed, he still gets every packet, and keeps the keys that he had.
        before, toms = await words(mara), (await mara.tiles())["Tom"]["member"]
        row = mara.page.locator("#roster .person", has_text="Tom")
        await row.get_by_role("button", name="Remove").click()
        await mara.page.locator("#confirm-remove").get_by_role("button", name="Remove", exact=True).click()
        await until(lambda: agree(mara, ada, other_than=before), "the others have new keys")
        await opens_nothing_of(tom, streams=4)
        # And what he still sends under the old keys is opened by nobody.
        await opens_nothing_of(mara, toms, streams=2)  # they have no tile any more
        assert await holders(mara) == {"Mara", "Ada"}
        await until(await flowing(ada, 1), "Mara's picture goes on at Ada's")
