"""Sequence numbers and timestamps on a down track."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.rewrite import SequenceMap, TimestampMap, extend
from tests.fakes.waiting import there

ext = st.integers(min_value=0x10000, max_value=1 << 40)


@given(ext, st.integers(min_value=-0x7FFF, max_value=0x7FFF))
def test_an_extended_number_is_the_nearest_with_those_sixteen_bits(highest: int, step: int) -> None:
    assert extend(highest, (highest + step) & 0xFFFF) == highest + step


# A track's life: packets (a step from the last number, mostly +1), holds and resumes.
actions = st.lists(
    st.one_of(
        st.tuples(st.just("packet"), st.integers(min_value=-30, max_value=60)),
        st.tuples(st.sampled_from(["hold", "begin"]), st.just(0)),
    ),
    max_size=200,
)


@given(actions, st.integers(min_value=0, max_value=0xFFFF), ext)
def test_no_two_packets_ever_share_a_number(life: list[tuple[str, int]], first: int, start: int) -> None:
    numbers, highest, held = SequenceMap(first), start, True
    sent: dict[int, int] = {}
    for action, step in life:
        sequence = highest + (step or 1)
        if action == "hold":
            numbers.hold()
            held = True
            continue
        if action == "begin" and held:
            numbers.begin(sequence)
            held = False
        out = numbers.forward(sequence)
        highest = max(highest, sequence)
        if out is not None:
            assert sent.get(out, sequence) == sequence, "one number, two packets: one nonce, two plaintexts"
            sent[out] = sequence
            assert numbers.back(out & 0xFFFF) == (sequence, out)


@given(st.lists(st.integers(min_value=1, max_value=2000), min_size=1, max_size=30), ext)
def test_a_hold_leaves_no_gap(holds: list[int], sequence: int) -> None:
    numbers, outs = SequenceMap(17), []
    for held in holds:
        numbers.begin(sequence)
        outs += [numbers.forward(sequence), numbers.forward(sequence + 1)]
        numbers.hold()
        assert numbers.forward(sequence + 2) is None
        sequence += 2 + held
    assert [there(out) & 0xFFFF for out in outs] == [(17 + index) & 0xFFFF for index in range(len(outs))]


def test_a_loss_stays_a_gap_and_a_late_packet_fills_it() -> None:
    numbers = SequenceMap(100)
    numbers.begin(0x10000)
    assert [there(numbers.forward(0x10000 + step)) & 0xFFFF for step in (0, 1, 4, 2)] == [100, 101, 104, 102]


def test_a_packet_from_before_the_hold_is_not_forwarded_after_it() -> None:
    numbers = SequenceMap(0)
    numbers.begin(0x10010)
    assert numbers.forward(0x1000F) is None


def test_numbers_that_were_never_sent_map_to_nothing() -> None:
    numbers = SequenceMap(500)
    assert numbers.back(500) is None
    numbers.begin(0x10000)
    numbers.forward(0x10000)
    assert numbers.back(499) is None
    assert numbers.back(501) is None
    assert numbers.back(500) == (0x10000, 500 + 0x10000)


def test_a_nack_for_a_packet_before_a_hold_still_finds_it() -> None:
    numbers = SequenceMap(500)
    numbers.begin(0x10000)
    numbers.forward(0x10000)
    numbers.begin(0x20000)
    numbers.forward(0x20000)
    assert numbers.back(500) == (0x10000, 500 + 0x10000)
    assert numbers.back(501) == (0x20000, 501 + 0x10000)


@given(
    st.integers(min_value=0, max_value=0xFFFFFFFF), st.integers(min_value=0, max_value=0xFFFFFFFF), st.integers(0, 5000)
)
def test_timestamps_keep_the_senders_pace(distance: int, timestamp: int, step: int) -> None:
    stamps = TimestampMap(distance)
    later = stamps.forward((timestamp + step) & 0xFFFFFFFF)
    assert (later - stamps.forward(timestamp)) & 0xFFFFFFFF == step
