"""GStreamer's webrtcbin as a third WebRTC stack, in rooms where only sealed frames pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.relay_process import Clinic, clinic
from tests.interop.members import Stack, admit, gstreamer, receive, send

pytestmark = [pytest.mark.slow, pytest.mark.interop]


@pytest.fixture
async def relay() -> AsyncIterator[Clinic]:
    async with clinic() as running:
        yield running


async def shown(stack: Stack, what: str, pictures: int = 60, sounds: int = 100) -> dict[str, Any]:
    """Wait until so many pictures and sounds came out of the decoders; the counts."""
    async with asyncio.timeout(30):
        while True:
            counts = await stack.counts()
            if counts["video"]["decoded"] >= pictures and counts["audio"]["decoded"] >= sounds:
                print(f"{what}: {counts}")
                return counts
            await asyncio.sleep(0.1)


async def test_sealed_frames_of_one_webrtcbin_are_opened_and_decoded_by_another(relay: Clinic) -> None:
    async with gstreamer("send", 1) as ada, gstreamer("receive", 2) as tom:
        await admit(relay, "ada")
        await admit(relay, "tom")
        await receive(relay, "tom", tom, await send(relay, "ada", ada))
        counts = await shown(tom, "webrtcbin from webrtcbin")
        assert counts["video"]["distinct"] > 30, "a moving picture"
        assert (await relay.client.counts())["dropped"]["not_sealed"] == 0
