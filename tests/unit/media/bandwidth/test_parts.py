"""The parts of the estimate: what counts as come or lost, delay variations by hand, arrival rates, loss, probes."""

from __future__ import annotations

import pytest

from media.bandwidth import limits
from media.bandwidth.delay import DelayDetector, Signal, Standing
from media.bandwidth.departures import Departures
from media.bandwidth.groups import Groups
from media.bandwidth.loss import LossControl
from media.bandwidth.probe import Probe
from media.bandwidth.rate import Arrived, RateControl
from media.bandwidth.twcc import Feedback
from media.plane.interface import NOTHING_NEW, Departed, Outcome

MS = 1_000_000


def sent(*numbers: int) -> Departures:
    departures = Departures()
    for index, number in enumerate(numbers):
        departures.add(number, 1000, index * 10 * MS)
    return departures


# --- departures ----------------------------------------------------------------------------------------------------


def test_what_came_is_matched_by_number_over_the_wrap() -> None:
    outcome = sent(65535, 0, 1).match(Feedback(65535, 0, 1000, [4, None, 12]))
    assert outcome == Outcome(2, 2000, 1, 20.0, 251.0, 253.0, False, [])


def test_a_packet_counts_once_as_come_and_is_lost_until_then() -> None:
    departures = sent(1, 2)
    assert departures.match(Feedback(1, 0, 0, [None, 8])).lost == 1
    assert departures.match(Feedback(1, 1, 0, [None, 8])) == NOTHING_NEW
    assert departures.match(Feedback(1, 2, 0, [16])) == Outcome(1, 1000, -1, 0.0, 4.0, 4.0, False, [])
    assert departures.match(Feedback(1, 3, 0, [16, 16])) == NOTHING_NEW


def test_feedback_about_what_was_never_sent_is_no_news() -> None:
    assert sent(1).match(Feedback(100, 0, 0, [1, None, 3])) == NOTHING_NEW


def test_the_receivers_clock_may_turn_over() -> None:
    departures = sent(1, 2)
    first = departures.match(Feedback(1, 0, 0xFFFFFF00, [0])).first
    assert departures.match(Feedback(2, 1, 0, [0])).first - first == 64.0


def test_after_a_long_pause_nothing_is_a_group_with_what_was_before() -> None:
    departures = sent(*range(4))
    assert departures.match(Feedback(0, 0, 0, [0, 40, 88, 120])).variations == [(10.0, 0.0), (22.0, 2.0)]
    for number, at in enumerate([3000, 3010, 3020, 3030], start=4):
        departures.add(number, 1000, at * MS)
    outcome = departures.match(Feedback(4, 1, 12000, [0, 40, 80, 120]))
    assert (outcome.anew, outcome.variations) == (True, [(3010.0, 0.0), (3020.0, 0.0)])


def test_what_has_left_is_told_once_with_all_that_ever_did() -> None:
    departures = sent(1, 2, 3)
    assert departures.departed() == Departed(3000, 0, 20 * MS)
    assert departures.departed() is None
    departures.add(4, 500, 50 * MS)
    assert departures.departed() == Departed(3500, 50 * MS, 50 * MS)


# --- delay ---------------------------------------------------------------------------------------------------------


def test_groups_are_bursts_and_their_delay_varies_by_arrivals_less_departures() -> None:
    left = [0.0, 1.0, 20.0, 24.0, 40.0, 60.0]
    came = [100.0, 101.0, 125.0, 126.0, 141.0, 160.0]
    # Groups end at (1, 101), (24, 126), (40, 141): 25 - 23 and 15 - 16.
    assert Groups().feed(left, came) == [(126.0, 2.0), (141.0, -1.0)]


def test_packets_that_waited_in_one_queue_and_arrive_together_are_one_group() -> None:
    left, came = [0.0, 20.0, 40.0, 60.0, 80.0], [50.0, 120.0, 122.0, 124.0, 180.0]
    assert Groups().feed([*left, 100.0], [*came, 200.0]) == [(124.0, 14.0), (180.0, 36.0)]


def test_feedback_in_pieces_gives_the_same_groups() -> None:
    left = [float(index * 7 % 400 + index * 7 // 400 * 400) for index in range(100)]
    came = [item + 30 + item % 3 for item in left]
    groups, pieces = Groups(), Groups()
    found = [
        item for start in range(0, 100, 9) for item in pieces.feed(left[start : start + 9], came[start : start + 9])
    ]
    assert found == groups.feed(left, came)


def ramp(detector: DelayDetector, growth: float, packets: int = 200) -> set[Signal]:
    """Packets each 10 ms whose delay grows by `growth` milliseconds in each millisecond."""
    signals, groups = set(), Groups()
    for start in range(0, packets, 10):
        left = [float(index * 10) for index in range(start, start + 10)]
        came = [item * (1 + growth) + 50 for item in left]
        signals.add(detector.feed(groups.feed(left, came), anew=start == 0))
    return signals


@pytest.mark.parametrize(("growth", "signal"), [(0.2, Signal.OVER), (-0.2, Signal.UNDER)])
def test_a_queue_that_grows_or_drains_is_seen(growth: float, signal: Signal) -> None:
    assert signal in ramp(DelayDetector(), growth)


def test_a_queue_that_stands_still_is_normal() -> None:
    assert ramp(DelayDetector(), 0.0) == {Signal.NORMAL}


def test_a_queue_that_grew_too_slowly_to_be_seen_is_seen_by_its_length() -> None:
    assert Signal.OVER not in ramp(DelayDetector(), 0.015, 400)
    assert Signal.OVER in ramp(DelayDetector(), 0.015, 1200)


def test_the_queue_that_stands_is_least_above_least() -> None:
    standing = Standing()
    for step, delay in enumerate([30.0, 80.0, 30.0, 250.0, 230.0, 240.0]):
        standing.feed(step * limits.DELAY_SLOT, delay)
    assert standing.queue == 200.0


# --- rate ----------------------------------------------------------------------------------------------------------


def test_what_arrives_is_counted_from_the_last_packet_of_the_feedback_before() -> None:
    arrived = Arrived()
    assert arrived.bps() is None
    for start in range(0, 1000, 100):
        arrived.add(start + 10, start + 100, 1250)
    assert arrived.bps() == pytest.approx(100_000)


def test_a_pause_before_is_not_counted() -> None:
    arrived = Arrived()
    arrived.add(0, 100, 10)
    arrived.add(10_000, 10_200, 2500)
    assert arrived.bps() == pytest.approx(100_000)


def test_too_little_says_nothing_about_what_arrives() -> None:
    arrived = Arrived()
    arrived.add(0, 50, 5000)
    assert arrived.bps() is None


def test_the_rate_falls_to_a_share_of_what_arrives_and_holds_before_it_rises() -> None:
    rate = RateControl(0.0)
    rate.feed(Signal.OVER, 200_000.0, 0.05, 1.0)
    assert rate.bps == limits.FALL * 200_000
    rate.feed(Signal.NORMAL, 170_000.0, 0.05, 1.1)
    assert rate.bps == limits.FALL * 200_000
    rate.feed(Signal.NORMAL, 170_000.0, 0.05, 1.2)
    assert rate.bps > limits.FALL * 200_000


def test_the_rate_does_not_fall_again_before_the_fall_can_have_shown() -> None:
    rate = RateControl(0.0)
    rate.feed(Signal.OVER, 200_000.0, 0.05, 1.0)
    rate.feed(Signal.OVER, 150_000.0, 0.05, 1.1)
    assert rate.bps == limits.FALL * 200_000
    rate.feed(Signal.OVER, 150_000.0, 0.05, 1.2)
    assert rate.bps == limits.FALL * 150_000


def test_the_rate_never_rises_far_above_what_arrives() -> None:
    rate = RateControl(0.0)
    for step in range(1000):
        rate.feed(Signal.NORMAL, 400_000.0, 0.05, step * 0.1)
    assert rate.bps == limits.HEADROOM * 400_000 + limits.HEADROOM_BPS


# --- loss ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "bound"),
    [(0.0, float("inf")), (0.05, float("inf")), (0.2, 0.9 * 1e6), (0.3, 0.85 * 1e6)],
)
def test_loss_bounds_by_half_of_its_share_above_a_tenth(share: float, bound: float) -> None:
    loss = LossControl()
    loss.apply(share, 1e6, 0.05, 1.0, 10.0)
    assert loss.bps == bound


def test_little_loss_raises_the_bound_until_it_is_none() -> None:
    loss = LossControl()
    loss.apply(0.3, 1e6, 0.05, 1.0, 10.0)
    loss.apply(0.05, 1e6, 0.05, 1.0, 11.0)
    assert loss.bps == 850_000
    loss.apply(0.01, 1e6, 0.05, 1.0, 12.0)
    assert loss.bps == pytest.approx(850_000 * (1 + limits.LOSS_RISE))
    for second in range(13, 20):
        loss.apply(0.0, 1e6, 0.05, 1.0, second)
    assert loss.bps == float("inf")


def test_one_picture_goes_on_unless_the_loss_is_hopeless() -> None:
    loss = LossControl()
    for second in range(60):
        loss.apply(0.2, 1e6, 0.05, 1.0, second)
    assert loss.bps == limits.LAST_PICTURE_BPS
    for second in range(60, 90):
        loss.apply(0.5, 1e6, 0.05, 1.0, second)
    assert loss.bps < 0.1 * limits.LAST_PICTURE_BPS


def test_loss_is_judged_over_an_interval_and_enough_packets() -> None:
    loss = LossControl()
    loss.feed(10, 0, 1e6, 0.05, 1.0)
    loss.feed(0, 5, 1e6, 0.05, 1.2)
    assert loss.bps == float("inf")
    loss.feed(0, 5, 1e6, 0.05, 1.35)
    assert (loss.share, loss.bps) == (0.5, 750_000)


# --- probes --------------------------------------------------------------------------------------------------------


def test_a_probe_makes_up_what_its_goal_lacks_and_no_more() -> None:
    probe, octets = Probe(0.0), 0
    probe.begin(1e6, 10e6, 0.9e6, 0, 0.0)
    assert probe.goal == limits.FIRST_PROBE * 1e6
    for step in range(40):
        octets += probe.packets(octets, 0.0, step * 0.01) * limits.PROBE_OCTETS + 500
    assert octets * 8 / limits.PROBE_TIME == pytest.approx(probe.goal, rel=0.08)
    assert probe.packets(octets, 0.0, 0.4) == 0


def test_a_probe_goes_little_beyond_what_is_wanted() -> None:
    probe = Probe(0.0)
    probe.begin(1e6, 1.1e6, 0.9e6, 0, 0.0)
    assert probe.goal == pytest.approx(limits.PROBE_BEYOND * 1.1e6)


def test_the_pause_after_probes_that_find_nothing_grows_to_its_bound_and_one_that_finds_ends_it() -> None:
    probe, now, pauses = Probe(0.0), 0.0, []
    for _ in range(6):
        probe.begin(1e6, 10e6, 0.9e6, 0, now)
        probe.end(1e6, now)
        pauses.append(probe.next_at - now)
    assert pauses == [1, 2, 4, 4, 4, 4]
    probe.begin(1e6, 10e6, 0.9e6, 0, now)
    probe.end(probe.goal, now)
    assert probe.next_at == now


def test_what_a_call_sends_at_once_is_bounded() -> None:
    probe = Probe(0.0)
    probe.begin(30e6, 30e6, 0.0, 0, 0.0)
    assert probe.packets(0, 0.0, 0.39) == limits.MAX_PROBE_PACKETS


def test_a_probe_is_due_at_once_when_the_line_has_become_another() -> None:
    probe = Probe(0.0)
    for _ in range(4):
        probe.begin(1e6, 10e6, 0.9e6, 0, 0.0)
        probe.end(0.0, 0.0)
    probe.hurry(1.0)
    assert probe.next_at == 1.0
    probe.begin(1e6, 10e6, 0.9e6, 0, 1.0)
    assert probe.goal == limits.FIRST_PROBE * 1e6


def test_loss_is_mended_when_it_is_little_after_it_was_much() -> None:
    loss, mended = LossControl(), []
    for second, share in enumerate([0.0, 0.2, 0.05, 0.01, 0.05]):
        loss.apply(share, 1e6, 0.05, 1.0, second)
        mended.append(loss.mended)
    assert mended == [True, False, False, True, True]
