"""Two people in one page, with the shipped Worker and a server with the portal's headers. No box, no relay."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, Playwright

from appliance.portal.listener import HEADERS, STATIC
from tests.browser.people import launch

ROOT = Path(__file__).parents[2]
WEBCLIENT = ROOT / "appliance" / "webclient"
VECTORS = ROOT / "tests" / "vectors" / "sframe"
PAGE = '<!doctype html><title>pair</title><script type="module" src="/probe/page.js"></script>'
# As a browser before Chromium 141: frames pass by createEncodedStreams.
WITHOUT_SCRIPT_TRANSFORM = "delete window.RTCRtpScriptTransform"


def build_probes(folder: Path) -> None:
    """Bundles appliance/webclient/test/probe/ into the folder."""
    way = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}
    command = ["node", "build.mjs", "--probe", str(folder)]
    subprocess.run(command, cwd=WEBCLIENT, env=way, check=True, capture_output=True)


@asynccontextmanager
async def served(probes: Path) -> AsyncIterator[str]:
    """The address of a page with what `build_probes` made. Isolated, so that its clock counts microseconds."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.update({**HEADERS, "Cross-Origin-Embedder-Policy": "require-corp"})

    app = web.Application()
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/", page)
    for path, folder in (("/static", STATIC), ("/probe", probes), ("/vectors", VECTORS)):
        app.router.add_static(path, folder)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def pair_page(playwright: Playwright, kind: str, address: str) -> Page:
    """A page with `Pair` on it. `kind`: chromium, firefox, or chromium-streams."""
    browser = await launch(playwright, kind.split("-")[0])
    context = await browser.new_context()
    if kind.endswith("-streams"):
        await context.add_init_script(WITHOUT_SCRIPT_TRANSFORM)
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_function("() => window.Pair")
    return page
