"""People come and go for an hour, and the relay's memory is looked at. Prints a line a minute, then JSON.

    .venv/bin/python -m tests.load.soak [--hour | --seconds 120] [--people 8]

A room of eight without browsers: the one who has been there longest goes, by turns with a goodbye, without a word, and
by being removed; somebody new comes at once, sends sound and picture and receives all others'. `growth_mb`: the median
of the last tenth of the samples less that of the second tenth, when everything has been used once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import psutil

from tests.fakes.relay_process import Clinic, clinic

HOUR = 3600.0
SAMPLE_INTERVAL = 1.0
LINE_INTERVAL = 60.0
# Seconds between two changes: a room that is never still, with time for each one's pictures to flow.
CHANGE_INTERVAL = 0.5


class Memory:
    """Resident and proportional set size of a process in MB, sampled."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.resident: list[float] = []
        self.proportional: list[float] = []

    def sample(self) -> None:
        found = self._process.memory_full_info()
        self.resident.append(found.rss / 1e6)
        self.proportional.append(found.pss / 1e6)


def growth(samples: list[float]) -> float:
    """Of the last tenth over the second; 0 with too few to say."""
    tenth = len(samples) // 10
    if not tenth:
        return 0.0
    return statistics.median(samples[-tenth:]) - statistics.median(samples[tenth : 2 * tenth])


async def replace(box: Clinic, number: int, leaving: str) -> None:
    page = box.pages.pop(("room", leaving))
    if number % 3 == 0:
        await page.close()
        await box.client.leave("room", leaving)
    elif number % 3 == 1:
        page.vanish()
    await box.remove("room", leaving)
    page.vanish()
    await box.enter("room", f"person{number}", "audio", "video")


async def soak(seconds: float, people: int, options: Sequence[str] = ()) -> dict[str, Any]:
    async with clinic(options=options) as box:
        assert box.process is not None
        memory, began = Memory(box.process.pid), time.monotonic()
        for number in range(people):
            await box.enter("room", f"person{number}", "audio", "video")
        number, sampled, told = people, 0.0, began
        while (now := time.monotonic()) < began + seconds:
            await replace(box, number, f"person{number - people}")
            number += 1
            if now - sampled >= SAMPLE_INTERVAL:
                memory.sample()
                sampled = now
            if now - told >= LINE_INTERVAL:
                sys.stderr.write(f"{now - began:.0f} s: {number} have come, {memory.resident[-1]:.1f} MB\n")
                told = now
            await asyncio.sleep(CHANGE_INTERVAL)
        counts = await box.client.counts()
    return {
        "seconds": round(seconds),
        "joins": number,
        "resident_mb": {"first": memory.resident[0], "last": memory.resident[-1], "most": max(memory.resident)},
        "proportional_mb": {"most": max(memory.proportional)},
        "growth_mb": round(growth(memory.resident), 2),
        "transports_left": counts["transports"],
    }


def main() -> int:
    options = argparse.ArgumentParser(description="The relay's memory over joins and leaves.")
    options.add_argument("--hour", action="store_true", help="an hour, instead of --seconds")
    options.add_argument("--seconds", type=float, default=120.0)
    options.add_argument("--people", type=int, default=8)
    options.add_argument(
        "--relay-option", action="append", default=[], help="one more word for the relay's command line"
    )
    chosen = options.parse_args()
    found = asyncio.run(soak(HOUR if chosen.hour else chosen.seconds, chosen.people, chosen.relay_option))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
