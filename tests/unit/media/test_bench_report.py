"""What the bench's figures mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.bench.profiles import PEOPLE, level, packets_in, packets_out, sendings
from media.bench.report import Run, profile_report, ratio

RUN = Run(
    seconds=2.0,
    cpu_seconds=0.5,
    packets_in=1000,
    expected_in=1000,
    expected_out=11_000,
    unique_out=11_000,
    numbered_out=11_000,
    packets_out=11_100,
    ages_ns=range(1_000_000, 101_000_000, 1_000_000),
)


def test_a_rate_is_what_arrived_by_processor_time_repairs_too() -> None:
    assert RUN.rate == 22_200


def test_loss_is_a_gap_in_the_numbers_whatever_was_repeated() -> None:
    assert (RUN.loss, RUN.withheld) == (0, 0)
    lossy = replace(RUN, unique_out=10_450)
    assert lossy.loss == pytest.approx(0.05)
    assert lossy.withheld == 0


def test_what_never_got_a_number_was_withheld_and_not_lost() -> None:
    silent = replace(RUN, unique_out=9_900, numbered_out=9_900)
    assert silent.loss == 0
    assert silent.withheld == pytest.approx(0.1)


def test_a_ratio_is_the_median_of_runs_paired_by_round_not_of_medians() -> None:
    ours = [replace(RUN, packets_out=count) for count in (2000, 9000, 4000)]
    theirs = [replace(RUN, packets_out=count) for count in (1000, 3000, 4000)]
    assert ratio(ours, theirs) == 2.0  # of 2, 3 and 1; the medians' would be 1.33


def test_a_peer_that_is_not_here_leaves_no_ratio() -> None:
    found = profile_report({"hearth": [RUN], "janus": [], "c": [RUN]})
    assert found["ratio_to_janus"] is None
    assert found["ratio_to_c"] == 1.0
    assert "janus" not in found


def test_latency_is_by_rank_and_zero_without_a_sample() -> None:
    assert (RUN.age_ms(0.5), RUN.age_ms(0.99)) == (51.0, 100.0)
    assert replace(RUN, ages_ns=()).age_ms(0.5) == 0


def test_a_generator_that_was_too_slow_or_too_late_says_so() -> None:
    assert RUN.kept_pace
    assert not replace(RUN, packets_in=900).kept_pace
    assert not replace(RUN, late=100).kept_pace
    report = profile_report({"hearth": [RUN, replace(RUN, late=100)]})
    assert report["hearth"]["generator_kept_pace"] is False


def test_the_profiles_are_those_that_the_figures_are_promised_for() -> None:
    assert (packets_in("call"), packets_out("call")) == (2160, 5760)
    assert (packets_in("mesh"), packets_out("mesh")) == (1200, 13_200)


def test_everybody_in_the_call_hears_three_and_sees_one_large() -> None:
    for person in range(PEOPLE):
        watched = [item for item in sendings("call") if person in item.watchers]
        assert sorted(item.number for item in watched) == [0] * 11 + [1] + [2] * 3


def test_no_two_streams_share_an_ssrc_over_rooms_nor_with_a_repair_stream() -> None:
    ssrcs = [item.ssrc + more for item in sendings("call", rooms=3) for more in (0, 1)]
    assert len(set(ssrcs)) == len(ssrcs)


def test_the_speakers_are_the_loudest_with_the_bit_for_voice() -> None:
    loudness = [127 - (level(person) & 0x7F) for person in range(PEOPLE)]
    assert sorted(range(PEOPLE), key=lambda person: -loudness[person])[:3] == [0, 1, 2]
    assert [person for person in range(PEOPLE) if level(person) & 0x80] == [0, 1, 2]
