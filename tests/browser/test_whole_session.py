"""One session from the invitation to the record at HQ, in real browsers with picture and sound."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.browser.looks import WAIT, admit, arrived, end, flowing, remove, sees, stopped, until
from tests.browser.people import launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

# Who sits at which browser: the one who leads, the first and the second patient.
TABLES = {
    "chromium": ("chromium", "chromium", "chromium"),
    "firefox": ("firefox", "firefox", "firefox"),
    "mixed": ("chromium", "firefox", "chromium"),
}


@pytest.mark.parametrize("table", ["chromium", "mixed", pytest.param("firefox", marks=pytest.mark.again)])
@pytest.mark.again
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
