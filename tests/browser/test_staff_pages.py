"""Staff pages around the hour on a phone and on a desk: no wider than the window, and nothing that axe complains of."""

from __future__ import annotations

import mimetypes

import pytest
from playwright.async_api import Browser, Page, Playwright, Route, expect

from appliance.portal.nav import places
from appliance.portal.pages import FOLDER
from tests.browser.panels import AXE, ORIGIN, TAGS
from tests.browser.people import launch
from tests.unit.portal.test_templates import render

HOUR = (
    "sessions",
    "sessions, none",
    "staff questions",
    "staff questions, wrong",
    "concerns",
    "concerns, none",
    "care group",
    "group card, wrong",
    "on call",
    "staff, one",
    "patient",
    "summary",
    "summary, nothing",
    "incident, nothing chosen",
)


async def _open(browser: Browser, width: int) -> Page:
    """A page that is given each of ours in turn by its name in the address."""
    page = await browser.new_page(viewport={"width": width, "height": 844})

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path.startswith("/static/room/"):
            await route.fulfill(body="", content_type="text/javascript")
        elif path.startswith("/static/"):
            file = FOLDER / path[1:]
            await route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain")
        else:
            language, number = path.strip("/").split("/")
            more = {"nav": places("facilitator"), "path": "/staff/concerns"}
            await route.fulfill(
                body=render(HOUR[int(number)], language, **more), content_type="text/html; charset=utf-8"
            )

    await page.route("**/*", answer)
    return page


async def _complaints(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("(tags) => axe.run({runOnly: tags}).then((result) => result.violations)", TAGS)
    return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]


async def test_on_a_phone_the_places_are_folded_into_a_menu_and_no_page_is_wider_than_the_screen(
    playwright: Playwright,
) -> None:
    browser = await launch(playwright, "chromium")
    page = await _open(browser, 390)
    for number, name in enumerate(HOUR):
        await page.goto(f"{ORIGIN}/es/{number}")
        assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), name
        assert await page.evaluate("() => document.querySelector('header').offsetHeight < innerHeight / 4"), name
    menu, here = page.locator(".places-menu > summary"), page.get_by_role("link", name="Preocupaciones", exact=True)
    await expect(here).to_be_hidden()
    await menu.focus()
    await page.keyboard.press("Enter")
    await expect(here).to_have_attribute("aria-current", "page")
    await expect(here).to_be_visible()
    assert not await _complaints(page)
    await page.set_viewport_size({"width": 1280, "height": 844})
    await page.goto(f"{ORIGIN}/es/0")
    await expect(here).to_be_visible()
    await expect(menu).to_be_hidden()
    await browser.close()


@pytest.mark.again
async def test_axe_complains_of_no_staff_page_around_the_hour(playwright: Playwright) -> None:
    browser = await launch(playwright, "chromium")
    for width, language in ((390, "es"), (1280, "en")):
        page = await _open(browser, width)
        for number, name in enumerate(HOUR):
            await page.goto(f"{ORIGIN}/{language}/{number}")
            assert not await _complaints(page), (name, width)
    await browser.close()
