"""The parts of the hour that everybody has: cards, help, hands, whispers, looks, the viewer's name. Without a box.

Real templates in real browsers. Each test takes one page through many looks: a page costs more than a look.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.browser.panels import PEOPLE, Stage, built, stage
from tests.browser.people import launch

pytestmark = pytest.mark.browser

RULES = {"id": "c1", "kind": "rules", "title": "Our rules", "paragraphs": ["What is said here stays here."]}
REMINDER = {"id": "c2", "kind": "reminder", "title": "A reminder", "paragraphs": ["Please be alone."]}
MARA = {"member": "m1", "name": "Mara", "facilitator": True, "you": False}
ROSA = {"member": "m2", "name": "Rosa", "facilitator": False, "you": False}
LED = {"state": "open", "locked": True, "phase": "running", "leader": {"member": "m1", "name": "Mara", "here": True}}
MENU = (
    "() => document.querySelector('.tile').dispatchEvent(new Event('contextmenu', {bubbles: true, cancelable: true}))"
)
SEEN = """(how) => {
  Object.defineProperty(document, "visibilityState", {value: how, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("hour"))


@pytest.fixture(params=["chromium", pytest.param("firefox", marks=pytest.mark.again)])
async def browser(request: pytest.FixtureRequest, playwright: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playwright, request.param)
    yield made
    await made.close()


async def inside(browser: Browser, script: Path, **more: Any) -> Stage:
    room = await stage(browser, script, **more)
    await room.run(
        "([people, led]) => (room.hour.people(people), room.hour.keys(true), room.hour.session(led))", [PEOPLE, LED]
    )
    return room


async def clean(room: Stage) -> None:
    """Nothing for axe to say, where the controls that stay cover nothing by half: at the page's end."""
    await room.run("() => scrollTo(0, document.body.scrollHeight)")
    assert await room.complaints() == []


async def event(room: Stage, name: str, data: dict[str, Any]) -> None:
    await room.run("([name, data]) => room.hour.event(name, data)", [name, data])


async def test_cards_stand_one_after_the_other_and_give_the_focus_back(browser: Browser, script: Path) -> None:
    room = await inside(browser, script)
    page, sheet, done = room.page, room.page.locator("#card-sheet"), room.page.locator("#card-done")
    await page.locator("#chat summary").click()
    await page.locator("#chat-text").focus()
    await event(room, "cards", {"cards": [RULES, REMINDER]})
    await expect(page.get_by_role("heading", name="Our rules")).to_be_focused()
    await clean(room)
    await page.keyboard.press("Enter")  # meant for the chat: the heading has the focus, and nothing happens
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_visible()
    await room.run("() => { room.refuse = true }")
    await done.click()
    await expect(page.locator("#card-failed")).to_be_visible()
    await room.run("() => { room.refuse = false; room.calls.length = 0 }")
    await page.get_by_role("button", name="I will keep to it").click()
    await expect(page.get_by_role("heading", name="A reminder")).to_be_focused()
    await page.get_by_role("button", name="I have read it").click()
    await expect(sheet).to_be_hidden()
    assert await room.calls() == ['roomAcknowledge {"card":"c1"}', 'roomAcknowledge {"card":"c2"}']
    await expect(page.locator("#chat-text")).to_be_focused()
    await event(room, "cards", {"cards": [REMINDER]})  # the box has not heard of it yet: not shown again
    await expect(sheet).to_be_hidden()
    await page.locator("#more").click()
    await event(room, "cards", {"cards": [{**RULES, "id": "c3"}]})
    await expect(sheet).to_be_hidden()  # a card waits for what is open
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Our rules")).to_be_visible()


async def test_help_acts_at_once_and_then_says_who_knows(browser: Browser, script: Path) -> None:
    room = await inside(browser, script)
    page = room.page
    await clean(room)
    await room.run("() => { room.refuse = true }")
    await page.get_by_role("button", name="Help", exact=True).click()
    await clean(room)
    await page.get_by_role("button", name="Someone can hear me").click()
    assert await room.run("() => [room.hour.own.speaking, room.hour.own.seen]") == [False, False]
    await expect(page.get_by_role("alert").filter(has_text="We could not tell Mara")).to_be_visible()
    await room.run("() => { room.refuse = false }")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("#help-told")).to_have_text("Mara knows.")
    await expect(page.get_by_text("When you are alone again")).to_be_visible()
    await page.get_by_role("button", name="Back to the room").click()
    await expect(page.locator("#help")).to_be_focused()
    await page.keyboard.press("n")
    await page.get_by_role("button", name="I am not okay").click()
    await expect(page.get_by_role("link", name="911")).to_be_visible()
    await clean(room)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Somebody is recording or is not alone").click()
    await page.locator("#help-sheet").get_by_role("button", name="Write a private word").click()
    await page.keyboard.type("It is Rosa's window.")
    await page.keyboard.press("Enter")
    await expect(page.locator(".whisper-state")).to_have_text("is on its way")
    await room.run("(from) => room.hour.said(from, {t: 'heard', id: '0'.repeat(32)})", MARA)
    await expect(page.locator(".whisper-state")).to_have_text("Mara has it")
    await clean(room)
    kinds = [one for one in await room.calls() if one.startswith(("roomConcern", "whisper"))]
    concerns = [f'roomConcern {{"kind":"{kind}"}}' for kind in ("overheard", "overheard", "distress", "privacy")]
    assert kinds == [*concerns, "whisper m1 It is Rosa's window."]
    await page.keyboard.press("Escape")
    await room.run("(from) => room.hour.whispered(from, '<b>thank you</b>')", MARA)
    await page.get_by_role("button", name="Read it").click()
    await expect(page.locator("#whisper-log .chat-text").last).to_have_text("<b>thank you</b>")
    await room.run("() => room.hour.finish()")
    assert await page.locator("#whisper-log").text_content() == ""
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_hands_passing_and_signs_are_seen_and_said_and_keys_rest_while_one_writes(
    browser: Browser, script: Path
) -> None:
    room = await inside(browser, script)
    page, hand, news = room.page, room.page.locator("#hand"), room.page.locator("#news")
    await page.keyboard.press("h")
    assert await room.calls() == ['roomHand {"up":true}']
    await event(room, "hands", {"queue": [{"member": "m2", "name": "Rosa"}, {"member": "me", "name": "Ada"}]})
    await expect(hand).to_have_attribute("aria-pressed", "true")
    await expect(hand).to_contain_text("place 2")
    await expect(page.locator(".tile-hand:visible")).to_have_count(2)
    await room.run("() => room.hour.lineUp()")
    await event(room, "hands", {"queue": []})  # a box that was started anew knows of no hand
    assert (await room.calls())[1:] == ['roomHand {"up":true}']
    await event(room, "hands", {"queue": [{"member": "me", "name": "Ada"}]})
    await event(room, "hands", {"queue": []})  # lowered by who leads: it stays down
    assert len(await room.calls()) == 2
    await event(room, "hands", {"queue": [{"member": "me", "name": "Ada"}]})
    await room.run("() => { room.calls.length = 1 }")
    await page.locator("#more").click()
    await page.get_by_role("button", name="I pass this time").click()
    await expect(page.locator("[data-you] .tile-said")).to_contain_text("passes this time")
    await expect(news).to_have_text("Ada passes this time.")
    assert (await room.calls())[1:] == ["say pass", 'roomHand {"up":false}']
    await room.run("(from) => room.hour.said(from, {t: 'react', what: 'heart'})", ROSA)
    await expect(news).to_have_text("Rosa sends a heart.")
    await clean(room)
    await page.locator("#chat summary").click()
    await room.run("() => room.chat.ready(true)")
    await page.locator("#chat-text").focus()
    await page.keyboard.type("hmcn?")
    await expect(page.locator("#chat-text")).to_have_value("hmcn?")
    assert len(await room.calls()) == 3
    await hand.focus()
    await page.keyboard.press("m")
    await expect(news).to_have_text("Your microphone is off.")
    await page.keyboard.press("?")
    await page.get_by_label("Use these keys").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("m")
    assert not await room.run("() => room.hour.own.speaking")
    await event(room, "asked", {"what": "unmute", "name": "Mara"})
    await expect(page.get_by_text("Mara would like to hear you.")).to_be_visible()
    await page.get_by_role("button", name="Switch my microphone on").click()
    assert await room.run("() => room.hour.own.speaking")
    await event(room, "asked", {"what": "mute", "name": "Mara"})
    assert not await room.run("() => room.hour.own.speaking")
    await expect(page.get_by_text("Mara has switched your microphone off.")).to_be_visible()
    await clean(room)
    await event(room, "media", {"ready": False, "held": "paused"})
    await expect(page.locator("#held")).to_contain_text("Nobody sees or hears anybody.")
    await expect(page.get_by_role("alert").filter(has_text="Nobody sees or hears anybody.")).to_have_count(1)
    await event(room, "media", {"ready": True, "held": ""})
    await expect(page.locator("#held")).to_be_hidden()


async def test_the_viewers_name_stands_over_pictures_of_others_in_nobodys_way(browser: Browser, script: Path) -> None:
    room = await inside(browser, script)
    page = room.page
    marks = page.locator(".tile-mark:visible")
    await expect(marks).to_have_count(2)
    assert (await marks.first.text_content() or "").count("Ada · ") > 50
    assert await marks.first.get_attribute("aria-hidden") == "true"
    await room.run("(people) => room.tiles.people([...people, {member: 'm9', name: 'New', you: false}])", PEOPLE)
    assert "Ada · " in (await page.locator("[data-member=m9] .tile-mark").text_content() or "")
    assert await room.run(MENU) is False
    await room.run(SEEN, "hidden")
    await expect(page.locator(".tile video:visible")).to_have_count(0)
    await room.run(SEEN, "visible")
    await expect(page.locator("#hidden-note")).to_be_visible()
    assert await page.locator(".tile video:visible").count() > 0
    await room.run(
        "(people) => room.tiles.people(people)", [PEOPLE[0], {**MARA, "aside": True}, {**ROSA, "held": True}]
    )
    for member in ("m1", "m2"):
        await room.run("(member) => room.tiles.remove(member + 'video')", member)
        await room.run("(member) => room.tiles.remove(member + 'audio')", member)
    for member, fact in (("m1", "back in a moment"), ("m2", "on hold")):
        await expect(page.locator(f"#tiles [data-member={member}]").get_by_text(fact)).to_be_visible()
    blamed = page.locator("#tiles :is([data-member=m1], [data-member=m2]) :is(.tile-camera-off, .tile-muted):visible")
    await expect(blamed).to_have_count(0)
    await room.run("(people) => room.tiles.people(people)", PEOPLE)
    await expect(blamed).to_have_count(4)
    await room.run("() => room.tiles.pictures(false)")
    await expect(blamed).to_have_count(2)


async def test_looks_are_kept_and_fit_a_small_screen_in_both_directions(browser: Browser, script: Path) -> None:
    for more in ({"width": 360}, {"width": 360, "rtl": True, "dark": True, "language": "es"}, {"width": 1280}):
        room = await inside(browser, script, **more)
        page = room.page
        await page.locator("#more").click()
        for look in ("text", "contrast", "sound"):
            await page.locator(f"#look-{look}").check()
        assert await page.locator("html").get_attribute("data-text") == "large"
        assert await page.locator("html").get_attribute("data-contrast") == "more"
        kept = {one["name"]: one.get("value") for one in await page.context.cookies()}
        assert (kept.get("look_text"), kept.get("look_contrast")) == ("large", "more")
        assert not await room.run("() => room.hour.own.seen")
        await expect(page.locator("[data-member=m1] video")).to_be_hidden()
        await clean(room)
        await page.keyboard.press("Escape")
        assert await room.too_wide() <= 0
        await clean(room)
        await page.locator("#more").click()
        await page.locator("#look-text").uncheck()
        await page.keyboard.press("Escape")
        wide = await page.locator(".controls").evaluate("(one) => one.scrollWidth - one.clientWidth")
        assert wide <= 0
        await page.close()
