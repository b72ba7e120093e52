"""The pages of the room without a box: the real templates, styles and panels, with facts that a test makes up."""

from __future__ import annotations

import json
import mimetypes
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Route, ViewportSize

from tests.unit.portal.test_templates import PORTAL, render

WEBCLIENT = PORTAL.parent / "webclient"
NODE = Path(__file__).parents[2] / ".venv" / "bin"
ORIGIN = "https://room.test"
AXE = WEBCLIENT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# With bars that stay in sight standing in their place, and colours changed: what lies under a bar is scrolled out from
# under it, and that nothing with the focus is hidden by one is a test of its own.
STILL = """async (still) => {
  const changing = document.getAnimations().filter((one) => one instanceof CSSTransition);
  await Promise.all(changing.map((one) => one.finished.catch(() => null)));
  for (const bar of document.querySelectorAll("main *")) {
    if (still && getComputedStyle(bar).position === "sticky") { bar.dataset.stood = ""; bar.style.position = "static"; }
    else if (!still && "stood" in bar.dataset) { delete bar.dataset.stood; bar.style.position = ""; }
  }
}"""

PEOPLE = [
    {"member": "me", "name": "Ada", "facilitator": False, "you": True, "connected": True},
    {"member": "m1", "name": "Mara", "facilitator": True, "you": False, "connected": True},
    {"member": "m2", "name": "Rosa", "facilitator": False, "you": False, "connected": True},
]
WORDS = ["zoologist", "sunflower", "teapot", "lilac", "marmalade", "rowboat", "starfish", "umbrella"]
CODE: dict[str, Any] = {
    "words": WORDS,
    "holders": PEOPLE,
    "strangers": [],
    "gone": [],
    "lang": "en",
    "prompt": False,
    "comparedAt": None,
    "changed": False,
}
# As on `room.tiles`, so that each person but oneself sends picture and sound.
SEND = """(people) => {
  room.tiles.people(people);
  const track = {video: () => room.picture(200), audio: () => room.voice()};
  for (const {member} of people.filter((one) => !one.you)) {
    const add = (kind) => room.tiles.add({track: member + kind, member, kind, paused: false}, track[kind]());
    for (const kind of ["video", "audio"]) add(kind);
  }
}"""


def sentence(key: str) -> str:
    """What the page of the room says in English for that key."""
    (data,) = re.findall(r'<script type="application/json" id="words">(.*?)</script>', render("session"))
    return str(json.loads(data)[key])


def built(folder: Path) -> Path:
    """The panels as a script for a page, in that folder."""
    way = {**os.environ, "PATH": f"{NODE}:{os.environ['PATH']}"}
    subprocess.run(
        ["node", "build.mjs", "--probe", str(folder)], cwd=WEBCLIENT, env=way, check=True, capture_output=True
    )
    return folder / "panels.js"


@dataclass
class Stage:
    """One page of the room, with `room` on it: the panels, what they asked for, and whether that is refused."""

    page: Page

    async def run(self, script: str, given: Any = None) -> Any:
        """What the script gives back; `given` is its argument."""
        return await self.page.evaluate(script, given)

    async def code(self, **facts: Any) -> None:
        """Show these facts of the roster code; those that are not named are the usual ones."""
        await self.run("(facts) => room.panel.show(facts)", {**CODE, **facts})

    async def calls(self) -> list[str]:
        return list(await self.run("() => room.calls"))

    async def complaints(self) -> list[str]:
        """What axe finds wrong: the rule and where."""
        if not await self.run("() => 'axe' in window"):
            await self.page.add_script_tag(path=AXE)
        await self.run(STILL, True)
        found = await self.run("(tags) => axe.run({runOnly: tags}).then((result) => result.violations)", TAGS)
        await self.run(STILL, False)
        return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]

    async def too_wide(self) -> int:
        """By how many CSS pixels the page is wider than the window."""
        return int(await self.run("() => document.documentElement.scrollWidth - innerWidth"))


async def plain(browser: Browser, page: str, *, width: int = 390, height: int = 844, **more: Any) -> Page:
    """A page of the portal as it is sent, with its script and styles. `more`: language, dark, before (script), rtl."""
    language = more.get("language", "en")
    text = render(page, language, **({"dir": "rtl"} if more.get("rtl") else {}))
    context = await browser.new_context(
        viewport=ViewportSize(width=width, height=height), color_scheme="dark" if more.get("dark") else "light"
    )
    await context.add_init_script(more.get("before", ""))
    made = await context.new_page()

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if not path.startswith("/static/"):
            await route.fulfill(body=text, content_type="text/html; charset=utf-8")
        elif path.endswith("room.js"):
            await route.fulfill(body="", content_type="text/javascript")  # the test brings its own
        else:
            file = PORTAL / path[1:]
            await route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain")

    await made.route("**/*", answer)
    await made.goto(f"{ORIGIN}/")
    return made


async def stage(browser: Browser, script: Path, *, facilitator: bool = False, **more: Any) -> Stage:
    """Inside the room, with three people who send picture and sound."""
    made = await plain(browser, "session" if facilitator else "room, inside", **more)
    await made.add_script_tag(path=script, type="module")
    await made.wait_for_function("() => window.enter")
    await made.evaluate("(leads) => { window.room = enter(leads); }", facilitator)
    await made.evaluate(SEND, PEOPLE)
    return Stage(made)
