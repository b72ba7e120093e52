"""How soon the first page of an invitation can be used on a slow device. Prints JSON; asserts nothing.

    python -m tests.load.first_page [--json] [--rounds 10] [--slow 6] [--line 300]

A demo box and a fresh Chromium window for each round, whose processor is slowed by the browser's own devtools (CDP
`Emulation.setCPUThrottlingRate`). Milliseconds from the start of the navigation by the page's clock: `painted` first
content, `loaded` the load event, `usable` a first key typed into the PIN has been handled by the page (the script had
put the code in its place and the focus into the field). `busy`: what the page's own thread worked by then, which other
work of the machine does not make longer. `--line`: kbit/s down and up with 400 ms of delay as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.browser.people import launch
from tests.fakes.boxes import Box, running_box

LINE_DELAY = 400  # ms

# Resolves when a key has come to the PIN and the frame after it was drawn; the key is sent from outside as soon as the
# field has the focus, which is the script's work.
HANDLED = """
window.focused = new Promise((resolve) =>
  addEventListener("focusin", (event) => event.target.id === "pin" && resolve()));
window.handled = new Promise((resolve) => addEventListener("input", () =>
  requestAnimationFrame(() => resolve(performance.now())), { once: true, capture: true }));
"""
FOCUSED = "() => window.focused"
TIMES = """async () => {
  if (document.readyState !== "complete") await new Promise((resolve) => addEventListener("load", resolve));
  await new Promise((resolve) => setTimeout(resolve));
  const entry = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return { painted: paint?.startTime ?? 0, loaded: entry.loadEventEnd, usable: await window.handled };
}"""


async def one_round(browser: Browser, box: Box, slow: float, line: int) -> dict[str, float]:
    """A first visit with nothing in the cache."""
    context = await browser.new_context(
        ignore_https_errors=True, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    if line:
        bytes_a_second = line * 1000 // 8
        limits: dict[str, Any] = {"offline": False, "latency": LINE_DELAY}
        both = {"downloadThroughput": bytes_a_second, "uploadThroughput": bytes_a_second}
        await devtools.send("Network.emulateNetworkConditions", {**limits, **both})
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.add_init_script(HANDLED)
    await page.goto(box.link(0), wait_until="commit")
    await page.evaluate(FOCUSED)
    await page.keyboard.press("1")
    times: dict[str, float] = await page.evaluate(TIMES)
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    busy = next(one["value"] for one in metrics if one["name"] == "TaskDuration") * 1000
    await context.close()
    return {**times, "busy": busy}


async def measure(rounds: int, slow: float, line: int) -> dict[str, object]:
    home = Path(mkdtemp(prefix="hearth-"))
    found: dict[str, list[float]] = {"painted": [], "loaded": [], "usable": [], "busy": []}
    try:
        async with running_box(home) as box, async_playwright() as playwright:
            browser = await launch(playwright, "chromium")
            await one_round(browser, box, 1, 0)  # the box and the browser have done it once
            for _ in range(rounds):
                for name, value in (await one_round(browser, box, slow, line)).items():
                    found[name].append(value)
            await browser.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    figures = {f"{what}_ms": _spread(values) for what, values in found.items()}
    return {"browser": "chromium", "rounds": rounds, "cpu_slowed": slow, "line_kbit": line or None, **figures}


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values)), "min": round(min(values)), "max": round(max(values))}


def main() -> int:
    options = argparse.ArgumentParser(prog="first_page", description="How soon the first page can be used.")
    options.add_argument("--json", action="store_true", help="print one JSON object on one line")
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--slow", type=float, default=6.0, help="times that the processor is slowed")
    options.add_argument("--line", type=int, default=0, help="kbit/s of a slow line as well; 0: none")
    chosen = options.parse_args()
    found = asyncio.run(measure(chosen.rounds, chosen.slow, chosen.line))
    sys.stdout.write(json.dumps(found, indent=None if chosen.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
