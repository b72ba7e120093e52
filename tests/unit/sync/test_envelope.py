"""Envelope, receipt and suite: the properties that the vectors do not show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import carriage, content, envelope, receipt, suite
from sync.checkpoint import EMPTY, extend
from sync.content import Record
from sync.faults import SyncFault

BOX = b"B" * 16
BOX_KEY, HQ_KEY = suite.SigningKey(b"b" * 32), suite.SigningKey(b"h" * 32)
RECORD_KEY = suite.RecordKey(b"r" * 32)


def seal(records: list[Record]) -> bytes:
    return envelope.seal(
        records,
        box=BOX,
        sequence=1,
        previous=envelope.NO_PREVIOUS,
        record_key=RECORD_KEY.public,
        signing_key=BOX_KEY,
    )


GOOD = seal([Record(1, "session_ended", "", b"phrase that nobody may read")])


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda rest: GOOD[:84] + rest))
def test_any_bytes_give_an_envelope_or_a_fault(raw: bytes) -> None:
    try:
        envelope.parse(raw)
    except SyncFault as fault:
        assert fault.code in ("malformed_envelope", "unsupported_version", "too_large")


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: b"HRCT\x01\x01\x00" + rest))
def test_any_bytes_give_a_receipt_or_a_fault(raw: bytes) -> None:
    try:
        receipt.parse(raw)
    except SyncFault as fault:
        assert fault.code in ("malformed_receipt", "unsupported_version", "too_large")


@given(st.binary(max_size=100))
def test_any_bytes_give_a_carriage_or_a_fault(raw: bytes) -> None:
    try:
        handed, rest = carriage.unpack(raw)
    except SyncFault as fault:
        assert fault.code == "malformed_carriage"
    else:
        assert carriage.pack(handed, rest) == raw


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(at: int, change: int) -> None:
    raw = bytearray(GOOD)
    raw[at] ^= change
    with pytest.raises(SyncFault):
        envelope.verify(envelope.parse(bytes(raw)), BOX_KEY.public)


def test_sealing_twice_gives_other_bytes() -> None:
    record = Record(1, "session_ended", "", b"{}")
    assert seal([record]) != seal([record])


def test_nothing_inside_can_be_read_outside() -> None:
    assert b"phrase" not in GOOD and b"session_ended" not in GOOD


def test_the_largest_segment_fits_the_largest_envelope() -> None:
    noise = b"".join(suite.digest(n.to_bytes(4, "big")) for n in range(2047))
    raw = seal([Record(n, "c", "", noise[: content.MAX_BODY - 40]) for n in (1, 2)])
    assert len(raw) <= envelope.MAX_ENVELOPE
    assert content.padme(content.MAX_CONTENT + 6) + 84 + 1136 + 64 <= envelope.MAX_ENVELOPE


def test_keys_and_envelopes_print_nothing_secret() -> None:
    for thing in (BOX_KEY, RECORD_KEY, envelope.parse(GOOD)):
        assert len(repr(thing)) < 60 and "b'" not in repr(thing)


def test_a_key_of_another_length_is_no_key() -> None:
    for make in (suite.SigningKey, suite.RecordKey):
        with pytest.raises(SyncFault, match="bad_key_file"):
            make(b"short")
    with pytest.raises(SyncFault, match="malformed_facts"):
        suite.seal(b"short", b"", b"")


def test_a_signature_for_one_thing_is_none_for_another() -> None:
    made = receipt.issue(BOX, bytes(32), extend(EMPTY, bytes(32)), 0, HQ_KEY)
    with pytest.raises(SyncFault, match="bad_signature"):
        suite.verify(HQ_KEY.public, b"hearth segment signature 1\0", made[:-64], made[-64:])
