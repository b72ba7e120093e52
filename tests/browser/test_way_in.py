"""From the invitation to the waiting room: without script, and what the device test says to somebody with script."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, Playwright, Route, expect

from tests.browser.looks import WAIT
from tests.browser.people import launch, person, sign_in
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

SLOW = WAIT * 1000  # milliseconds, as Playwright counts
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WIRED = """
navigator.mediaDevices.enumerateDevices = async () => [
  {kind: "audiooutput", deviceId: "default", label: window.wired ? "Default - Headphones" : "Default - Speakers"}];
"""


async def before_the_agreement(page: Page, box: Box, number: int, name: str) -> None:
    await page.get_by_label("PIN").fill(box.pin(number))
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_label("Your name in the group").fill(name)
    await page.get_by_role("button", name="Go on").click()


async def signed(page: Page, box: Box, number: int) -> None:
    for label in ("I have understood when", "I have understood what", "I have read this text"):
        await page.get_by_label(label).check()
    await page.get_by_label("Your full name").fill(box.name(number))
    await page.get_by_role("button", name="Sign and go on").click()
    await page.get_by_role("button", name="I have read this. Go on").click()


async def fits(page: Page) -> None:
    """Nothing of the page is beside the screen of the smallest phone, with letters twice as large too."""
    for size in ("100%", "200%"):
        await page.set_viewport_size({"width": 320, "height": 640})
        await page.evaluate("(size) => { document.documentElement.style.fontSize = `calc(1.125 * ${size})` }", size)
        assert await page.evaluate(SIDEWAYS) <= 0, (page.url, size)
    await page.evaluate("document.documentElement.style.fontSize = ''")
    await page.set_viewport_size({"width": 390, "height": 844})


async def without_script(playwright: Playwright, box: Box) -> Page:
    """Ada comes to the waiting room in a browser whose script is switched off; her page there."""
    browser = await launch(playwright, "chromium")
    context = await browser.new_context(ignore_https_errors=True, java_script_enabled=False, locale="en-US")
    page = await context.new_page()
    await page.goto(box.link(0))
    await page.get_by_label("Code").fill(box.link(0).split("#")[1])  # the part after # is the script's to read
    await before_the_agreement(page, box, 0, "Ada")
    await signed(page, box, 0)
    for text in ("You hear nothing? Try this", "Do you have headphones?", "Go near to the Wi-Fi"):
        await expect(page.get_by_text(text).first).to_be_visible()
    await page.get_by_label("With sound only").check()
    await page.get_by_role("button", name="Go on", exact=True).click()
    await page.get_by_text("I am not alone, or not sure").click()
    await page.get_by_role("button", name="Go on even so").click()
    await expect(page.get_by_role("heading", name="You are in the waiting room")).to_be_visible()
    return page


async def device_test(playwright: Playwright, box: Box) -> Page:
    """Tom, with script, on a line that is weak at first, puts headphones on, hears a sound, and chooses for himself."""
    browser = await launch(playwright, "chromium")
    tom = await person(browser, "Tom", "blue", phone=True)
    page, thin = tom.page, {"yes": True}
    await page.add_init_script(WIRED)

    async def line(route: Route) -> None:
        if thin["yes"] and not route.request.url.endswith("bytes=1"):
            await asyncio.sleep(0.7)  # 8 KB in 0.7 s: 94 kbit/s
        await route.continue_()

    await page.route("**/join/line?*", line)
    await page.goto(box.link(1))
    await before_the_agreement(page, box, 1, "Tom")
    await signed(page, box, 1)
    await expect(page.get_by_text("Your line is very weak.")).to_be_visible(timeout=SLOW)
    await expect(page.get_by_label("With sound only")).to_be_checked()
    await page.get_by_label("With picture and sound").check()
    await page.get_by_role("button", name="Look again").click()
    await expect(page.get_by_text("Your line is very weak.")).to_be_visible(timeout=SLOW)
    await expect(page.get_by_label("With picture and sound")).to_be_checked()  # his own choice stands
    thin["yes"] = False
    await page.get_by_role("button", name="Look again").click()
    await expect(page.get_by_text("Your line is good.")).to_be_visible(timeout=SLOW)
    await page.get_by_role("button", name="Play a sound").click()
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(page.get_by_text("You hear nothing? Try this")).to_be_visible()
    await page.get_by_role("button", name="Play a sound").click()
    await page.get_by_role("button", name="Yes, I heard them").click()
    await expect(page.get_by_text("You hear nothing? Try this")).to_be_hidden()
    await page.get_by_role("button", name="Test camera and microphone").click()
    await page.get_by_text("Very good.").wait_for()
    await expect(page.get_by_text("You have headphones on this device.")).to_be_hidden()
    await page.evaluate("window.wired = true; navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    await expect(page.get_by_text("You have headphones on this device.")).to_be_visible()
    await fits(page)
    await page.get_by_role("button", name="Go on", exact=True).click()
    await fits(page)
    await page.get_by_role("button", name="I am alone. Go on").click()
    await expect(page.get_by_role("heading", name="You are in the waiting room")).to_be_visible()
    await fits(page)
    return page


POST = """async ([path, fields]) => {
  const body = new URLSearchParams({ csrf: document.querySelector("input[name=csrf]").value, ...fields });
  return (await fetch(path, { method: "POST", body, headers: { Accept: "application/json" } })).status;
}"""


async def test_two_come_to_the_waiting_room_one_without_script_and_both_are_told_all_that_changes(
    playwright: Playwright, box: Box
) -> None:
    page, tom = await without_script(playwright, box), await device_test(playwright, box)
    await expect(page.locator("#wait-hour")).to_contain_text("has not been opened yet")
    await expect(tom.locator("#wait-hour")).to_contain_text("has not been opened yet")
    mara = await person(await launch(playwright, "chromium"), "Mara", "red")
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await expect(tom.locator("#wait-hour")).to_contain_text("People are being let in", timeout=SLOW)
    await expect(page.locator("#wait-hour")).to_contain_text("People are being let in", timeout=SLOW)  # by itself
    member = await tom.locator("#room").get_attribute("data-member")
    session = await tom.locator("#room").get_attribute("data-session")
    path = f"/staff/sessions/{session}/members/{member}/message"
    await mara.page.evaluate(POST, [path, {"text": "Two more minutes, Tom."}])
    for _ in range(2):
        await expect(tom.locator("#wait-message")).to_contain_text("Two more minutes, Tom.", timeout=SLOW)
        await tom.reload()
    await mara.page.get_by_role("button", name=f"Admit {box.name(0)}", exact=True).click()
    await expect(page.get_by_role("heading", name="You have been let in")).to_be_visible(timeout=SLOW)
