"""The same in Chromium: a page of its own, without the room's script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Route

from tests.interop.frames import CONTEXTS, EPOCH, keys
from tests.interop.members import BASE_KEY

SCRIPT = (Path(__file__).parent / "page.js").read_text()
PLACE = "https://interop.test/"  # keys are for pages with a secure origin only; nobody is asked for this one
MOST_LEAVES = 4


class Chromium:
    def __init__(self, page: Page, way: str, leaf: int) -> None:
        self._page, self._way, self._leaf = page, way, leaf

    async def offer(self) -> str:
        said = await self._page.evaluate(
            "([way, leaf, keys]) => offer(way, leaf, keys)", [self._way, self._leaf, _keys()]
        )
        return str(said)

    async def answer(self, sdp: str) -> None:
        await self._page.evaluate("(sdp) => answer(sdp)", sdp)

    async def counts(self) -> dict[str, Any]:
        return dict(await self._page.evaluate("() => counts()"))


def _keys() -> dict[str, list[list[int]]]:
    kids = [context << 16 | leaf << 8 | EPOCH for context in CONTEXTS.values() for leaf in range(MOST_LEAVES)]
    return {str(kid): [list(part) for part in keys(bytes.fromhex(BASE_KEY), kid)] for kid in kids}


@asynccontextmanager
async def chromium(browser: Browser, way: str, leaf: int) -> AsyncIterator[Chromium]:
    async def page_of_ours(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=f"<!doctype html><script>{SCRIPT}</script>")

    context = await browser.new_context()
    try:
        await context.route(PLACE, page_of_ours)
        page = await context.new_page()
        await page.goto(PLACE)
        yield Chromium(page, way, leaf)
    finally:
        await context.close()
