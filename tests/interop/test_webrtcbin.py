"""GStreamer's webrtcbin as a third WebRTC stack, in rooms where only sealed frames pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.people import launch
from tests.fakes.relay_process import Clinic, clinic
from tests.interop.chromium import chromium
from tests.interop.members import Stack, admit, gstreamer, receive, send

pytestmark = [pytest.mark.slow, pytest.mark.interop]

PICTURES, SOUNDS = 60, 100  # three seconds of the one, two of the other


@pytest.fixture
async def relay() -> AsyncIterator[Clinic]:
    async with clinic() as running:
        await admit(running, "ada")
        await admit(running, "tom")
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        yield await launch(driver, "chromium")


async def shown(relay: Clinic, stack: Stack, what: str, pictures: int = PICTURES) -> dict[str, Any]:
    """Wait until pictures and sounds came out of the decoders, and nothing ended at the relay; the counts."""
    async with asyncio.timeout(30):
        while True:
            counts = await stack.counts()
            if counts["video"]["decoded"] >= pictures and counts["audio"]["decoded"] >= SOUNDS:
                break
            await asyncio.sleep(0.1)
    print(f"{what}: {counts}")
    assert (await relay.client.counts())["dropped"]["not_sealed"] == 0
    return counts


async def test_sealed_frames_of_one_webrtcbin_are_opened_and_decoded_by_another(relay: Clinic) -> None:
    async with gstreamer("send", 1) as ada, gstreamer("receive", 2) as tom:
        await receive(relay, "tom", tom, await send(relay, "ada", ada))
        counts = await shown(relay, tom, "webrtcbin to webrtcbin")
        assert counts["video"]["distinct"] > PICTURES // 2, "a picture that moves"


async def test_chromium_opens_and_decodes_what_webrtcbin_has_sealed(relay: Clinic, browser: Browser) -> None:
    async with gstreamer("send", 1) as ada, chromium(browser, "receive", 2) as tom:
        await receive(relay, "tom", tom, await send(relay, "ada", ada))
        await shown(relay, tom, "webrtcbin to Chromium")


async def test_webrtcbin_opens_and_decodes_what_chromium_has_sealed(relay: Clinic, browser: Browser) -> None:
    async with chromium(browser, "send", 1) as ada, gstreamer("receive", 2) as tom:
        await receive(relay, "tom", tom, await send(relay, "ada", ada))
        await shown(relay, tom, "Chromium to webrtcbin")


@pytest.mark.xfail(strict=True, raises=TimeoutError, reason="REMB that follows what is sent pauses it for good")
async def test_a_receiver_that_tells_of_its_line_by_remb_alone_keeps_its_picture(
    relay: Clinic, browser: Browser
) -> None:
    async with gstreamer("send", 1) as ada, chromium(browser, "receive", 2) as tom:
        await receive(relay, "tom", tom, await send(relay, "ada", ada))
        await shown(relay, tom, "webrtcbin to Chromium, 15 seconds", pictures=300)
