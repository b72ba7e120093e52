"""What tiles say of a picture that rests, of who speaks, and of their size. Real templates, without a box."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.browser.looks import until
from tests.browser.panels import Stage, built, sentence, stage
from tests.browser.people import launch

pytestmark = pytest.mark.browser

REASONS = {"line": "restLine", "lastN": "restLastN", "capacity": "restCapacity"}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("probe"))


@pytest.fixture(params=["chromium", pytest.param("firefox", marks=pytest.mark.again)])
async def browser(request: pytest.FixtureRequest, playwright: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playwright, request.param)
    yield made
    await made.close()


async def test_a_picture_that_rests_says_why_and_nobody_is_shown_standing_still(browser: Browser, script: Path) -> None:
    room = await stage(browser, script)
    tile = room.page.locator("#tiles > .tile", has_text="Mara")
    words = tile.locator(".tile-rest")
    for reason, key in REASONS.items():
        await room.run("(reason) => room.tiles.rest('m1video', reason)", reason)
        await expect(words).to_have_text(sentence(key))
        await expect(tile).to_have_attribute("data-kind", "none")
        await expect(tile.locator("video")).to_have_css("opacity", "0")
        await expect(tile.get_by_text("camera off")).to_be_hidden()
        assert await room.complaints() == []
        await room.run("() => room.tiles.rest('m1video', null)")
        await expect(words).to_be_hidden()
        await expect(tile).to_have_attribute("data-kind", "video")
    # The relay's word may be lost: then what comes tells.
    for state, shown in (("open", "video"), ("silent", "none"), ("open", "video")):
        await room.run("(state) => room.tiles.seal('m1video', state)", state)
        await expect(tile).to_have_attribute("data-kind", shown)
    # Others are not touched by it, and a reason this page does not know is a reason too.
    await room.run("() => room.tiles.rest('m2video', 'moon')")
    await expect(tile).to_have_attribute("data-kind", "video")
    await expect(room.page.locator("#tiles > .tile", has_text="Rosa")).to_contain_text(sentence("restStale"))


async def test_who_speaks_has_a_sign_and_a_frame_and_nothing_of_it_is_read_out(browser: Browser, script: Path) -> None:
    room = await stage(browser, script)
    mara, rosa = (room.page.locator("#tiles > .tile", has_text=name) for name in ("Mara", "Rosa"))
    await room.run("() => room.tiles.speakers(['m1', 'm2'], 'm1')")
    for tile in (mara, rosa):
        await expect(tile.locator(".tile-speaks")).to_be_visible()
        await expect(tile).to_contain_text("speaks now")
    await expect(mara).to_have_attribute("data-active", "")
    await expect(rosa).not_to_have_attribute("data-active", "")
    live = "() => document.querySelectorAll(':is([aria-live], [role=status], [role=alert]):has(.tile-speaks)').length"
    assert await room.run(live) == 0
    assert await room.complaints() == []
    await room.run("() => room.tiles.speakers([], null)")
    await expect(rosa.locator(".tile-speaks")).to_be_hidden()


async def sized(room: Stage, track: str, *, least: int, most: int) -> None:
    async def holds() -> bool:
        width, height = await room.run("(track) => room.sizes[track] ?? [-1, -1]", track)
        return bool(least <= width <= most and least / 2 <= height <= most)

    await until(holds, f"{track} is {least} to {most} wide")


async def test_the_size_of_each_picture_is_told_and_nothing_is_wanted_of_what_is_out_of_sight(
    browser: Browser, script: Path
) -> None:
    room = await stage(browser, script, width=1280, height=800)
    await sized(room, "m1video", least=250, most=600)
    await room.page.set_viewport_size({"width": 390, "height": 844})
    await sized(room, "m1video", least=120, most=200)
    await room.run("() => (document.body.style.paddingTop = '9000px')")
    for track in ("m1video", "m2video"):
        await sized(room, track, least=0, most=0)
    await room.run("() => (document.body.style.paddingTop = '0')")
    await sized(room, "m2video", least=120, most=200)
    # A track that begins anew, as after the relay's restart, is told anew; a voice has no size.
    await room.run("() => room.tiles.remove('m1video')")
    again = "() => room.tiles.add({track: 'again', member: 'm1', kind: 'video', paused: false}, room.picture(9))"
    await room.run(again)
    await sized(room, "again", least=120, most=200)
    assert await room.run("() => 'm1audio' in room.sizes") is False


async def test_who_leads_sees_quietly_how_long_each_has_spoken(browser: Browser, script: Path) -> None:
    room = await stage(browser, script, facilitator=True, width=1280)
    rows = room.page.locator("#roster .person")
    members = [await row.get_attribute("data-member") for row in await rows.all()]
    assert len(members) >= 2
    await expect(rows.nth(0).locator(".p-talk")).to_be_hidden()
    await room.run("(one) => room.talk.told({[one]: 300})", members[0])
    await expect(rows.nth(0).locator(".talk-words")).to_have_text("spoke for 5 min")
    await expect(rows.nth(1).locator(".talk-words")).to_have_text(sentence("talkNone"))
    await room.run("([one, two]) => room.talk.told({[one]: 300, [two]: 30})", members[:2])
    await expect(rows.nth(1).locator(".talk-words")).to_have_text(sentence("talkLittle"))
    assert await room.complaints() == []
