"""What goes wrong on an ordinary day: reloads, the back button, a refused camera, processes and lines that fail."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest
from playwright.async_api import Playwright, expect

from tests.browser.layers import asleep
from tests.browser.looks import WAIT, admit, arrived, end, flowing, sees, until
from tests.browser.people import Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

SLOW = WAIT * 1000  # milliseconds, as Playwright counts


# The user names of the paths that stand.
CREDENTIALS = """() => window.peers.filter((one) => one.connectionState === "connected").map(
  (one) => /a=ice-ufrag:(\\S+)/.exec(one.localDescription.sdp)[1])"""


SEEN = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def in_the_room(playwright: Playwright, box: Box, patient: str = "chromium") -> tuple[Person, Person]:
    """Mara leads, Ada is let in, in that browser; they see each other."""
    browser = await launch(playwright, "chromium")
    other = browser if patient == "chromium" else await launch(playwright, patient)
    mara, ada = await person(browser, "Mara", "red"), await person(other, "Ada", "green", phone=True)
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0))
    await admit(mara, ada, box.name(0))
    await see_each_other(mara, ada)
    return mara, ada


async def see_each_other(*people: Person) -> None:
    for who in people:
        others = [one for one in people if one is not who]
        await until(partial(sees, who, *others), f"{who.name} sees the others")
        await until(await flowing(who, len(others)), f"pictures and sounds go on at {who.name}'s")


async def says(who: Person, line: str) -> None:
    """The word of the line's state on that page."""
    await expect(who.page.locator("#room")).to_have_attribute("data-line", line, timeout=SLOW)


async def test_a_wrong_pin_costs_one_try_however_often_the_page_is_loaded_again(
    playwright: Playwright, box: Box
) -> None:
    browser = await launch(playwright, "chromium")
    page = (await person(browser, "Ada", "green", phone=True)).page
    await page.goto(box.link(0))
    await page.get_by_label("PIN").fill("000000" if box.pin(0) != "000000" else "111111")
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_label("PIN")).to_be_focused()
    for _ in range(5):
        await page.reload()
    await page.goto(box.link(0))
    await page.get_by_label("PIN").fill(box.pin(0))
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_label("Your name in the group").wait_for()
    await page.go_back()  # never the browser's own page about sending a form twice
    await page.get_by_role("link", name="Go back to where I was").click()
    await page.get_by_label("Your name in the group").wait_for()


async def test_who_refuses_camera_and_microphone_still_gets_in_and_sees_the_others(
    playwright: Playwright, box: Box
) -> None:
    mara = await person(await launch(playwright, "chromium"), "Mara", "red")
    ada = await person(await launch(playwright, "chromium", refuse_devices=True), "Ada", "green", phone=True)
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0), devices="Your device did not allow")
    await admit(mara, ada, box.name(0))
    await until(partial(sees, ada, mara), "Ada sees Mara")
    await expect(ada.page.locator("#device-note")).to_contain_text("they cannot see or hear you")
    tile = mara.page.locator("#tiles > .tile", has_text="Ada")
    await expect(tile.get_by_text("camera off")).to_be_visible(timeout=SLOW)


@pytest.mark.again
async def test_a_reload_a_step_back_and_the_link_once_more_lead_into_the_room_again(
    playwright: Playwright, box: Box
) -> None:
    mara, ada = await in_the_room(playwright, box)
    await ada.page.reload()
    await see_each_other(mara, ada)
    await ada.page.goto(box.link(0))
    await ada.page.get_by_role("link", name="Go back to where I was").click()
    await see_each_other(mara, ada)
    again = await ada.context.new_page()
    await again.goto(f"{box.portal}/join/wait")
    await says(ada, "replaced")
    # Another tab has not the key of the first: somebody else could sit at it.
    await mara.page.locator("#pending").get_by_role("button", name="Let in").click()
    await see_each_other(mara, Person("Ada", "green", ada.context, again))


@pytest.mark.again
async def test_pictures_go_on_while_the_box_starts_again_and_come_back_after_the_relay_has(
    playwright: Playwright, box: Box
) -> None:
    mara, ada = await in_the_room(playwright, box)
    appliance = box.pid("appliance", "--home")
    os.kill(appliance, signal.SIGSTOP)  # nobody answers; then it is gone for good
    going_on = await flowing(ada, 1)
    os.kill(appliance, signal.SIGKILL)
    await says(ada, "lineLost")
    await until(going_on, "Mara's picture goes on at Ada's without the box")
    for who in (mara, ada):
        await says(who, "connected")
    await see_each_other(mara, ada)
    os.kill(box.pid("media"), signal.SIGKILL)
    await says(ada, "mediaAway")
    for who in (mara, ada):
        await says(who, "connected")
    await see_each_other(mara, ada)


@pytest.mark.again
async def test_a_page_that_was_in_the_background_when_its_line_broke_has_its_pictures_back(
    playwright: Playwright, box: Box
) -> None:
    mara, ada = await in_the_room(playwright, box)
    await ada.page.evaluate(SEEN, "hidden")

    async def rests() -> bool:
        going_on = await flowing(ada, 1)
        await until(await flowing(mara, 1), "time passes")
        return not await going_on()

    await until(rests, "no picture comes to a page that nobody looks at")
    appliance = box.pid("appliance", "--home")
    os.kill(appliance, signal.SIGSTOP)
    await ada.page.evaluate(SEEN, "visible")  # what the page has to say of it is never heard
    os.kill(appliance, signal.SIGKILL)
    await says(ada, "lineLost")
    await says(ada, "connected")
    await until(await flowing(ada, 1), "Mara's picture goes on at Ada's")


@pytest.mark.again
async def test_a_device_that_moved_or_slept_goes_on_or_is_back_by_itself(playwright: Playwright, box: Box) -> None:
    mara, ada = await in_the_room(playwright, box, "firefox")
    # Another network: other credentials for the same paths, and the same tracks go on.
    await ada.page.evaluate("() => { window.stayed = true; }")
    before, going_on = await ada.page.evaluate(CREDENTIALS), await flowing(ada, 1)
    await ada.page.evaluate("dispatchEvent(new Event('online'))")

    async def found() -> bool:
        now = await ada.page.evaluate(CREDENTIALS)
        return len(now) == len(before) and not set(now) & set(before)

    await until(found, "both paths have other credentials")
    await until(going_on, "the same tracks go on")
    await see_each_other(mara, ada)
    # Asleep until the box has given her up.
    with asleep("firefox"):
        tile = mara.page.locator("#tiles > .tile", has_text="Ada")
        await expect(tile.get_by_text("camera off")).to_be_visible(timeout=SLOW)
    await see_each_other(mara, ada)
    assert await ada.page.evaluate("window.stayed") is True  # without a reload


@pytest.mark.again
async def test_a_session_that_ends_while_headquarters_is_away_arrives_when_it_is_back(
    playwright: Playwright, box: Box
) -> None:
    mara, ada = await in_the_room(playwright, box)
    headquarters = box.pid("sync", "serve")
    os.kill(headquarters, signal.SIGSTOP)
    await end(mara)
    await expect(ada.page.get_by_role("heading", name="The session has ended")).to_be_visible(timeout=SLOW)
    assert not await box.sessions_at_hq()
    os.kill(headquarters, signal.SIGCONT)
    await until(partial(arrived, box, people=2), "the record is at HQ")
