"""Transport-wide feedback: what is written reads the same, and nothing a peer sends makes more than a fault."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media import rtcp
from media.bandwidth import limits
from media.bandwidth.arrivals import ArrivalLog
from media.bandwidth.twcc import Feedback, read_feedback, write_feedback
from media.faults import MediaFault

MS = 1_000_000


@pytest.mark.parametrize(
    ("fci", "arrivals"),
    [
        # By hand from section 3.1: base 1, reference 1 (64 ms), feedback 7.
        ("0001 0003 000001 07  2003  040001", [4, 4, 5]),  # a run of three small deltas
        ("0001 0004 000001 07  2001 0002 2001  0408", [4, None, None, 12]),  # a run of two that did not come
        ("0001 0006 000001 07  b200  040404", [4, 8, None, None, 12, None]),  # 14 symbols of one bit
        ("0001 0004 000001 07  d800  04 0100", [4, 260, None, None]),  # 7 symbols of two bits: small, large
        ("0001 0003 000001 07  4003  8000 7fff 0001", [-32768, -1, 0]),  # large deltas go back, too
        ("0001 0000 000001 07", []),
    ],
)
def test_each_kind_of_chunk_and_delta_is_read_as_the_draft_has_it(fci: str, arrivals: list[int | None]) -> None:
    assert read_feedback(bytes.fromhex(fci)) == Feedback(1, 7, 256, arrivals)


@pytest.mark.parametrize(
    "fci",
    [
        "00010003000001",  # no header
        "0001000300000107",  # no chunk
        "000100030000010720",  # half a chunk
        "000100030000010720030400",  # a delta is missing
        "00010001000001074001ff",  # half a large delta
        "000100010000010760010000",  # symbol 3 is reserved
        "000110010000010700001fff",  # 4,097 packets
    ],
)
def test_feedback_that_breaks_its_own_counts_is_a_fault(fci: str) -> None:
    with pytest.raises(MediaFault):
        read_feedback(bytes.fromhex(fci))


@given(st.binary(max_size=60))
@example(bytes.fromhex("0001ffff00000107") + b"\x1f\xff" * 9)
def test_feedback_is_a_bounded_list_or_a_fault(fci: bytes) -> None:
    try:
        found = read_feedback(fci)
    except MediaFault:
        return
    assert len(found.arrivals) <= limits.MAX_FEEDBACK_PACKETS


steps = st.one_of(st.none(), st.integers(0, 300), st.integers(-0x8000, 0x7FFF))


@given(
    st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 2**34), st.lists(st.tuples(steps, st.integers(1, 30)))
)
def test_feedback_that_was_written_reads_the_same(
    base: int, number: int, first: int, runs: list[tuple[int | None, int]]
) -> None:
    arrivals: list[int | None] = [first]
    tick = first
    for step, times in runs:
        for _ in range(times):
            if step is not None:
                tick = max(tick + step, 0)
            arrivals.append(None if step is None else tick)
    found = read_feedback(write_feedback(base, number, arrivals))
    assert (found.base, found.number) == (base, number)
    assert found.reference == first // 256 * 256 % 2**32
    distance = first // 256 * 256
    assert [tick if tick is None else tick + distance for tick in found.arrivals] == arrivals


@pytest.mark.parametrize("arrivals", [[], [None], [0, 0x8000], [0x8001, 0]])
def test_what_a_feedback_cannot_say_is_not_written(arrivals: list[int | None]) -> None:
    with pytest.raises(ValueError):
        write_feedback(0, 0, arrivals)


def test_steady_packets_take_one_chunk_and_a_byte_each() -> None:
    assert len(write_feedback(0, 0, range(0, 400, 8))) == 8 + 2 + 50


# --- the log -------------------------------------------------------------------------------------------------------


def told(log: ArrivalLog, media: int = 7) -> list[Feedback]:
    packets = [packet for datagram in log.feedback(media) for packet in rtcp.read_compound(datagram)]
    assert all(isinstance(packet, rtcp.TransportFeedback) and packet.media == media for packet in packets)
    return [read_feedback(packet.fci) for packet in packets if isinstance(packet, rtcp.TransportFeedback)]


def came(feedback: Feedback) -> dict[int, int]:
    ticks = enumerate(feedback.arrivals)
    return {(feedback.base + i) & 0xFFFF: feedback.reference + tick for i, tick in ticks if tick is not None}


def test_each_arrival_is_told_once_and_a_gap_as_missing() -> None:
    log = ArrivalLog(1)
    log.add([(65534, 100 * MS), (65535, 101 * MS), (1, 103 * MS)])
    (first,) = told(log)
    assert came(first) == {65534: 400, 65535: 404, 1: 412}
    assert first.arrivals[2] is None
    assert told(log) == []
    log.add([(2, 150 * MS)])
    (second,) = told(log)
    assert (came(second), second.base, second.number) == ({2: 600}, 2, first.number + 1)


def test_what_was_missing_between_two_feedbacks_is_told_by_the_second() -> None:
    log = ArrivalLog(1)
    log.add([(10, 0)])
    told(log)
    log.add([(13, MS)])
    (feedback,) = told(log)
    assert (feedback.base, feedback.arrivals) == (11, [None, None, 4])


def test_a_late_packet_is_told_again_with_what_followed_it() -> None:
    log = ArrivalLog(1)
    log.add([(1, 0), (3, 2 * MS)])
    told(log)
    log.add([(2, 90 * MS)])
    (feedback,) = told(log)
    assert came(feedback) == {2: 360, 3: 8}


def test_nothing_is_told_before_anything_came() -> None:
    log = ArrivalLog(1)
    assert [*told(log), *told(log)] == []


def test_a_repeat_and_what_is_too_old_change_nothing() -> None:
    log = ArrivalLog(1)
    log.add([(number, number * MS) for number in range(1000)])
    told(log)
    log.add([(999, 5000 * MS), (1000 - limits.LATE_PACKETS - 1, 5000 * MS)])
    assert told(log) == []


def test_a_sender_that_begins_anew_is_followed() -> None:
    log = ArrivalLog(1)
    log.add([(10, 0), (30000, MS)])
    (feedback,) = told(log)
    assert came(feedback) == {30000: 4}


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2**45)), max_size=600), st.integers(1, 50))
def test_no_arrivals_make_a_datagram_too_long_or_a_memory_without_bound(
    arrivals: list[tuple[int, int]], batch: int
) -> None:
    log = ArrivalLog(1)
    for start in range(0, len(arrivals), batch):
        log.add(arrivals[start : start + batch])
        for datagram in log.feedback(7):
            assert len(datagram) <= 1200
            assert rtcp.read_compound(datagram)


def test_a_feedback_stays_under_1200_bytes_whatever_is_missing() -> None:
    log = ArrivalLog(1)
    log.add([(number * 9, number % 7 * 90 * MS) for number in range(400)])
    assert [len(packet) <= 1200 for packet in log.feedback(7)] == [True] * 3


def test_a_log_that_nobody_asks_stays_bounded() -> None:
    log = ArrivalLog(1)
    for number in range(20_000):
        log.add([(number & 0xFFFF, number * MS)])
    assert sum(len(came(feedback)) for feedback in told(log)) <= limits.MAX_FEEDBACK_PACKETS + 1
