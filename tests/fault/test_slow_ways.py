"""A patient on a slow line, and one whose phone sleeps for a minute on it: both get in, and back."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.fault.callers import Call, calling, going_on, inbound, until
from tests.fault.test_recovery import signal_all

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault]

# 300 kbit/s and 400 ms each way; a queue of 0.9 s, as a cheap modem has.
SLOW = {"up": 300_000.0, "down": 300_000.0, "rtt": 0.8, "queue": 32_000.0}
ASLEEP = 60.0


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
async def test_on_a_slow_line_a_patient_gets_in_and_comes_back_after_a_reload_and_after_sleep(kind: str) -> None:
    async with calling(kind, **SLOW) as call:  # through every page, admitted, and both see and hear each other
        await call.mara.page.locator("form[data-action=show_rules] button").click()
        await _reads_the_rules(call)

        before = await inbound(call.ada)
        await call.ada.page.reload()
        await _reads_the_rules(call)
        await until(going_on(call.ada, before), f"{kind}: Ada is back after a reload")

        before, seen = await inbound(call.ada), await inbound(call.mara)
        signal_all(call.processes["Ada"], signal.SIGSTOP)
        await asyncio.sleep(ASLEEP)  # that is what is tried here
        signal_all(call.processes["Ada"], signal.SIGCONT)
        await until(going_on(call.ada, before), f"{kind}: Ada sees and hears Mara after a minute of sleep", 60.0)
        await until(going_on(call.mara, seen), f"{kind}: and Mara her", 60.0)
        await _reads_the_rules(call)


async def _reads_the_rules(call: Call) -> None:
    """The card is there, as on every return, and goes when it is acknowledged."""
    card = call.ada.page.locator("#card-sheet")
    await card.wait_for(state="visible", timeout=60_000)
    await call.ada.page.locator("#card-done").click()
    await card.wait_for(state="hidden", timeout=60_000)
