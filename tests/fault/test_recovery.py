"""What ends and comes back under a session that goes on: the relay, the appliance, a browser, an address.

Nobody does anything for it: no page is loaded again, no button is pressed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from playwright.async_api import expect

from tests.browser.people import Person
from tests.fault.callers import WAIT, Call, anew, calling, going_on, inbound, same_page, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault]

BACK = 3.0  # seconds after the relay was killed until both have sound and picture of each other again
STILL = 1.0  # seconds without a new picture that count as an interruption
KINDS = pytest.mark.parametrize("kind", ["chromium", "firefox"])


async def both(call: Call, look: Callable[[Person], Any], what: str) -> list[float]:
    """Seconds until it held for Mara and for Ada, looked at side by side."""
    waits = [until(look(who), f"{what}: {who.name}", WAIT) for who in (call.mara, call.ada)]
    took = list(await asyncio.gather(*waits))
    assert await same_page(call.mara) and await same_page(call.ada)
    print(f"{what}: Mara after {took[0]:.2f} s, Ada after {took[1]:.2f} s", flush=True)
    return took


@KINDS
async def test_after_the_relay_was_killed_both_are_back_with_pictures_in_three_seconds(kind: str) -> None:
    async with calling(kind) as call:
        before = {who.name: await inbound(who) for who in (call.mara, call.ada)}
        os.kill(call.box.pid("media"), signal.SIGKILL)
        took = await both(call, lambda who: anew(who, before[who.name]), f"{kind}, relay killed")
        assert max(took) <= BACK


@KINDS
async def test_media_goes_on_without_a_break_while_the_appliance_is_killed_and_starts_again(kind: str) -> None:
    async with calling(kind) as call:
        streams = {who.name: {track["ssrc"] for track in await inbound(who)} for who in (call.mara, call.ada)}
        watching = [asyncio.create_task(longest_break(who)) for who in (call.mara, call.ada)]
        os.kill(call.box.pid("appliance", "--home"), signal.SIGKILL)
        for who in (call.mara, call.ada):
            await expect(who.page.locator("#room")).to_have_attribute("data-line", "lineLost", timeout=WAIT * 1000)
        for who in (call.mara, call.ada):
            await expect(who.page.locator("#room")).to_have_attribute("data-line", "connected", timeout=WAIT * 1000)
        breaks = [await ended(task) for task in watching]
        print(f"{kind}, appliance killed: longest time without a new picture {breaks[0]:.2f} and {breaks[1]:.2f} s")
        assert max(breaks) < STILL
        for who in (call.mara, call.ada):
            assert {track["ssrc"] for track in await inbound(who)} == streams[who.name]


# Seconds: below and beyond the consent of limits.CONSENT_TIMEOUT, after which the relay has closed the transports.
@pytest.mark.parametrize("asleep", [8.0, 40.0])
@KINDS
async def test_a_browser_that_was_asleep_is_back_by_itself(kind: str, asleep: float) -> None:
    async with calling(kind) as call:
        before = {who.name: await inbound(who) for who in (call.mara, call.ada)}
        signal_all(call.processes["Ada"], signal.SIGSTOP)
        await asyncio.sleep(asleep)  # that is what is tried here
        gone = await inbound(call.mara)
        signal_all(call.processes["Ada"], signal.SIGCONT)
        seen = {"Mara": gone, "Ada": before["Ada"]}
        await both(call, lambda who: going_on(who, seen[who.name]), f"{kind}, asleep for {asleep:.0f} s")


@KINDS
async def test_a_new_address_ends_no_call(kind: str) -> None:
    async with calling(kind) as call:
        call.line.roam()
        before = {who.name: await inbound(who) for who in (call.mara, call.ada)}
        await both(call, lambda who: going_on(who, before[who.name]), f"{kind}, another address")


def signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    """To a whole browser, but for Chromium's sound service. A machine that sleeps stops the clock as well; with a clock
    that goes on, Chromium would take the service for dead and end the microphone for good."""
    for process in {child for one in processes if one.is_running() for child in (one, *one.children(recursive=True))}:
        if not any("AudioService" in word for word in process.cmdline()):
            process.send_signal(number)


async def longest_break(who: Person) -> float:
    """Until cancelled: the longest time in which no picture was decoded."""
    longest, frames, since = 0.0, -1, time.monotonic()
    try:
        while True:
            now = sum(track.get("framesDecoded", 0) for track in await inbound(who))
            if now != frames:
                frames, since = now, time.monotonic()
            longest = max(longest, time.monotonic() - since)
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return longest


async def ended(task: asyncio.Task[float]) -> float:
    task.cancel()
    return await task
