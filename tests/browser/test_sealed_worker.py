"""What fails between camera and network: each time silence and a plain sentence, never noise and never plaintext."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

import pytest
from playwright.async_api import Playwright, expect

from media.client import Permission, RelayClient
from tests.browser.keys import (
    agree,
    doubts,
    gather,
    is_silent,
    opens_nothing_of,
    people,
    received,
    silences,
    together,
    wait,
    words,
)
from tests.browser.looks import WAIT, admit, until
from tests.browser.people import Person
from tests.browser.tampering import KEEPS_WORKERS, LEAVES_OUT_TRANSFORMS, LOSES_KEYS
from tests.fakes import waiting
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

KINDS = ["chromium", pytest.param("firefox", marks=pytest.mark.again)]  # both by `make browsers`
UNDER_WAY = 10  # frames that had left before: half a second of them

SENT = """
async () => {
  let packets = 0;
  const add = (entry) => { if (entry.type === "outbound-rtp") packets += entry.packetsSent ?? 0; };
  for (const peer of window.peers) if (peer.connectionState !== "closed") (await peer.getStats()).forEach(add);
  return packets;
}
"""


async def frames(who: Person, other: Person) -> int | None:
    """Pictures of the other one that were opened; None while nothing of them comes at all."""
    found = [one for one in await received(who) if one["from"] == other.name and one["kind"] == "video"]
    return found[0]["opened"] if found else None


async def comes_no_more(who: Person, other: Person) -> bool:
    return await frames(who, other) is None


async def is_dark(who: Person, other: Person) -> bool:
    """Whether the other one is neither seen nor heard on that page."""
    tile = (await silences(who))["tiles"][other.name]
    return bool(tile["dark"]) and not tile["picture"] and not tile["sound"]


async def dropped_unsealed(box: Box) -> int:
    """Packets that the relay dropped since nobody had sealed them. Ends all rooms: the relay takes the asker for an
    appliance that knows of none."""

    async def nobody() -> dict[str, dict[str, Permission]]:
        return {}

    client = RelayClient(
        box.home / "run" / "relay.sock", admitted=nobody, on_event=lambda *_: None, on_connected=lambda _: None
    )
    running = asyncio.create_task(client.run())
    try:
        await waiting.until(lambda: client.connected)
        return int((await client.counts())["dropped"].get("not_sealed", 0))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_whose_worker_has_died_sends_and_shows_nothing_until_it_has_new_keys(
    playwright: Playwright, box: Box, kind: str
) -> None:
    mara, ada = await people(playwright, mara="chromium", ada=kind)
    await ada.context.add_init_script(KEEPS_WORKERS)
    await gather(mara, box, ada)
    before = await words(mara)

    at_the_end = await frames(mara, ada) or 0
    await ada.page.evaluate("() => window.workers.at(-1).terminate()")

    async def is_told() -> bool:
        assert (await frames(mara, ada) or 0) <= at_the_end + UNDER_WAY, "frames leave without a Worker"
        return await is_silent(ada, "workerDied")

    await until(is_told, "Ada is told")
    assert await is_dark(ada, mara)
    await until(partial(comes_no_more, mara, ada), "nothing of Ada comes any more")

    # By the button, or by itself some seconds later.
    await ada.page.evaluate("() => document.querySelector('.silence-again:not([hidden])')?.click()")
    await until(partial(agree, mara, ada, other_than=before), "Ada has new keys")
    await together(mara, ada)
    assert await dropped_unsealed(box) == 0, "something left past the dead Worker"


@pytest.mark.again
async def test_keys_that_are_missing_or_wrong_blacken_that_persons_tile_alone_and_let_nothing_through(
    playwright: Playwright, box: Box
) -> None:
    mara, ada, tom = await people(playwright, mara="chromium", ada="firefox", tom="chromium")
    await ada.context.add_init_script(LOSES_KEYS)
    await gather(mara, box, ada)
    for fault, sentence in (("lost", "noKey"), ("wrong", "altered")):
        # New keys for all by a new member, or by Ada's own way back; hers go astray.
        await ada.page.evaluate("(fault) => sessionStorage.setItem('keys', fault)", fault)
        if fault == "lost":
            await wait(tom, box, 1)
            await admit(mara, tom, box.name(1))
        else:
            await ada.page.reload()
        for who, other in ((mara, ada), (tom, ada), (ada, mara), (ada, tom)):
            await until(partial(doubts, who, other, sentence), f"{who.name} is told about {other.name}")
        await opens_nothing_of(mara, "Ada", streams=2)
        await opens_nothing_of(ada, streams=4)
        # Mara and Tom are not concerned.
        for who, other in ((mara, tom), (tom, mara)):
            assert await doubts(who, other, "")
        await ada.page.evaluate("() => sessionStorage.removeItem('keys')")
        await ada.page.reload()
        await together(mara, ada, tom)
    assert await dropped_unsealed(box) == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_what_would_leave_unsealed_is_stopped_on_the_page_dropped_by_the_relay_and_opened_by_nobody(
    playwright: Playwright, box: Box, kind: str
) -> None:
    mara, ada = await people(playwright, mara="chromium", ada=kind)
    await ada.context.add_init_script(LEAVES_OUT_TRANSFORMS)
    await gather(mara, box, ada)

    async def is_told() -> bool:
        # What the page sent before it was loaded again stays a moment in Mara's statistics.
        new = [one for one in await received(mara) if one["from"] == "Ada" and one["ssrc"] not in sealed]
        assert not [one for one in new if one["packets"] > 0]
        if kind == "chromium" and fault != "open":
            assert await ada.page.evaluate(SENT) == 0, "Chromium lets nothing past a missing transform"
        return await is_silent(ada, "leak")

    for fault in ("late", "never", "open"):
        sealed = {one["ssrc"] for one in await received(mara)}
        await ada.page.evaluate("(fault) => sessionStorage.setItem('transform', fault)", fault)
        await ada.page.reload()
        await until(is_told, f"{fault}: Ada is told")
        assert await is_dark(ada, mara)
        for device in ("camera", "microphone"):
            await expect(ada.page.locator(f"#{device}")).to_have_attribute("aria-pressed", "false", timeout=WAIT * 1000)

    # A browser that is mended goes on from the sentence's own button.
    await ada.page.evaluate("() => sessionStorage.removeItem('transform')")
    await ada.page.reload()
    await together(mara, ada)
    assert await dropped_unsealed(box) > 0, "what the page let out is what the relay dropped"
