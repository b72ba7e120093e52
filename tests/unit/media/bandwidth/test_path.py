"""Estimate and layers over an emulated line, in virtual time: the rate is found, kept under, and found again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from media.bandwidth import limits
from media.bandwidth.estimate import PathEstimate
from tests.fakes.downlink import Downlink
from tests.fakes.emulator import Emulator

KBIT, MBIT = 1e3, 1e6


def downlink(seed: int = 7, *, pictures: int = 6, voices: int = 3, wanted: int = 2, **line: float) -> Downlink:
    emulator = Emulator[int | float](seed)
    for name, value in line.items():
        setattr(emulator, name, value)
    return Downlink(emulator, pictures=pictures, voices=voices, wanted=wanted)


def estimates(link: Downlink, since: float) -> list[int]:
    return [bps for at, bps, _ in link.history if at >= since]


def pictures(link: Downlink) -> int:
    return sum(layer is not None for layer in link.allocation.given.values())


def changes(link: Downlink, since: float) -> int:
    shown = [given for (at, _, _), given in zip(link.history, link.given, strict=True) if at >= since]
    return sum(before != after for before, after in pairwise(shown))


@pytest.mark.parametrize("loss", [0.0, 0.05])
@pytest.mark.parametrize(("rate", "seconds"), [(300 * KBIT, 3), (1 * MBIT, 3), (5 * MBIT, 8)])
def test_the_rate_of_a_line_is_found_within_seconds_and_kept_under(rate: float, seconds: int, loss: float) -> None:
    link = downlink(rate=rate, loss=loss).run(seconds)
    found = estimates(link.run(20), link.now - 20)
    assert sum(found) / len(found) >= 0.6 * rate
    assert sum(bps > rate for bps in found) <= 0.05 * len(found)
    assert max(found) <= 1.15 * rate


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_narrow_line_carries_the_sound_and_a_thumbnail(seed: int) -> None:
    link = downlink(seed, rate=300 * KBIT, pictures=3, voices=1).run(5)
    link.sound_delays.clear()
    link.run(20)
    assert pictures(link) == 1
    late = sorted(link.sound_delays)
    assert late[len(late) // 2] <= 0.1
    assert late[int(len(late) * 0.95)] <= 0.35


@pytest.mark.parametrize("rate", [1 * MBIT, 5 * MBIT])
def test_a_fifth_lost_leaves_one_picture_and_a_clean_line_brings_the_others_within_seconds(rate: float) -> None:
    link = downlink(rate=rate, loss=0.2).run(20)
    assert pictures(link) >= 1
    assert link.given[-1][0] == 0
    link.line.loss = 0.0
    assert pictures(link.run(3)) >= 2
    assert link.run(7).estimate.bps >= 0.6 * rate


def test_a_line_that_loses_a_tenth_keeps_pictures() -> None:
    link = downlink(rate=5 * MBIT, loss=0.08).run(20)
    assert pictures(link) >= 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_line_that_becomes_narrow_is_noticed_at_once_and_its_queue_drains(seed: int) -> None:
    link = downlink(seed, rate=3 * MBIT).run(10)
    link.line.rate = 600 * KBIT
    assert link.run(1).estimate.bps <= 1.1 * 600 * KBIT
    link.run(4)
    link.sound_delays.clear()
    link.run(10)
    late = sorted(link.sound_delays)
    assert late[len(late) // 2] <= 0.2
    assert pictures(link) >= 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_line_that_becomes_wide_is_found_again(seed: int) -> None:
    link = downlink(seed, rate=600 * KBIT).run(15)
    link.line.rate = 5 * MBIT
    assert pictures(link.run(10)) == 6
    assert link.run(5).estimate.bps >= 2.5 * MBIT


@pytest.mark.parametrize(
    "line",
    [
        {"jitter": 0.02},
        {"jitter": 0.05},
        {"jitter": 0.2},
        {"reorder": 0.05, "duplicate": 0.02},
        {"bursts": 0.005, "burst": 4.0},
        {"queue": 0.05},
        {"queue": 3.0},
        {"delay": 0.3},
    ],
    ids=str,
)
def test_what_is_wrong_with_a_line_but_its_rate_does_not_halve_it(line: dict[str, float]) -> None:
    link = downlink(rate=3 * MBIT)
    for name, value in line.items():
        setattr(link.line, name, value)
    link.run(10)
    found = estimates(link.run(15), link.now - 15)
    assert sum(found) / len(found) >= 1.5 * MBIT
    assert max(found) <= 1.3 * 3 * MBIT


def test_the_queue_of_a_line_with_much_room_stays_short() -> None:
    link = downlink(rate=1 * MBIT, queue=3.0).run(10)
    link.sound_delays.clear()
    link.run(30)
    late = sorted(link.sound_delays)
    assert late[int(len(late) * 0.95)] <= 0.25


def test_layers_do_not_flicker_on_a_steady_line() -> None:
    for rate in (1 * MBIT, 2 * MBIT, 5 * MBIT):
        link = downlink(rate=rate).run(15)
        assert changes(link.run(30), link.now - 30) <= 8


def test_nobody_probes_beyond_what_is_wanted() -> None:
    link = downlink(rate=20 * MBIT, pictures=2, wanted=0).run(5)
    assert link.allocation.given == {0: 0, 1: 0}
    probes = link.probes
    link.run(20)
    assert link.probes == probes


def test_probes_take_little_of_a_full_line() -> None:
    link = downlink(rate=1 * MBIT).run(10)
    before = link.probes
    link.run(30)
    assert (link.probes - before) * limits.PROBE_OCTETS * 8 / 30 <= 0.08 * MBIT


def test_silence_lowers_the_estimate_and_its_end_brings_it_back() -> None:
    link = downlink(rate=3 * MBIT).run(10)
    high = link.estimate.bps
    link.answering = False
    assert link.run(3).estimate.bps <= 0.5 * high
    link.run(20)
    assert pictures(link) == 0
    link.answering = True
    assert pictures(link.run(10)) >= 4


def test_a_line_that_breaks_for_a_while_comes_back() -> None:
    link = downlink(rate=3 * MBIT).run(10)
    link.line.loss = 1.0
    link.run(10)
    link.line.loss = 0.0
    assert pictures(link.run(10)) >= 4


def test_the_same_seed_gives_the_same_call() -> None:
    one, two = (downlink(5, rate=MBIT, loss=0.05, jitter=0.03).run(5) for _ in range(2))
    assert one.history == two.history


# --- receivers without transport-wide feedback ---------------------------------------------------------------------


def test_a_remb_is_a_cap_while_it_is_fresh() -> None:
    estimate = PathEstimate(0.0)
    estimate.remb(200_000, 0.0)
    assert estimate.bps == 200_000
    estimate.probe(limits.REMB_AGE + 1, 0.0)
    assert estimate.bps == limits.START_BPS


def test_a_remb_of_nothing_leaves_the_floor() -> None:
    estimate = PathEstimate(0.0)
    estimate.remb(0, 0.0)
    assert estimate.bps == limits.FLOOR_BPS
    estimate.remb(2**81, 0.0)
    assert estimate.bps <= limits.CEILING_BPS


def test_receiver_reports_alone_raise_and_lower_the_estimate() -> None:
    estimate = PathEstimate(0.0)
    for second in range(1, 30):
        estimate.report(0, 0.05, second)
    assert estimate.bps >= 2 * limits.START_BPS
    high = estimate.bps
    for second in range(30, 40):
        estimate.report(64, 0.05, second)
    assert estimate.bps <= 0.5 * high


def test_sound_is_never_aimed_below() -> None:
    estimate = PathEstimate(0.0)
    estimate.unreported = 160_000.0
    estimate.remb(0, 0.0)
    assert estimate.bps == 160_000


def test_a_line_that_loses_no_more_is_probed_at_once() -> None:
    link = downlink(5, rate=5 * MBIT, loss=0.2).run(20)
    link.line.loss = 0.0
    assert link.run(2.5).estimate.bps >= 900 * KBIT


def test_repairs_have_a_share_of_the_estimate_and_no_more() -> None:
    estimate = PathEstimate(0.0)
    estimate.remb(1_000_000, 0.0)
    share = int(limits.REPAIR_SHARE * estimate.bps / 8 / limits.REPAIR_OCTETS)
    assert estimate.repairs(3, 0.0) == 3
    granted = sum(estimate.repairs(1000, step * 0.1) for step in range(101))
    assert share * 10 <= granted <= share * 11.5
    assert estimate.repairs(1000, 10.0) <= 1
