"""Whether the machine's clock can be believed, and what to go by where it cannot. Pure: every time is an argument.

A box on a Pi has no clock that runs without power. Three times are compared: what the machine says, the last time that
the box itself saw (kept in the store), and how long the machine has run (CLOCK_BOOTTIME). What cannot be believed is
not followed: the box goes on from the last time it saw, evenly, until staff say what time it is. So a clock that is a
year ahead ends no ticket, and one that is a year behind prolongs none.

A correction is what staff measured: seconds to add to the machine's clock. It is dropped as soon as the machine's
clock alone fits and the corrected one does not (somebody set it right), or the kernel says that a time server sets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.faults import Fault

DAY = 24 * 3600

EARLIEST = (
    1767225600  # 2026-01-01: no clock that is right shows a day before this program was made. Raise it at a release.
)
LIFETIME = 10 * 365 * DAY  # a box that runs a program ten years old is the rarer case than a clock ten years ahead
PAUSE = 60 * DAY  # the longest a clinic is closed with its box off, with some to spare; a longer one costs one question
SLACK = 120  # seconds: how far a slewed clock may fall behind what was noted, at most
JUMP = 60  # seconds between two looks: a time server slews less than 1 in a look, so more than this was a step

Trouble = Literal["", "behind", "ahead", "jumped", "unsure"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store remembers.

    `seen_at`: the last corrected time noted; `steady`: the steady clock's at that moment, which none of this moves.
    `boot`: the start of the machine in which staff last said the time. `doubt`: the box went by a stop-gap then, and a
    restart alone does not make the machine's clock right.
    """

    correction: int
    seen_at: int
    steady: int = 0
    boot: str = ""
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`correction`: seconds to add to the machine's clock. With a `trouble` it is what the box goes by meanwhile.

    behind: the machine shows a time before the last one seen; ahead: one implausibly long after it; jumped: somebody
    set it while the box ran; unsure: it fits, but the machine cannot know how long it was off.
    """

    correction: int
    trouble: Trouble = ""


def at_start(machine: float, kept: Kept | None, *, synchronised: bool, battery: bool, boot: str) -> Verdict:
    """The verdict when the store was opened. `kept` is None for a store that has never seen a time.

    `synchronised`: a time server sets the machine's clock. `battery`: it has a clock that runs without power.
    `boot`: names this start of the machine.
    """
    if synchronised and machine >= EARLIEST:
        return Verdict(0)
    last, latest = _bounds(kept)
    for correction in dict.fromkeys((kept.correction if kept else 0, 0)):
        if last - SLACK <= machine + correction <= latest:
            sure = not kept.doubt and (battery or kept.boot == boot) if kept else battery
            return Verdict(correction, "" if sure else "unsure")
    believed = machine + (kept.correction if kept else 0)
    return Verdict(round(last - machine), "behind" if believed < last else "ahead")


def while_running(machine: float, expected: float, before: Verdict, *, synchronised: bool) -> Verdict:
    """The verdict after a while, `expected` being the time by the evenly running one."""
    if synchronised and machine >= EARLIEST:
        return Verdict(0)
    if abs(machine + before.correction - expected) <= JUMP:
        return before
    if abs(machine - expected) <= JUMP:
        return Verdict(0, before.trouble)  # set to what the box went by: the correction is in the machine's clock now
    return Verdict(round(expected - machine), before.trouble or "jumped")


def told(machine: float, said: float) -> Verdict:
    """The verdict when staff say that it is `said`. Fault("clock_wrong") for a day that cannot be."""
    if not EARLIEST <= said <= EARLIEST + LIFETIME:
        raise Fault("clock_wrong", "a day that cannot be")
    return Verdict(round(said - machine))


def steady_at_start(now: float, kept: Kept | None) -> float:
    """The steady clock's time when it is `now`. The time that the box was off counts, as far as it is believed."""
    return kept.steady + max(0.0, now - kept.seen_at) if kept and kept.steady else now


def _bounds(kept: Kept | None) -> tuple[float, float]:
    """The earliest and the latest time that can be believed."""
    if kept is None:
        return EARLIEST, EARLIEST + LIFETIME
    last = max(EARLIEST, kept.seen_at)
    return last, last + PAUSE
