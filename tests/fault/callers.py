"""Two people in a session: Mara sits beside the box, Ada at the far end of the line. What getStats says of both.

Pictures and sound are the browsers' own fake devices: moving and noisy, as a camera's are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import psutil
from playwright.async_api import Playwright, async_playwright

from tests.browser.looks import admit
from tests.browser.people import Person, launch, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box, running_box
from tests.fault.line import BadLine, bad_line, inside

# Keeps every RTCPeerConnection for getStats, and counts how often a page was begun.
KEEP_PEERS = """
(() => {
  const Real = window.RTCPeerConnection;
  window.peers = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...args) { super(...args); window.peers.push(this); }
  };
})();
"""
INBOUND = """
async () => {
  const tracks = [];
  for (const peer of window.peers) {
    if (peer.connectionState === "closed") continue;
    // Firefox: the promise of a connection whose way has just broken may never be kept.
    const soon = new Promise((keep) => setTimeout(keep, 1000, new Map()));
    for (const entry of (await Promise.race([peer.getStats(), soon])).values()) {
      if (entry.type === "inbound-rtp") tracks.push({...entry});
    }
  }
  return tracks;
}
"""
HEARD = 48_000  # samples of Opus a second, as getStats counts them
WAIT = 40.0  # seconds until something must hold that is no figure of a case


@dataclass
class Call:
    """Both are in the room. `mara` is beside the box, `ada` is far."""

    line: BadLine
    box: Box
    mara: Person
    ada: Person
    processes: dict[str, list[psutil.Process]]


@asynccontextmanager
async def calling(kind: str, **settings: float) -> AsyncIterator[Call]:
    """A session in which both see and hear each other. `kind`: the browser of the far one.

    `settings`: of the line on which that one comes in (`BadLine.set`); without any it is good.
    """
    home = Path(mkdtemp(prefix="hearth-"))
    try:
        async with AsyncExitStack() as stack:
            line = await stack.enter_async_context(bad_line())
            with inside(line.near):
                box = await stack.enter_async_context(running_box(home, host=line.box))
                near = await stack.enter_async_context(async_playwright())
                mara, by_mara = await _person(near, "chromium", "Mara")
            with inside(line.far):
                far = await stack.enter_async_context(async_playwright())
                ada, by_ada = await _person(far, kind, "Ada")
            if settings:
                await line.set(**settings)
            call = Call(line, box, mara, ada, {"Mara": by_mara, "Ada": by_ada})
            await _into_the_room(call)
            yield call
    finally:
        rmtree(home, ignore_errors=True)


async def _person(playwright: Playwright, kind: str, name: str) -> tuple[Person, list[psutil.Process]]:
    """A browser of their own, and its processes."""
    before = set(psutil.Process().children(recursive=True))
    browser = await launch(playwright, kind)
    context = await browser.new_context(ignore_https_errors=True, locale="en-US")
    await context.add_init_script(KEEP_PEERS)
    page = await context.new_page()
    processes = [one for one in psutil.Process().children(recursive=True) if one not in before]
    return Person(name, "", context, page), processes


async def _into_the_room(call: Call) -> None:
    mara, ada, box = call.mara, call.ada, call.box
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()
    await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0))
    await admit(mara, ada, box.name(0))
    for who in (mara, ada):
        await who.page.evaluate("() => { window.sameBefore = true; }")
        await until(going_on(who, await inbound(who)), f"{who.name} sees and hears the other one")


async def inbound(who: Person) -> list[dict[str, Any]]:
    """getStats: each stream that comes in, of peer connections that are not closed."""
    return list(await who.page.evaluate(INBOUND))


async def until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = WAIT) -> float:
    """Seconds until it held. Fails with what was waited for."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < seconds, what
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def going_on(who: Person, before: list[dict[str, Any]], kinds: tuple[str, ...] = ("audio", "video")) -> Any:
    """A look that tells whether of each kind more was decoded than at `before`, or a new stream was."""
    seen = {track["ssrc"]: _decoded(track) for track in before}

    async def look() -> bool:
        now = await inbound(who)
        return all(any(t["kind"] == kind and _decoded(t) > seen.get(t["ssrc"], 0) for t in now) for kind in kinds)

    return look


def anew(who: Person, before: list[dict[str, Any]]) -> Any:
    """A look that tells whether sound and picture come in streams that were not there before."""
    known = {track["ssrc"] for track in before}

    async def look() -> bool:
        fresh = {track["kind"] for track in await inbound(who) if track["ssrc"] not in known and _decoded(track)}
        return fresh == {"audio", "video"}

    return look


def _decoded(track: dict[str, Any]) -> int:
    return int(track.get("framesDecoded" if track["kind"] == "video" else "packetsReceived") or 0)


async def same_page(who: Person) -> bool:
    """Whether nothing was loaded anew since both were in the room."""
    return bool(await who.page.evaluate("() => window.sameBefore === true"))


@dataclass
class Heard:
    """What one listener's browser had to make up, out of what it played."""

    concealed: int
    total: int

    @property
    def share(self) -> float:
        return self.concealed / max(self.total, 1)


async def _samples(who: Person) -> dict[int, tuple[int, int]]:
    sounds = [track for track in await inbound(who) if track["kind"] == "audio"]
    return {t["ssrc"]: (t.get("concealedSamples", 0), t.get("totalSamplesReceived", 0)) for t in sounds}


async def listen(who: Person, seconds: float) -> Heard:
    """What was concealed while so many seconds of sound were played."""
    before = await _samples(who)
    heard = Heard(0, 0)

    async def enough() -> bool:
        now = await _samples(who)
        pairs = [(now[ssrc], before.get(ssrc, (0, 0))) for ssrc in now]
        heard.concealed = sum(new[0] - old[0] for new, old in pairs)
        heard.total = sum(new[1] - old[1] for new, old in pairs)
        return heard.total >= seconds * HEARD

    await until(enough, f"{who.name} hears {seconds} s", WAIT + 3 * seconds)
    return heard
