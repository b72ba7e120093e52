"""Three rooms of twelve on one relay that has the processor of a Raspberry Pi 4. Prints JSON; needs root.

    .venv/bin/python -m tests.load.rooms [--seconds 20] [--rooms 3] [--slower 2.3 3.65 5.8]

The load is that of `hearth bench relay`, `call` (media/bench), three times: 6,480 packets/s in, 17,280 out. Only the
relay is held back, not the participants.

How the share was chosen: DESIGN.md section 7 estimates that a core of a Pi 4 takes 2.3 to 5.8 times as long for a
packet as a server's core. So the relay gets 1/2.3, 1/3.65 (the geometric mean) and 1/5.8 of one core of this machine by
a quota of 1 ms of processor time in each period of 2.3, 3.65 and 5.8 ms. That is stricter than a Pi, which has four
such cores, for the relay's two threads get one core's share together; and coarser: whoever has used a period's
millisecond waits for the next, so pauses of up to 4.8 ms are the quota's. `throttled` says how often that was.
What it can't show: the Pi's caches, memory and network card; what a packet takes there has to be measured there.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import uvloop

from media.bench.command import machine
from media.bench.native import NoCompiler
from media.bench.ours import Hearth
from media.bench.peer import Missing
from media.bench.profiles import packets_in, packets_out
from media.bench.report import figures
from media.bench.window import measure
from tests.load.quota import Group, NoQuota, group

P99_MS = 5.0
MEMORY_MB = 100.0
# Share that a receiver's estimate of its path may cost at the edges of a window.
WITHHELD = 0.001


class HeldBack(Hearth):
    """A relay that is put into a control group before anybody joins."""

    def __init__(self, held: Group) -> None:
        super().__init__()
        self._held = held

    async def start(self, folder: Path) -> None:
        await super().start(folder)
        self._held.hold(self.pid)


def run(slower: float, rooms: int, seconds: float) -> dict[str, Any]:
    with group(1 / slower) as held:
        peer = HeldBack(held)
        made = uvloop.run(measure(peer, "call", seconds, rooms))
        periods, throttled = held.counts()
    return {
        "slower": slower,
        "share_of_a_core": round(1 / slower, 3),
        "throttled": round(throttled / max(1, periods), 4),
        "no_loss": made.loss == 0,
        "nothing_withheld": made.withheld < WITHHELD,
        "p99_under_5_ms": made.age_ms(0.99) < P99_MS,
        "memory_under_100_mb": made.resident_mb < MEMORY_MB,
        "proportional_mb": round(made.proportional_mb, 1),
        "dropped": made.counts.get("dropped", {}),
        **figures([made]),
    }


def main() -> int:
    options = argparse.ArgumentParser(description="Three rooms of twelve on the processor of a Pi 4.")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rooms", type=int, default=3)
    options.add_argument("--slower", type=float, nargs="+", default=[2.3, 3.65, 5.8])
    chosen = options.parse_args()
    asked = {"packets_in": packets_in("call", chosen.rooms), "packets_out": packets_out("call", chosen.rooms)}
    try:
        found = [run(slower, chosen.rooms, chosen.seconds) for slower in chosen.slower]
    except (NoQuota, NoCompiler, Missing) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"machine": machine(), "rooms": chosen.rooms, "asked": asked, "runs": found}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
