"""Reports to senders, what a layer takes on a line, and the allowance of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media import limits
from media.plane.interface import Received
from media.room.allowance import Allowance
from media.room.reports import LayerStatistics, combined
from media.rtcp import SenderReport
from tests.fakes.waiting import there


def seen(packets: int, first: int, highest: int, octets: int = 0) -> Received:
    return Received(packets, octets, 0x10000 + first, 0x10000 + highest, 0)


def test_an_allowance_gives_its_burst_and_then_its_rate() -> None:
    allowance = Allowance(10.0, 5.0, 0.0)
    assert sum(allowance.take(0.0) for _ in range(100)) == 5
    assert sum(allowance.take(1.0 + step / 1000) for step in range(100)) == 5
    assert sum(allowance.take(2.0 + step / 100) for step in range(100)) == 14


def test_a_report_tells_the_loss_since_the_last_one_and_in_all() -> None:
    statistics = LayerStatistics()
    block = there(statistics.block(7, seen(4, 65534, 65539), 0, 1.0))
    assert (block.lost, block.fraction, block.highest) == (2, 2 * 256 // 6, 0x10003)
    block = there(statistics.block(7, seen(7, 65534, 65541), 0, 2.0))
    assert (block.lost, block.fraction) == (1, 0)


def test_there_is_no_report_before_the_first_packet() -> None:
    assert LayerStatistics().block(7, None, 0, 1.0) is None


def test_a_report_echoes_the_senders_clock() -> None:
    statistics = LayerStatistics()
    statistics.sender_report(SenderReport(7, 0x11112222_33334444, 0, 0, 0), 1.0)
    block = there(statistics.block(7, seen(1, 1, 1), 0, 1.5))
    assert (block.lsr, block.dlsr) == (0x22223333, 32768)


def test_a_voice_is_told_the_loss_on_both_hops_together() -> None:
    assert combined(128, 128) == 192
    assert combined(0, 64) == combined(64, 0) == 64
    assert there(LayerStatistics().block(7, seen(10, 0, 9), 64, 1.0)).fraction == 64


@given(st.integers(0, 255), st.integers(0, 255))
def test_two_hops_lose_no_less_than_the_worse_and_no_more_than_all(first: int, second: int) -> None:
    assert max(first, second) <= combined(first, second) <= min(first + second, 256)


@given(st.lists(st.tuples(st.integers(1, 0xFFFFFF), st.integers(0, 0xFFFFFF), st.integers(0, 255)), min_size=1))
def test_a_report_of_any_counts_fits_its_fields(looks: list[tuple[int, int, int]]) -> None:
    statistics = LayerStatistics()
    for packets, highest, downstream in looks:
        block = there(statistics.block(1, seen(packets, 0, highest), downstream, 0.0))
        assert 0 <= block.fraction <= 255
        assert -0x800000 <= block.lost <= 0x7FFFFF
        assert 0 <= block.highest <= 0xFFFFFFFF


def test_what_a_layer_takes_rises_quickly_and_falls_slowly() -> None:
    statistics = LayerStatistics()
    for second, octets in enumerate((0, 100_000, 200_000, 210_000)):
        statistics.measure(seen(1 + second, 0, second, octets), float(second))
        if second == 2:
            steady = statistics.bps
    assert 800_000 <= steady < 801_000
    assert 700_000 < statistics.bps < steady


def test_a_layer_that_is_silent_is_not_heard_and_one_that_comes_again_is() -> None:
    statistics = LayerStatistics()
    statistics.measure(None, 0.0)
    assert statistics.heard_at is None
    statistics.measure(seen(1, 0, 0), 1.0)
    assert statistics.heard(1.5)
    for second in range(2, 6):
        statistics.measure(seen(1, 0, 0), float(second))
    assert not statistics.heard(1.0 + limits.LAYER_SILENT + 0.1)
    statistics.measure(seen(2, 0, 1), 6.0)
    assert statistics.heard(6.0)
