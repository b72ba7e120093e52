"""How long until one sees the other, and what each process weighs meanwhile. Prints JSON.

    hearth bench join [--json] [--browser chromium|firefox] [--rounds 10]

A demo box and three real browser windows (one who leads, two patients) on this machine. Times in milliseconds, by the
page's own clock: `admit` from the click that admits to the first remote frame on the patient's page, `rejoin` from the
start of a reload to the same. Memory is the proportional set size (PSS) in MB, with all three in the room.
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

import psutil
from playwright.async_api import async_playwright

from tests.browser.people import Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box, running_box

BROWSERS = {"chromium": Path("/usr/bin/chromium"), "firefox": Path("/usr/bin/firefox-esr")}

# Resolves with the page's wall clock at the first frame of a picture that is not one's own.
FIRST_FRAME = """
() => new Promise((resolve) => {
  const look = () => {
    for (const video of document.querySelectorAll("#tiles > .tile video")) {
      const own = !video.closest(".tile").querySelector(".tile-you").hidden;
      if (!own && !video.hidden && video.videoWidth && !video.paused && video.currentTime > 0) {
        return resolve(performance.timeOrigin + performance.now());
      }
    }
    requestAnimationFrame(look);
  };
  look();
})
"""
CLOCK = "() => performance.timeOrigin + performance.now()"


async def admitted(leader: Person, patient: Person, name: str) -> float:
    """Milliseconds from the click that admits to the first remote frame."""
    button = leader.page.get_by_role("button", name=f"Admit {name}", exact=True)
    await button.wait_for()
    seen = asyncio.ensure_future(patient.page.evaluate(FIRST_FRAME))
    start = await leader.page.evaluate(CLOCK)
    await button.click()
    return float(await seen) - float(start)


async def rejoined(patient: Person) -> float:
    """Milliseconds from the start of a reload to the first remote frame."""
    await patient.page.reload(wait_until="commit")
    seen = float(await patient.page.evaluate(FIRST_FRAME))
    return seen - float(await patient.page.evaluate("() => performance.timeOrigin"))


async def left_and_back(patient: Person) -> None:
    await patient.page.locator("#call").get_by_role("button", name="Leave").click()
    await patient.page.locator("#confirm-leave").get_by_role("button", name="Leave").click()
    await patient.page.get_by_role("button", name="Go back to the waiting room").click()
    await patient.page.get_by_role("heading", name="You are in the waiting room").wait_for()


def memory(box: Box) -> dict[str, float]:
    """PSS of each process of the box in MB."""
    found = {"up": _megabytes(psutil.Process(box.process.pid))}
    for child in psutil.Process(box.process.pid).children():
        words = child.cmdline()
        name = "hq" if "hq" in words else words[words.index("-m") + 1]
        found["courier" if name == "sync" else "relay" if name == "media" else name] = _megabytes(child)
    return found


def _megabytes(process: psutil.Process) -> float:
    pss: int = process.memory_full_info().pss
    return round(pss / 1e6, 1)


async def measure(kind: str, rounds: int) -> dict[str, object]:
    home = Path(mkdtemp(prefix="hearth-"))
    times: dict[str, list[float]] = {"admit": [], "rejoin": []}
    try:
        async with running_box(home) as box, async_playwright() as playwright:
            browser = await launch(playwright, kind)
            mara = await person(browser, "Mara", "red")
            ada, tom = await person(browser, "Ada", "green", phone=True), await person(browser, "Tom", "blue")
            await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
            await mara.page.get_by_role("button", name="Open the session").click()
            await to_the_waiting_room(tom, box.link(1), box.pin(1), box.name(1))
            await admitted(mara, tom, box.name(1))
            await to_the_waiting_room(ada, box.link(0), box.pin(0), box.name(0))
            for number in range(rounds):
                times["admit"].append(await admitted(mara, ada, box.name(0)))
                times["rejoin"].append(await rejoined(ada))
                if number < rounds - 1:
                    await left_and_back(ada)
            weights = memory(box)
            await browser.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    figures = {f"{what}_ms": _spread(values) for what, values in times.items()}
    return {"browser": kind, "rounds": rounds, **figures, "memory_mb": weights}


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values)), "min": round(min(values)), "max": round(max(values))}


def main() -> int:
    options = argparse.ArgumentParser(prog="hearth bench join", description="How long until one sees the other.")
    options.add_argument("--json", action="store_true", help="print one JSON object on one line")
    options.add_argument("--browser", choices=tuple(BROWSERS), default="chromium")
    options.add_argument("--rounds", type=int, default=10)
    chosen = options.parse_args()
    if not BROWSERS[chosen.browser].exists():
        sys.stderr.write(f"There is no {chosen.browser} here (sudo apt install {BROWSERS[chosen.browser].name}).\n")
        return 1
    found = asyncio.run(measure(chosen.browser, chosen.rounds))
    sys.stdout.write(json.dumps(found, indent=None if chosen.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
