"""What to seal, send, retry and settle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import outbox, receipt, suite
from sync.checkpoint import EMPTY, Checkpoint, extend_all
from sync.content import Record
from sync.faults import SyncFault
from sync.outbox import Sealed, Waiting
from sync.receipt import Receipt

HQ_KEY = suite.SigningKey(b"h" * 32)
BOX = bytes(16)
HASHES = [suite.digest(bytes([n])) for n in range(1, 9)]
SEALED = [Sealed(sequence, hash_) for sequence, hash_ in enumerate(HASHES, 1)]


def waiting(number: int, priority: int = 10, size: int = 10) -> Waiting:
    return Waiting(priority, Record(number, "c", "", bytes(size)))


def tree(size: int) -> Checkpoint:
    return extend_all(EMPTY, HASHES[:size])


def receipt_for(size: int, last: bytes | None = None, reached: Checkpoint | None = None) -> Receipt:
    raw = receipt.issue(BOX, last or HASHES[size - 1], reached or tree(size), 0, HQ_KEY)
    return receipt.parse(raw)


def numbers(chosen: list[Record]) -> list[int]:
    return [record.number for record in chosen]


def test_nothing_waiting_makes_no_segment() -> None:
    assert outbox.choose([]) == []


def test_an_urgent_record_goes_before_older_ones_and_without_them() -> None:
    assert numbers(outbox.choose([waiting(9, priority=0), waiting(1), waiting(2)])) == [9]


def test_records_of_one_priority_go_together_in_the_order_of_their_numbers() -> None:
    assert numbers(outbox.choose([waiting(1), waiting(2), waiting(3), waiting(4, priority=20)])) == [1, 2, 3]


def test_a_receipt_settles_all_segments_up_to_its_size() -> None:
    assert outbox.settles(receipt_for(3), tree(1), SEALED[1:5])


def test_an_old_receipt_settles_nothing() -> None:
    assert not outbox.settles(receipt_for(2), tree(2), SEALED[2:5])


def test_a_receipt_for_more_than_was_sealed_says_that_the_box_was_set_back() -> None:
    with pytest.raises(SyncFault, match="set_back"):
        outbox.settles(receipt_for(5), tree(1), SEALED[1:4])
    with pytest.raises(SyncFault, match="set_back"):
        outbox.settles(receipt_for(5), tree(4), [])


@pytest.mark.parametrize("other", ["last", "history"])
def test_a_receipt_for_other_bytes_is_refused(other: str) -> None:
    if other == "last":
        bad = receipt_for(3, last=HASHES[7])
    else:
        bad = receipt_for(3, reached=extend_all(EMPTY, [HASHES[7], *HASHES[1:3]]))
    with pytest.raises(SyncFault, match="receipt_other_bytes"):
        outbox.settles(bad, tree(1), SEALED[1:4])


def test_the_lowest_number_without_a_receipt_is_sent_next() -> None:
    assert outbox.next_to_send([4, 5, 6], 4) == 5
    assert outbox.next_to_send([4], 4) is None
    assert outbox.next_to_send([], 0) is None


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waiting_grows_to_a_cap_and_is_never_none(failures: int, jitter: float) -> None:
    wait = outbox.retry_after(failures, jitter)
    assert outbox.RETRY_FIRST / 2 <= wait <= outbox.RETRY_CAP
    assert outbox.retry_after(failures + 1, jitter) >= wait


def test_two_boxes_that_lost_hq_together_come_back_apart() -> None:
    assert outbox.retry_after(5, 0.1) != outbox.retry_after(5, 0.9)
