"""Whether the machine's clock can be believed, and what to go by where it cannot. Pure: every time is an argument.

A box on a Pi has no clock that runs without power. Three times are compared: what the machine says, the last time that
the box itself saw (kept in the store), and how long the machine has run (CLOCK_BOOTTIME). What cannot be believed is
not followed: the box goes on from the last time it saw, evenly, until staff say what time it is. So a clock that is a
year ahead ends no ticket, and one that is a year behind prolongs none.

Who says what time it is: a time server (through the machine's clock), headquarters (its Date, on a line whose TLS
proves that it is HQ and now), staff. No server takes the box back past its last audit entry: where that would be, the
box stands still until the time has caught up, up to an hour; beyond that it goes on and a person has to decide.

A correction is what staff measured: seconds to add to the machine's clock. It is dropped as soon as the machine's
clock alone fits and the corrected one does not (somebody set it right), or the kernel says that a time server sets it.
"""

from __future__ import annotations

import math
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

SAVED = 3600 + SLACK  # seconds: systemd saves a clock without a battery each hour, the box notes its own oftener
STAND = 3600  # seconds: how long the clock may stand until the time has caught up with what was noted already
BACK = 26 * 3600  # seconds that anybody who sets the clock may set it back: a wrong day, or a wrong time zone
HQ_SLACK = 10  # seconds: headquarters' Date has whole ones, and took some on a bad line
HQ_FRESH = DAY  # after which what headquarters said is too old to measure by: a crystal drifts 4 s a day
APART = 600  # seconds between a time server and headquarters from which on headquarters is believed: it has a key

Trouble = Literal["", "behind", "ahead", "jumped", "unsure", "contradicted"]
Source = Literal["machine", "staff", "headquarters", "server", "battery"]


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
    set it while the box ran; unsure: it fits, but the machine cannot know how long it was off; contradicted: a time
    server or headquarters says a time more than STAND before the last audit entry.
    """

    correction: int
    trouble: Trouble = ""


def at_start(
    machine: float, kept: Kept | None, *, synchronised: bool, battery: bool, boot: str, floor: float = 0.0
) -> Verdict:
    """The verdict when the store was opened. `kept` is None for a store that has never seen a time.

    `synchronised`: a time server sets the machine's clock. `battery`: it has a clock that runs without power.
    `boot`: names this start of the machine. `floor`: when the last audit entry was noted.
    """
    if synchronised and machine >= EARLIEST:
        return _by(machine, machine, floor, floor)
    last, latest = _bounds(kept, floor)
    for correction in dict.fromkeys((kept.correction if kept else 0, 0)):
        if last - SLACK <= machine + correction <= latest:
            sure = not kept.doubt and (battery or kept.boot == boot) if kept else battery
            return Verdict(correction, "" if sure else "unsure")
    believed = machine + (kept.correction if kept else 0)
    if not battery and last - SAVED <= believed < last:
        return Verdict(round(last - machine), "unsure")
    return Verdict(round(last - machine), "behind" if believed < last else "ahead")


def while_running(
    machine: float, expected: float, before: Verdict, *, synchronised: bool, floor: float = 0.0
) -> Verdict:
    """The verdict after a while, `expected` being the time by the evenly running one."""
    if synchronised and machine >= EARLIEST:
        return _by(machine, machine, expected, floor)
    if abs(machine + before.correction - expected) <= min(JUMP, abs(machine - expected) + 1):
        return before
    if abs(machine - expected) <= JUMP:
        return Verdict(0, before.trouble)  # set to what the box went by: the correction is in the machine's clock now
    return Verdict(round(expected - machine), before.trouble or "jumped")


def by_headquarters(
    machine: float, expected: float, said: float, before: Verdict, *, floor: float = 0.0, signed: float = 0.0
) -> Verdict:
    """The verdict after headquarters said that it is `said`. `signed`: the newest moment that it put its signature to.

    A day that cannot be, or one that is long after everything that is known, is not followed: the courier carries what
    HQ says, and whoever took the courier over must not be able to end every ticket. A signed receipt moves that bound.
    """
    latest = max(expected, floor, signed) + PAUSE
    if not EARLIEST <= said <= latest:
        return before
    if abs(machine + before.correction - said) <= HQ_SLACK and said + HQ_SLACK >= floor:
        return Verdict(before.correction)
    return _by(machine, said, expected, floor)


def by_receipt(machine: float, expected: float, signed: float, before: Verdict) -> Verdict:
    """The verdict when a receipt came that HQ signed at `signed`: it cannot be earlier than that, so much is proven.

    A receipt may be old when it comes (on a stick): it never says that it is later, nor takes away a doubt.
    """
    if signed <= expected + SLACK or signed > expected + PAUSE:
        return before
    return Verdict(round(signed - machine), "behind")


def told(machine: float, said: float, *, floor: float = 0.0, back: bool = False) -> Verdict:
    """The verdict when staff say that it is `said`. `back`: although the audit has been more than BACK further.

    Faults: clock_wrong for a day that cannot be, clock_before_audit.
    """
    if not EARLIEST <= said <= EARLIEST + LIFETIME:
        raise Fault("clock_wrong", "a day that cannot be")
    if said < floor - BACK and not back:
        raise Fault("clock_before_audit")
    return Verdict(round(said - machine))


def apart(machine: float, said: float) -> bool:
    """Whether a time server and headquarters cannot both be right."""
    return abs(machine - said) > APART


def steady_at_start(now: float, kept: Kept | None) -> float:
    """The steady clock's time when it is `now`. The time that the box was off counts, as far as it is believed."""
    return kept.steady + max(0.0, now - kept.seen_at) if kept and kept.steady else now


def _by(machine: float, said: float, expected: float, floor: float) -> Verdict:
    """Go by what a source says, never before `floor`."""
    if said >= floor:
        return Verdict(round(said - machine))
    if floor - said <= STAND:
        return Verdict(math.ceil(floor - machine))
    return Verdict(math.ceil(max(expected, floor) - machine), "contradicted")


def _bounds(kept: Kept | None, floor: float) -> tuple[float, float]:
    """The earliest and the latest time that can be believed."""
    if kept is None:
        return EARLIEST, EARLIEST + LIFETIME
    last = max(EARLIEST, kept.seen_at, floor)
    return last, last + PAUSE
