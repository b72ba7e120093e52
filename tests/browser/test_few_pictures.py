"""A box at its limit whose pages get one picture each: who is left out is named, heard, and said to rest."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.async_api import Playwright, WebSocketRoute, expect

from media.room.capacity import Share, cost, whole_room
from tests.browser.looks import WAIT, admit, near, stopped, until
from tests.browser.panels import sentence
from tests.browser.people import Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box, running_box

pytestmark = pytest.mark.browser

SLOW = WAIT * 1000  # milliseconds, as Playwright counts
# For three and not for four: the demo has two who lead, and one of them stays away.
ENOUGH = int(1.1 * cost(whole_room(3, 1), Share(0, 1)).kbps)


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    home = Path(mkdtemp(prefix="hearth-"))
    try:
        async with running_box(home, media=f"last_n = 1\ncapacity_kbps = {ENOUGH}") as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Mishears:
    """The first line passes everything on but no word of pictures that rest, as if it had been away just then."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, line: WebSocketRoute) -> None:
        self.lines += 1
        if self.lines == 1:
            box = line.connect_to_server()
            box.on_message(lambda message: None if "downTrackPaused" in str(message) else line.send(message))
        else:
            line.connect_to_server()


async def sees_only(who: Person, shown: Person, left_out: Person) -> None:
    """One of the others in their colour; the other by name and with the reason."""
    tile = who.page.locator("#tiles > .tile", has_text=left_out.name)
    await expect(tile.locator(".tile-rest")).to_have_text(sentence("restLastN"), timeout=SLOW)
    await expect(tile).to_have_attribute("data-kind", "none")
    await expect(tile.locator(".tile-name")).to_be_visible()

    async def looks() -> bool:
        return near((await who.tiles())[shown.name]["colour"], shown.colour)

    await until(looks, f"{who.name} sees {shown.name}")


async def voices(who: Person, count: int) -> None:
    """So many sounds go on."""
    before = {track["ssrc"]: track["packets"] for track in await who.inbound()}

    async def go_on() -> bool:
        sounds = [track for track in await who.inbound() if track["kind"] == "audio"]
        return sum(bool(track["packets"] > before.get(track["ssrc"], 0)) for track in sounds) == count

    await until(go_on, f"{who.name} hears {count}")


@pytest.mark.again
async def test_who_leads_and_who_speaks_are_seen_and_everybody_is_heard(playwright: Playwright, box: Box) -> None:
    chromium, firefox = await launch(playwright, "chromium"), await launch(playwright, "firefox")
    mara, ada = await person(chromium, "Mara", "red"), await person(chromium, "Ada", "green")
    tom = await person(firefox, "Tom", "blue", phone=True)
    await ada.page.route_web_socket("**", Mishears())
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0))
    await to_the_waiting_room(tom, box.link(1), box.pin(1), box.name(1))
    await admit(mara, ada, box.name(0))
    await mara.page.get_by_role("button", name=f"Admit {box.name(1)}", exact=True).click()
    await mara.page.get_by_role("button", name="Let in with fewer pictures").click()
    await voices(ada, 2)
    await expect(ada.page.locator("#tiles > .tile", has_text="Tom")).not_to_contain_text(sentence("restLastN"))
    await ada.page.evaluate("dispatchEvent(new Event('online'))")  # another line, on which it asks what stands
    await sees_only(ada, mara, tom)
    await sees_only(tom, mara, ada)
    # Firefox's made-up sound is one long tone, Chromium's are short beeps: nobody but Tom speaks for long enough.
    await sees_only(mara, tom, ada)
    await expect(mara.page.locator("#tiles > .tile", has_text="Tom")).to_have_attribute("data-active", "")
    for who in (mara, ada, tom):
        await voices(who, 2)
        await stopped(who, 1)
