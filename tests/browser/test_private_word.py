"""A private word in real browsers: two of three in a room of their own with its own keys, and all back together."""

from __future__ import annotations

import json
from functools import partial

import pytest
from playwright.async_api import Locator, Page, Playwright, expect

from tests.browser.looks import WAIT, admit, flowing, sees, until
from tests.browser.people import Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser


class Groups:
    """The ids of the MLS groups that somebody's page was told of, oldest first."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        page.on("websocket", lambda line: line.on("framereceived", self._frame))

    def _frame(self, frame: str | bytes) -> None:
        found = json.loads(frame)
        group = found["data"].get("group") if found.get("event") == "group" else None
        if group is not None and group not in self.seen:
            self.seen.append(group)


def row(leader: Person, who: Person) -> Locator:
    return leader.page.locator("#roster .person", has_text=who.name)


async def aside(leader: Person, who: Person) -> None:
    await row(leader, who).get_by_role("button", name="Private word").click()
    await expect(leader.page.get_by_role("heading", name=f"Private word with {who.name}")).to_be_visible()
    await expect(who.page.get_by_role("heading", name=f"A word with {leader.name}")).to_be_visible()
    for one, other in ((leader, who), (who, leader)):
        await until(partial(sees, one, other), f"{one.name} sees {other.name} alone")
        await until(await flowing(one, 1), f"picture and sound go on at {one.name}'s")


async def back(*pages: Person) -> None:
    """Their pages are those of the group again."""
    for who in pages:
        await expect(who.page.locator("main[data-home]")).to_have_count(0, timeout=WAIT * 1000)
        await who.page.wait_for_load_state()


async def together(*everybody: Person) -> None:
    for who in everybody:
        await until(partial(sees, who, *(one for one in everybody if one is not who)), f"{who.name} sees all others")
        await until(await flowing(who, len(everybody) - 1), f"pictures and sounds go on at {who.name}'s")


async def nothing_comes(who: Person) -> bool:
    """No packet between two looks, half a second of the page's time apart."""
    before = sum(track["packets"] for track in await who.inbound())
    start = await who.page.evaluate("performance.now()")
    await who.page.wait_for_function("(start) => performance.now() - start > 500", arg=start)
    return bool(sum(track["packets"] for track in await who.inbound()) <= before)


@pytest.mark.again
async def test_two_of_three_have_a_word_alone_and_all_are_together_again(playwright: Playwright, box: Box) -> None:
    browser = await launch(playwright, "chromium")
    mara = await person(browser, "Mara", "red")
    ada = await person(browser, "Ada", "green", phone=True)
    tom = await person(browser, "Tom", "blue")
    groups = {who.name: Groups(who.page) for who in (mara, ada, tom)}
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    for number, who in enumerate((ada, tom)):
        await to_the_waiting_room(who, box.link(number), box.pin(number), box.name(number))
        await admit(mara, who, box.name(number))
    await together(mara, ada, tom)

    await aside(mara, ada)
    tile = tom.page.locator("#tiles > .tile", has_text="Mara")
    await expect(tile.get_by_text("back in a moment")).to_be_visible()
    await until(partial(nothing_comes, tom), "Tom gets nothing of the two")
    await ada.page.reload()
    await until(partial(sees, ada, mara), "Ada's reload leads back into the private room")
    await until(partial(sees, mara, ada), "and Mara sees her again")
    assert await nothing_comes(tom)
    await ada.page.get_by_role("button", name="Back to the group").click()
    await back(ada, mara)
    await together(mara, ada, tom)
    (group,) = groups["Tom"].seen
    private = [one for one in groups["Ada"].seen if one != group]
    assert private
    assert set(groups["Mara"].seen) == {group, *private}

    await aside(mara, ada)
    await mara.page.goto("about:blank")  # her line is lost
    await expect(ada.page.locator("#aside-lost")).to_be_visible(timeout=WAIT * 1000)
    await ada.page.get_by_role("button", name="Back to the group").click()
    await back(ada)
    await mara.page.go_back()
    await back(mara)
    await together(mara, ada, tom)
    await browser.close()
