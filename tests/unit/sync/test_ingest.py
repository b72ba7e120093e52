"""HQ's intake: accept, duplicate, gap, fork, refuse."""

from __future__ import annotations

import pytest

from sync import carriage, envelope, receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.content import Record
from sync.envelope import key_id
from sync.faults import SENTENCES, SyncFault
from sync.hq import ingest
from sync.hq.ingest import Head, Offer
from sync.keys import BoxFacts

BOX = BoxFacts(b"B" * 16, suite.SigningKey(b"b" * 32).public)
BOX_KEY, HQ_KEY, RECORD_KEY = suite.SigningKey(b"b" * 32), suite.SigningKey(b"h" * 32), suite.RecordKey(b"r" * 32)


def chain(length: int, seed: bytes = b"") -> list[bytes]:
    made: list[bytes] = []
    previous = envelope.NO_PREVIOUS
    for sequence in range(1, length + 1):
        raw = envelope.seal(
            [Record(sequence, "c", "", seed)],
            box=BOX.box,
            sequence=sequence,
            previous=previous,
            record_key=RECORD_KEY.public,
            signing_key=BOX_KEY,
        )
        made.append(raw)
        previous = suite.digest(raw)
    return made


CHAIN, OTHER = chain(4), chain(4, b"other")


def receipt_for(size: int, signer: suite.SigningKey = HQ_KEY, box: bytes = BOX.box) -> bytes:
    hashes = [suite.digest(raw) for raw in CHAIN[:size]]
    return receipt.issue(box, hashes[-1], extend_all(EMPTY, hashes), 0, signer)


def examine(body: bytes, sequence: int) -> Offer:
    return ingest.examine(
        body,
        box=BOX,
        sequence=sequence,
        receipt_keys=(HQ_KEY.public,),
        record_key_ids=[key_id(RECORD_KEY.public)],
    )


def offer(sequence: int, handed: int = 0, of: list[bytes] = CHAIN) -> Offer:
    body = carriage.pack(receipt_for(handed) if handed else b"", of[sequence - 1])
    return examine(body, sequence)


def head_before(one: Offer) -> Head:
    head = ingest.start(one)
    for number in ingest.walk(one, head):
        head = ingest.step(head, CHAIN[number - 1], BOX)
    return head


@pytest.mark.parametrize("handed", [0, 1, 2, 3])
def test_any_older_receipt_leads_to_the_same_head(handed: int) -> None:
    one = offer(4, handed)
    verdict = ingest.judge(one, head_before(one), None)
    assert verdict.word == "accept"
    assert verdict.head == Head(extend_all(EMPTY, map(suite.digest, CHAIN)), suite.digest(CHAIN[3]))


def test_the_newest_receipt_needs_no_walk() -> None:
    one = offer(4, 3)
    assert len(ingest.walk(one, ingest.start(one))) == 0


def test_the_same_bytes_again_are_a_duplicate_with_the_same_head() -> None:
    one = offer(2, 1)
    first, again = (ingest.judge(one, head_before(one), stored) for stored in (None, CHAIN[1]))
    assert (first.word, again.word) == ("accept", "duplicate")
    assert first.head == again.head


def test_other_bytes_under_one_number_are_a_fork() -> None:
    one = offer(2, 1)
    with pytest.raises(SyncFault, match="fork"):
        ingest.judge(one, head_before(one), OTHER[1])


def test_another_history_is_a_fork() -> None:
    one = offer(2, 1, OTHER)
    with pytest.raises(SyncFault, match="fork"):
        ingest.judge(one, head_before(one), None)


def test_a_missing_envelope_is_a_gap_that_names_what_is_wanted() -> None:
    one = offer(4, 1)
    with pytest.raises(SyncFault, match="gap") as caught:
        ingest.step(ingest.start(one), None, BOX)
    assert caught.value.next_wanted == 2


@pytest.mark.parametrize("stored", [b"", CHAIN[2], OTHER[1], CHAIN[1][:-1]])
def test_a_store_that_does_not_continue_the_receipt_is_told(stored: bytes) -> None:
    with pytest.raises(SyncFault, match="receipt_store_differs"):
        ingest.step(ingest.start(offer(4, 1)), stored, BOX)


def test_an_old_receipt_costs_a_bounded_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "WALK_LIMIT", 2)
    one = offer(4)
    with pytest.raises(SyncFault, match="receipt_needed"):
        ingest.walk(one, ingest.start(one))


def test_a_receipt_that_covers_the_offer_is_given_back() -> None:
    one = offer(2, 3)
    assert ingest.repeated(one, CHAIN[1]) == receipt_for(3)
    with pytest.raises(SyncFault, match="fork"):
        ingest.repeated(one, OTHER[1])
    with pytest.raises(SyncFault, match="receipt_store_differs"):
        ingest.repeated(one, None)


@pytest.mark.parametrize(
    ("body", "sequence", "code"),
    [
        (b"", 1, "malformed_carriage"),
        (carriage.pack(b"", b"nothing"), 1, "malformed_envelope"),
        (carriage.pack(b"", CHAIN[1]), 1, "malformed_carriage"),
        (carriage.pack(b"", CHAIN[0][:-1] + b"!"), 1, "bad_signature"),
        (carriage.pack(b"x" * 99, CHAIN[1]), 2, "malformed_receipt"),
        (carriage.pack(receipt_for(1, signer=BOX_KEY), CHAIN[1]), 2, "receipt_other_key"),
        (carriage.pack(receipt_for(1, box=bytes(16)), CHAIN[1]), 2, "receipt_other_box"),
        (carriage.pack(b"", CHAIN[0] + bytes(envelope.MAX_ENVELOPE)), 1, "too_large"),
    ],
)
def test_what_cannot_be_right_is_refused_before_the_store_is_asked(body: bytes, sequence: int, code: str) -> None:
    with pytest.raises(SyncFault) as caught:
        examine(body, sequence)
    assert caught.value.code == code
    assert code in ingest.STATUS


def test_an_envelope_that_hq_cannot_open_is_refused() -> None:
    with pytest.raises(SyncFault, match="unknown_recipient"):
        body, keys = carriage.pack(b"", CHAIN[0]), (HQ_KEY.public,)
        ingest.examine(body, box=BOX, sequence=1, receipt_keys=keys, record_key_ids=[])


def test_only_what_was_never_receipted_counts_as_torn() -> None:
    good = CHAIN[1]
    for stored in (b"", bytes(len(good)), good[:-1], CHAIN[2]):
        assert ingest.torn(stored, BOX, 2)
    newer = good[:4] + b"\x02" + good[5:]
    for stored in (good, OTHER[1], newer):
        assert not ingest.torn(stored, BOX, 2)


def test_every_refusal_has_a_sentence() -> None:
    assert SENTENCES.keys() >= ingest.SPOKEN
