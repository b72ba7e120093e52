"""What who leads has at hand, by moment, by tap and by key. Real template and script in a browser, without a box."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Playwright, expect

from tests.browser.desk import CARD, CONCERN, PEOPLE, PHASES, WAITERS, Desk, desk, desk_script
from tests.browser.people import launch

pytestmark = pytest.mark.browser

# By moment: the one large button, and what is at hand beside it.
AT_HAND = ("Pause everything", "Lock the door", "Reminder now", "Ground rules", "Redirect card", "End for everybody")
OFFERED: dict[str, tuple[str, tuple[str, ...]]] = {
    "scheduled": ("Open the session", ("End for everybody",)),
    "open": ("Show the ground rules", tuple(one for one in AT_HAND if one != "Ground rules")),
    "rules": ("Begin", AT_HAND),
    "running": ("", AT_HAND),
    "locked": ("", ("Pause everything", "Unlock the door", *AT_HAND[2:])),
    "paused": ("Resume", AT_HAND[1:]),
    "leader away": ("", AT_HAND),
    "ended": ("", ()),
}
TOOLS = ("Mute Ada", "Ask to speak Ada", "Private word Ada", "Flag Ada")
MENU = ("Hold: neither see nor hear the others Ada", "To a private room Ada", "Redirect card to them alone Ada")
MENU_TOO = ("Whisper Ada", "Lost device Ada", "Remove Ada")
SHAPES: dict[str, dict[str, Any]] = {
    "phone": {"width": 390, "height": 844},
    "desk, dark": {"width": 1280, "height": 900, "dark": True},
    "spanish": {"width": 360, "height": 740, "language": "es"},
    "400 percent": {"width": 320, "height": 256, "language": "es"},
    "right to left": {"width": 390, "height": 844, "rtl": True},
}


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk_script(tmp_path_factory.mktemp("desk"))


@pytest.fixture
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playwright, "chromium")
    yield made
    await made.close()


def button(page: Desk, name: str) -> Locator:
    return page.page.get_by_role("button", name=name, exact=True)


async def test_each_moment_offers_what_comes_next_and_no_more(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script)
    for phase, (large, beside) in OFFERED.items():
        await page.session(phase)
        await expect(page.page.locator(".moment .big:visible")).to_have_text([large] if large else [])
        await expect(page.page.locator(".desk button:visible")).to_have_text(list(beside))
    await page.session("locked")
    await expect(page.page.get_by_text("Locked: by itself, everybody is here")).to_be_visible()
    await page.session("paused")
    await expect(page.page.get_by_text("Paused. Nobody sees or hears anybody.").first).to_be_visible()
    await page.session("leader away")
    await expect(page.page.get_by_text("Jonas, who leads, is not here.").first).to_be_visible()
    await button(page, "Take over").click()  # from an empty chair: no question
    assert await page.calls() == ["/take_over"]
    await page.session(leader={"member": "co", "name": "Jonas", "here": True})
    await button(page, "Take over").click()
    await expect(page.page.get_by_role("dialog", name="Take over the session?")).to_contain_text("Jonas leads")
    await page.page.get_by_role("dialog").get_by_role("button", name="Take over").click()
    assert await page.calls() == ["/take_over"]


async def test_the_same_key_pauses_and_resumes_and_each_undo_stays_under_the_finger(
    chromium: Browser, script: Path
) -> None:
    page = await desk(chromium, script)
    await button(page, "Pause everything").press("Enter")
    await page.session("paused")
    await expect(button(page, "Resume")).to_be_focused()
    await page.page.keyboard.press("p")
    await page.session("running")
    await page.page.keyboard.press("l")
    await page.session("locked")
    await expect(page.page.locator("#news")).to_contain_text("locked by itself")
    await page.page.keyboard.press("l")
    for key in "rgd":
        await page.page.keyboard.press(key)
    await expect(page.page.locator("#news")).to_have_text("The card is shown now.")
    cards = [f"/cards kind={kind}" for kind in ("reminder", "rules", "redirect")]
    assert await page.calls() == ["/pause", "/resume", "/lock", "/unlock", *cards]
    await page.page.keyboard.press("e")
    await expect(page.page.get_by_role("dialog", name="End the session for everybody?")).to_be_visible()
    await page.page.keyboard.press("p")  # nothing counts below a question
    await page.page.keyboard.press("Escape")
    assert await page.calls() == []
    await page.page.keyboard.press("?")
    await page.page.get_by_label("Use these keys").uncheck()
    await page.page.keyboard.press("Escape")
    await page.page.keyboard.press("p")
    assert await page.calls() == []


async def test_one_tap_or_one_key_for_each_person_and_the_name_is_said_with_it(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script)
    ada = page.page.locator('#roster [data-member="m2"]')
    for name in TOOLS:
        await expect(ada.get_by_role("button", name=name, exact=True)).to_be_visible()
    await ada.locator(".more summary").click()
    for name in (*MENU, *MENU_TOO):
        await expect(ada.get_by_role("button", name=name, exact=True)).to_be_visible()
    await ada.get_by_role("button", name="To a private room Ada").click()
    await page.page.keyboard.press("Escape")
    assert await page.calls() == ["/members/m2/aside leader=co"]
    await page.run("() => document.activeElement.blur()")
    await page.page.keyboard.press("i")
    for _ in range(2):
        await page.page.keyboard.press("ArrowDown")
    await expect(ada).to_be_focused()
    for key in "sufth":
        await page.page.keyboard.press(key)
    acts = [f"/members/m2/{one}" for one in ("mute", "ask_unmute", "flag", "aside", "hold")]
    assert await page.calls() == acts
    await page.page.keyboard.press("s")
    await expect(ada.get_by_text("muted by you")).to_be_visible()
    await page.people(*PEOPLE[:2], {**PEOPLE[2], "held": True, "flagged": True, "aside": True}, *PEOPLE[3:])
    for fact in ("on hold", "may need somebody", "in a private room"):
        await expect(ada.get_by_text(fact)).to_be_visible()
    for name in ("Mute", "Ask to speak"):
        await expect(ada.get_by_role("button", name=f"{name} Ada")).to_be_hidden()
    for key in "fhsu":  # nobody is muted where they are not
        await page.page.keyboard.press(key)
    assert await page.calls() == ["/members/m2/mute", "/members/m2/unflag", "/members/m2/release"]


async def test_removing_asks_once_with_a_reason_and_starts_anew_for_the_next(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script)
    for member, reasons in (("m3", {"Another reason": True}), ("m4", {})):
        row = page.page.locator(f'#roster [data-member="{member}"]')
        await row.locator(".more summary").click()
        await row.locator("form[data-action=remove] button").click()
        dialog = page.page.get_by_role("dialog")
        for label in reasons:
            await dialog.get_by_label(label).check()
            await dialog.get_by_label("Do not let them come back").check()
        await dialog.get_by_role("button", name="Remove").click()
    await expect(page.page.get_by_role("dialog")).to_have_count(0)
    assert await page.calls() == ["/members/m3/remove why=other&block=yes", "/members/m4/remove"]


async def test_who_waits_is_checked_written_to_and_let_in_and_the_row_never_loses_the_focus(
    chromium: Browser, script: Path
) -> None:
    page = await desk(chromium, script)
    await page.waiting(*WAITERS)
    assert (await page.page.title()).startswith("(2) Session")
    first, second = (page.page.locator(f'#waiting [data-member="{one}"]') for one in ("w1", "w2"))
    await expect(first.get_by_text("blue kettle")).to_be_hidden()
    await first.get_by_text("Show check phrase").click()
    await expect(first.get_by_text("blue kettle")).to_be_visible()
    await expect(second.get_by_text("The check phrase does not fit")).to_be_visible()
    await expect(second.get_by_text("You wrote at")).to_contain_text("We begin in a few minutes.")
    await first.get_by_role("button", name="Ask for the phrase Ada Brook").click()
    await first.get_by_text("Message").first.click()
    await first.get_by_role("button", name="Please call us. Ada Brook").click()
    field = first.get_by_label("In your own words")
    await field.fill("almost there")
    await field.press("Enter")
    await expect(field).to_have_value("")
    asked = ["ask_phrase", "message text=Please+call+us.", "message text=almost+there"]
    assert await page.calls() == [f"/members/w1/{one}" for one in asked]
    await page.run("() => document.activeElement.blur()")
    await page.page.keyboard.press("n")
    await expect(first).to_be_focused()
    await page.page.keyboard.press("a")
    await page.waiting(WAITERS[1])
    await expect(second).to_be_focused()
    await page.session("locked")
    await expect(second.get_by_role("button", name="Admit Tomas Rivera", exact=True)).to_be_hidden()
    await expect(second.get_by_role("button", name="Let only this person in Tomas Rivera")).to_be_visible()
    await page.page.keyboard.press("a")
    await page.waiting()
    await expect(page.page.locator("#waiting-panel")).to_be_focused()
    assert await page.calls() == ["/members/w1/admit", "/members/w2/let_through"]
    assert not (await page.page.title()).startswith("(")


async def test_hands_stand_in_order_and_cards_tell_who_has_not_read_them(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script)
    await page.hands(("m3", "Tom"), ("m2", "Ada"))
    await expect(page.page.locator("#hands .p-name")).to_have_text(["Tom", "Ada"])
    await expect(page.page.locator("#roster").get_by_text("wants to speak").locator("visible=true")).to_have_count(2)
    await page.page.keyboard.press("q")
    await page.page.keyboard.press("x")
    await page.hands(("m2", "Ada"))
    await expect(page.page.locator('#hands [data-member="m2"]')).to_be_focused()
    assert await page.calls() == ["/members/m3/lower_hand"]
    await page.tell("acknowledged", {"cards": [CARD]})
    summary = page.page.locator("#read summary")
    await expect(summary.locator("span:visible")).to_have_text(["Ground rules", "2 of 3 have read it."])
    await summary.click()
    await expect(page.page.locator(".read-open")).to_have_text("Not yet: Rosa.")


async def test_a_concern_is_on_top_said_at_once_and_goes_with_one_tap(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script)
    await page.concerns(CONCERN, {**CONCERN, "id": "c2", "member": "m3", "name": "Tom", "kind": "overheard"})
    await expect(page.page.locator("#alarm[role=alert]")).to_have_text(
        "Ada is not okay. Tom can be overheard by somebody."
    )
    top = await page.page.locator("#concerns-panel").bounding_box()
    desk_top = await page.page.locator(".desk").bounding_box()
    assert top and desk_top and top["y"] < desk_top["y"]
    await page.run("() => scrollTo(0, 400)")  # neither lies over the other
    top, desk_top = (
        await page.page.locator("#concerns-panel").bounding_box(),
        await page.page.locator(".desk").bounding_box(),
    )
    assert top and desk_top and top["y"] >= 0 and top["y"] + top["height"] <= desk_top["y"] + 1 < 300
    await expect(page.page.locator("#concerns .person").first).to_contain_text("Ada is not okay")
    await button(page, "Private word Ada").first.click()
    await button(page, "I have seen it Ada").click()
    assert await page.calls() == ["/members/m2/aside", "/concerns/c1"]
    await page.concerns()
    await expect(page.page.locator("#concerns-panel")).to_be_hidden()


async def test_whispers_stand_by_person_and_what_was_not_sent_stays_written(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script)
    tom = {"member": "m3", "name": "Tom", "facilitator": False, "you": False}
    await page.run("(from) => desk.whispered(from, '<b>I am afraid</b>')", tom)
    thread = page.page.locator('#threads [data-member="m3"]')
    await expect(thread).to_contain_text("Tom: <b>I am afraid</b>")
    await page.page.keyboard.press("i")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "w"):
        await page.page.keyboard.press(key)
    field = thread.get_by_label("Whisper to Tom")
    await expect(field).to_be_focused()
    await page.page.keyboard.type("p")  # a letter, not a pause
    await page.page.keyboard.press("Enter")
    await expect(field).to_have_value("")
    await page.run("() => { desk.refuse = true; }")
    await field.fill("are you there?")
    await field.press("Enter")
    await expect(thread.get_by_text("That was not sent.")).to_be_visible()
    await expect(field).to_have_value("are you there?")
    assert await page.calls() == ["whisper m3 p", "whisper m3 are you there?"]
    await page.run("() => desk.finish()")
    await expect(page.page.locator("#threads")).to_be_empty()


async def test_the_front_desk_has_the_lists_and_nothing_of_the_room(chromium: Browser, script: Path) -> None:
    page = await desk(chromium, script, "session, front desk")
    await page.waiting(*WAITERS)
    await expect(page.page.locator(".desk, .tools:visible form[data-action=mute], #threads, #concerns")).to_have_count(
        0
    )
    first = page.page.locator('#waiting [data-member="w1"]')
    await expect(first.get_by_role("button", name="Admit Ada Brook")).to_have_count(0)
    await first.get_by_role("button", name="Identity is right Ada Brook").click()
    assert await page.calls() == ["/members/w1/vouch"]
    assert await page.complaints() == []


@pytest.mark.parametrize("shape", SHAPES)
async def test_in_every_moment_and_shape_the_desk_is_for_everybody(chromium: Browser, script: Path, shape: str) -> None:
    page = await desk(chromium, script, **SHAPES[shape])
    await page.waiting(*WAITERS)
    await page.tell("acknowledged", {"cards": [CARD]})
    for phase in PHASES:
        await page.session(phase)
        assert await page.too_wide() <= 0, phase
        if shape == "phone":
            assert await page.complaints() == [], phase
    await page.session()
    await page.hands(("m3", "Tom"))
    await page.concerns(CONCERN)
    await page.page.locator('#roster [data-member="m2"] .more summary').click()
    await page.run("() => scrollTo(0, 0)")
    assert await page.too_wide() <= 0
    assert await page.complaints() == []
