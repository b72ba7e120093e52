"""What sealing and opening one frame cost in the Worker. Prints JSON, one line a browser.

    .venv/bin/python -m tests.load.sealing [--browser chromium|firefox] [--frames 3000]

The Worker's own streams in a Worker of a real browser: a picture's frame of 5,000 bytes (640x360 at 500 kbit/s has
about 2,000 on average, a key frame many more) and a sound's of 100, one after the other, each awaited. Microseconds by
the Worker's clock (Chromium counts 5 at a time, Firefox 20), with the way to the browser's crypto threads and back:
this is what a frame is late by; the processor's part is less. `used`: share of each second that goes to this in a room
of twelve, 30 pictures and 50 sounds a second from each of the others and from here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import async_playwright

from tests.browser.pairs import build_probes, pair_page, served

FRAMES = {"video": 5000, "audio": 100}
A_SECOND = {"video": 30, "audio": 50}
OTHERS = 11
WARM = 200  # frames before the script is compiled and the keys are there

MEASURE = """
(job) => new Promise((resolve, reject) => {
  const worker = new Worker("/probe/bench.js");
  worker.onmessage = ({data}) => resolve(data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(job);
})
"""


def spread(milliseconds: list[float]) -> dict[str, float]:
    counted = sorted(milliseconds[WARM:])
    return {
        "median": round(statistics.median(counted) * 1000),
        "p95": round(counted[int(len(counted) * 0.95)] * 1000),
        "mean": round(statistics.mean(counted) * 1000, 1),
    }


async def measure(kind: str, frames: int) -> dict[str, object]:
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with TemporaryDirectory(prefix="hearth-") as folder:
        build_probes(Path(folder))
        async with served(Path(folder)) as address, async_playwright() as playwright:
            page = await pair_page(playwright, kind, address)
            for media, size in FRAMES.items():
                took = await page.evaluate(MEASURE, {"kind": media, "bytes": size, "frames": frames + WARM})
                figures[media] = {what: spread(took[what]) for what in ("seal", "open")}
    mean = sum(
        A_SECOND[media] * (figures[media]["seal"]["mean"] + OTHERS * figures[media]["open"]["mean"]) for media in FRAMES
    )
    return {"browser": kind, "frames": frames, "microseconds": figures, "used": round(mean / 1e6, 3)}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--browser", choices=("chromium", "firefox"))
    options.add_argument("--frames", type=int, default=3000)
    chosen = options.parse_args()
    for browser in [chosen.browser] if chosen.browser else ["chromium", "firefox"]:
        sys.stdout.write(json.dumps(asyncio.run(measure(browser, chosen.frames))) + "\n")
