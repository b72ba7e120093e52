"""What is inside the seal."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import content
from sync.content import Record
from sync.faults import SyncFault

CLASSES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=64)
TIMES = st.text(st.characters(codec="ascii"), max_size=40)
RECORDS = st.lists(st.tuples(CLASSES, TIMES, st.binary(max_size=2000)), min_size=1, max_size=20).map(
    lambda rows: [Record(number, *row) for number, row in enumerate(rows, 1)]
)


@given(RECORDS)
def test_what_was_packed_is_what_is_unpacked(records: list[Record]) -> None:
    assert list(content.unpack(content.pack(records))) == records


@given(st.binary(max_size=1200))
def test_any_bytes_give_records_or_a_fault(raw: bytes) -> None:
    try:
        content.unpack(raw)
    except SyncFault as fault:
        assert fault.code in ("malformed_content", "unsupported_version")


@given(RECORDS, st.data())
def test_damaged_content_gives_records_or_a_fault(records: list[Record], data: st.DataObject) -> None:
    packed = bytearray(content.pack(records))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        content.unpack(bytes(packed))
    except SyncFault as fault:
        assert fault.code in ("malformed_content", "unsupported_version")


@given(st.integers(1, content.MAX_LARGE))
def test_padding_adds_at_most_an_eighth_and_never_shrinks(length: int) -> None:
    padded = content.padme(length)
    assert padded >= max(length, content.MIN_PADDED)
    assert padded == content.MIN_PADDED or padded <= length * 1.12
    assert content.padme(padded) == padded


def test_short_records_of_different_length_look_the_same() -> None:
    sizes = {len(content.pack([Record(1, "session_ended", "", bytes(length))])) for length in range(0, 400, 50)}
    assert sizes == {content.MIN_PADDED}


@pytest.mark.parametrize(
    "record",
    [
        Record(1, "a" * 65, "", b""),
        Record(1, "a", "9" * 41, b""),
        Record(1, "a", "", bytes(content.MAX_BODY + 1)),
    ],
)
def test_a_record_past_a_limit_is_refused(record: Record) -> None:
    with pytest.raises(SyncFault, match="too_large"):
        content.pack([record])


def test_a_segment_past_its_limit_is_refused() -> None:
    with pytest.raises(SyncFault, match="too_large"):
        content.pack([Record(number, "a", "", bytes(content.MAX_BODY)) for number in range(1, 9)])
    with pytest.raises(SyncFault, match="too_large"):
        content.pack([Record(number, "a", "", random.Random(number).randbytes(60_000)) for number in (1, 2, 3)])  # noqa: S311


def test_only_what_an_older_reader_could_not_hold_is_written_as_version_2() -> None:
    body = bytes(content.MAX_BODY - content.FRAME_OVERHEAD - 1)
    for count, version in ((1, 1), (2, 1), (3, 2), (8, 2)):
        records = [Record(number, "a", "", body) for number in range(1, count + 1)]
        packed = content.pack(records)
        assert packed[0] == version
        assert list(content.unpack(packed)) == records


def test_version_1_holds_no_more_than_it_always_did() -> None:
    packed = bytearray(content.pack([Record(number, "a", "", bytes(60_000)) for number in (1, 2, 3)]))
    packed[0] = content.VERSION
    with pytest.raises(SyncFault, match="malformed_content"):
        content.unpack(bytes(packed))


@given(st.integers(1, content.MAX_PADDED))
def test_the_step_below_is_a_size_that_padding_leaves_alone(length: int) -> None:
    step = content.step_below(length)
    assert content.padme(step) == step
    assert step <= length or step == content.MIN_PADDED
    assert content.padme(step + 1) >= length


def test_a_segment_holds_at_least_one_record_with_a_class() -> None:
    for records in ([], [Record(1, "", "", b"")], [Record(1, "A", "", b"")]):
        with pytest.raises(SyncFault, match="malformed_content"):
            content.pack(records)


def test_the_framed_size_is_what_a_record_takes() -> None:
    record = Record(1, "session_ended", "2026-01-02T03:04:05Z", b"x" * 99)
    assert content.framed_size(record) == len(content._frame(record))


def test_a_record_does_not_print_its_body() -> None:
    assert "secret" not in repr(Record(1, "secret_class", "secret", b"secret"))
