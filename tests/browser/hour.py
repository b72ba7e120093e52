"""The whole hour as people go through it. Found by fields and by the policy's words, never by sentences: any language.

`Look` judges each page and state it is shown: nothing that axe finds, nothing wider than the window, also with letters
twice as large.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.async_api import Locator, Page, expect

from tests.browser.looks import WAIT
from tests.browser.panels import AXE, STILL, TAGS
from tests.browser.people import Person
from tests.fakes.boxes import Box

FOCUSED = "(wanted) => document.activeElement === wanted"
LARGE = "(size) => { document.documentElement.style.fontSize = size; }"
TABS = 120  # more than any page has stops: then what is looked for cannot be reached


@dataclass
class Look:
    """What was found wrong, page by page."""

    wrong: list[str] = field(default_factory=list)
    _axe: str = field(default_factory=AXE.read_text)

    async def at(self, page: Page, where: str) -> None:
        """Judge the page as it stands, and once more with letters of 200 %.

        Bars that stay in sight stand in their place meanwhile: what lies under one is scrolled out from under it, and
        that nothing with the focus is hidden by one is a test of its own.
        """
        await page.evaluate(STILL, True)
        if not await page.evaluate("() => 'axe' in window"):
            await page.evaluate(self._axe)
        found = await page.evaluate("(tags) => axe.run({runOnly: tags}).then((result) => result.violations)", TAGS)
        self.wrong += [f"{where}: {one['id']} {node['target']}" for one in found for node in one["nodes"]]
        await page.evaluate(STILL, False)
        for size in ("", "225%"):
            await page.evaluate(LARGE, size)
            wider = int(await page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))
            if wider > 0:
                self.wrong.append(f"{where}: {wider} px too wide at {size or '100%'}")
        await page.evaluate(LARGE, "")


@dataclass
class Hands:
    """How somebody uses a page: by pointing, or by the keyboard alone."""

    page: Page
    keyboard: bool = False

    async def press(self, wanted: Locator) -> None:
        """Press a button, follow a link, tick a box."""
        await expect(wanted).to_be_visible(timeout=WAIT * 1000)
        if not self.keyboard:
            await wanted.click()
            return
        await self._reach(wanted)
        await self.page.keyboard.press("Enter" if await wanted.evaluate("(e) => e.type !== 'checkbox'") else "Space")

    async def write(self, wanted: Locator, text: str) -> None:
        await expect(wanted).to_be_visible(timeout=WAIT * 1000)
        if not self.keyboard:
            await wanted.fill(text)
            return
        await self._reach(wanted)
        await self.page.keyboard.press("ControlOrMeta+A")
        await self.page.keyboard.type(text)

    async def _reach(self, wanted: Locator) -> None:
        """Tab until it has the focus."""
        await expect(wanted).to_be_enabled(timeout=WAIT * 1000)
        element = await wanted.element_handle()
        for _ in range(TABS):
            if await self.page.evaluate(FOCUSED, element):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {wanted}")


async def come(who: Person, hands: Hands, box: Box, number: int, look: Look, *, reload: bool = False) -> None:
    """From the link to the waiting room, every page judged; with `reload` each of them is loaded anew first."""
    page = who.page

    async def arrive(step: str) -> None:
        await page.wait_for_url(f"**/join/{step}", wait_until="load")
        if reload:
            await page.reload()
            await page.wait_for_url(f"**/join/{step}", wait_until="load")
        await look.at(page, f"{who.name} at {step}")

    await page.goto(box.link(number))
    await look.at(page, f"{who.name} at the invitation")
    await hands.write(page.locator("#pin"), box.pin(number))
    await hands.press(page.locator("#join button.big"))
    await arrive("name")
    await hands.write(page.locator("#display_name"), who.name)
    await hands.press(page.locator("main form button.big"))
    await arrive("agreement")
    for box_to_tick in await page.locator("#sign input[type=checkbox]").all():
        await hands.press(box_to_tick)
    await hands.write(page.locator("#signature"), box.name(number))
    await hands.press(page.locator("#sign button.big"))
    await arrive("orientation")
    await hands.press(page.locator('form[action="/join/orientation"] button.big'))
    await arrive("devices")
    await hands.press(page.locator("#start"))
    await expect(page.locator("#result")).to_be_visible(timeout=WAIT * 1000)
    await expect(page.locator("#go-on button.big:not(.second)")).to_be_visible(timeout=WAIT * 1000)
    await look.at(page, f"{who.name} at the test's result")
    await hands.press(page.locator("#go-on button.big"))
    await arrive("space")
    await hands.press(page.locator('form[action="/join/space"] button.big').first)
    await arrive("wait")
    await expect(page.locator("#wait")).to_be_visible(timeout=WAIT * 1000)


def row(leader: Person, name: str) -> Locator:
    """Somebody's row in the leader's list of the room."""
    return leader.page.locator("#roster .person", has_text=name)


async def act(leader: Person, action: str, name: str = "", where: str = "#roster") -> None:
    """One action on the session, or on the person of that name."""
    place = leader.page.locator(f"{where} .person", has_text=name) if name else leader.page.locator("main")
    button = place.locator(f"form[data-action={action}] button").first
    if name and not await button.is_visible():
        await place.locator("summary").first.click()
    await button.click(timeout=WAIT * 1000)


async def in_the_room(who: Person) -> None:
    await who.page.locator("#call").wait_for(state="visible", timeout=WAIT * 1000)


async def phase(leader: Person, wanted: str) -> None:
    """The leader's page says that the session is there."""
    await expect(leader.page.locator("main#room")).to_have_attribute("data-phase", wanted, timeout=WAIT * 1000)
