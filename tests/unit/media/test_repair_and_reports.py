"""The packet cache, the memory of what was asked, and the reports to senders."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media import limits
from media.repair import Allowance, AskedUp, CachedPacket, PacketCache
from media.reports import ReceiveStatistics
from media.rtcp import SenderReport
from tests.fakes.waiting import there


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1300)), max_size=300))
def test_the_cache_never_grows_beyond_its_bounds(packets: list[tuple[int, int]]) -> None:
    cache = PacketCache(50, 20_000)
    for sequence, size in packets:
        cache.put(sequence, CachedPacket(False, False, 0, bytes(size)))
        assert len(cache) <= 50
        assert cache.size <= 20_000
    kept = [cache.get(sequence) for sequence in range(401)]
    assert sum(len(item.payload) for item in kept if item is not None) == cache.size


def test_the_cache_keeps_the_first_of_two_packets_with_one_number() -> None:
    cache = PacketCache(5, 100)
    cache.put(1, CachedPacket(False, False, 0, b"first"))
    cache.put(1, CachedPacket(False, False, 0, b"second"))
    assert there(cache.get(1)).payload == b"first"


def test_one_packet_is_asked_for_again_after_a_while_and_only_so_often() -> None:
    asked, now, times = AskedUp(), 0.0, 0
    assert asked.ask(5, now)
    assert not asked.ask(5, now + limits.ASK_AGAIN / 2)
    for step in range(100):
        times += asked.ask(5, now + 1 + step)
    assert times == limits.MAX_ASKS - 1


def test_what_was_asked_is_remembered_within_bounds() -> None:
    asked = AskedUp()
    for sequence in range(10 * limits.MAX_ASKED):
        asked.ask(sequence, 0.0)
    assert len(asked) == limits.MAX_ASKED


def test_an_allowance_gives_its_burst_and_then_its_rate() -> None:
    allowance = Allowance(10.0, 5.0, 0.0)
    assert sum(allowance.take(0.0) for _ in range(100)) == 5
    assert sum(allowance.take(1.0 + step / 1000) for step in range(100)) == 5
    assert sum(allowance.take(2.0 + step / 100) for step in range(100)) == 14


def test_a_report_tells_the_loss_since_the_last_one_and_in_all() -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (65534, 65535, 0, 3):
        statistics.packet(sequence, 0, 0.0)
    block = there(statistics.block(7, 1.0))
    assert (block.lost, block.fraction, block.highest) == (2, 2 * 256 // 6, 0x10003)
    statistics.packet(1, 0, 1.1)
    for sequence in (4, 5):
        statistics.packet(sequence, 0, 1.2)
    block = there(statistics.block(7, 2.0))
    assert (block.lost, block.fraction) == (1, 0)


def test_there_is_no_report_before_the_first_packet() -> None:
    assert ReceiveStatistics(48_000).block(7, 1.0) is None


def test_a_report_echoes_the_senders_clock() -> None:
    statistics = ReceiveStatistics(48_000)
    statistics.packet(1, 0, 1.0)
    statistics.sender_report(SenderReport(7, 0x11112222_33334444, 0, 0, 0), 1.0)
    block = there(statistics.block(7, 1.5))
    assert (block.lsr, block.dlsr) == (0x22223333, 32768)


def test_jitter_is_small_for_an_even_pace_and_grows_with_unevenness() -> None:
    even, uneven = ReceiveStatistics(48_000), ReceiveStatistics(48_000)
    for step in range(200):
        even.packet(step, 960 * step + 0xFFFFF000 & 0xFFFFFFFF, 0.02 * step)
        uneven.packet(step, 960 * step, 0.02 * step + (0.01 if step % 2 else 0))
    assert there(even.block(1, 9.0)).jitter <= 1
    assert 300 < there(uneven.block(1, 9.0)).jitter < 500


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=200))
def test_a_report_of_any_numbers_fits_its_fields(numbers: list[int]) -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in numbers:
        statistics.packet(sequence, sequence * 7919, 0.0)
    block = there(statistics.block(1, 0.0))
    assert 0 <= block.fraction <= 255
    assert -0x800000 <= block.lost <= 0x7FFFFF
    assert 0 <= block.highest <= 0xFFFFFFFF
