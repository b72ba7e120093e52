"""How much one segment takes."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sync import content, filling, outbox
from sync.content import Record
from sync.outbox import Waiting
from tests.fakes.session_records import session_record

SESSIONS = [session_record(number) for number in range(1, 301)]
SEGMENT_OVERHEAD = 84 + 1136 + 64 + 5  # header, seal, signature, head of the frame on the stream


def noise(number: int, size: int) -> Record:
    return Record(number, "c", "", random.Random(number * 70_000 + size).randbytes(size))  # noqa: S311


def overhead(records: list[Record]) -> float:
    packed = content.packed_size(records)
    return (content.padme(packed) + SEGMENT_OVERHEAD) / (packed - content.HEAD_SIZE) - 1


def test_a_batch_of_sessions_costs_at_most_nine_percent_over_its_compressed_bytes() -> None:
    taken = SESSIONS[: filling.fill(SESSIONS, more=False)]
    assert 100 < len(taken) < len(SESSIONS)
    assert overhead(taken) <= 0.09


def test_records_that_do_not_compress_stay_below_twelve_percent() -> None:
    records = [noise(number, 1024) for number in range(1, 60)]
    assert overhead(records[: filling.fill(records, more=True)]) <= 0.12


def test_what_waits_alone_goes_at_once_whatever_the_padding() -> None:
    assert filling.fill(SESSIONS[:1], more=False) == 1
    assert filling.fill(SESSIONS[:37], more=False) == 37


def test_records_that_compress_to_almost_nothing_end_below_a_step_when_others_wait() -> None:
    alike = [Record(number, "c", "", b"x" * 1500) for number in range(1, 500)]
    taken = filling.fill(alike, more=False)
    size = content.packed_size(alike[:taken])
    assert sum(map(content.framed_size, alike[:taken])) <= content.MAX_LARGE
    assert content.padme(size) == content.MIN_PADDED or content.padme(size) - size <= size // taken


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50_000)), min_size=1, max_size=30), st.booleans())
def test_a_segment_stays_within_its_target_unless_one_record_is_larger(
    sizes: list[tuple[bool, int]], more: bool
) -> None:
    records = [noise(n, size) if loud else Record(n, "c", "", bytes(size)) for n, (loud, size) in enumerate(sizes, 1)]
    taken = filling.fill(records, more)
    assert 1 <= taken <= len(records)
    assert taken == 1 or content.packed_size(records[:taken]) <= filling.SEGMENT_TARGET
    assert len(content.pack(records[:taken])) <= content.MAX_PADDED


def test_nothing_small_is_left_behind_when_it_would_fit() -> None:
    records = [noise(number, 1000) for number in range(1, 60)]
    taken = filling.fill(records, more=False)
    assert content.packed_size(records[: taken + 1]) > filling.SEGMENT_TARGET


def test_a_full_window_of_records_counts_as_more_to_come() -> None:
    small = [Waiting(10, noise(number, 9)) for number in range(1, outbox.WAITING_LIMIT + 1)]
    assert len(outbox.choose(small[:-1])) == outbox.WAITING_LIMIT - 1
    chosen = outbox.choose(small)
    size = content.packed_size(chosen)
    assert len(chosen) < outbox.WAITING_LIMIT
    assert content.padme(size) - size < 100 < content.padme(content.packed_size([one.record for one in small])) - size
