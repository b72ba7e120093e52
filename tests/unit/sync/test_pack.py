"""Packs that go down: sealed to one box, signed by HQ, one after another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import content, envelope, pack, suite
from sync.content import Record
from sync.faults import SyncFault

HQ_KEY, INBOX = suite.SigningKey(b"p" * 32), suite.RecordKey(b"i" * 32)
BOX, LOST = bytes(range(16)), bytes(range(16, 32))
BODIES = st.lists(st.binary(max_size=900), min_size=1, max_size=6)


def sealed(records: list[Record], number: int = 1, subject: bytes = pack.NO_BOX) -> bytes:
    return pack.seal(
        records,
        kind=pack.ITEMS if subject == pack.NO_BOX else pack.RETURNED,
        box=BOX,
        number=number,
        previous=envelope.NO_PREVIOUS if number == 1 else suite.digest(b"before"),
        inbox_key=INBOX.public,
        signing_key=HQ_KEY,
        at=7,
        subject=subject,
    )


ONE = sealed([Record(1, "policy", "", b"{}")])


@settings(max_examples=20)
@given(BODIES, st.integers(1, envelope.MAX_SEQUENCE), st.sampled_from([pack.NO_BOX, LOST]))
def test_what_was_packed_is_opened_by_its_box(bodies: list[bytes], number: int, subject: bytes) -> None:
    records = [Record(place, "policy", "", body) for place, body in enumerate(bodies, 1)]
    parsed = pack.parse(sealed(records, number, subject))
    pack.verify(parsed, [b"k" * 32, HQ_KEY.public], BOX)
    assert list(pack.open_records(parsed, INBOX)) == records
    assert (parsed.number, parsed.subject, parsed.at) == (number, subject, 7)


@settings(max_examples=60)
@given(st.integers(0, len(ONE) - 1), st.integers(1, 255))
def test_no_changed_byte_is_believed(at: int, change: int) -> None:
    raw = ONE[:at] + bytes([ONE[at] ^ change]) + ONE[at + 1 :]
    with pytest.raises(SyncFault, match=r"malformed_pack|unsupported_version|bad_signature|pack_other_key"):
        pack.verify(pack.parse(raw), [HQ_KEY.public], BOX)


def test_a_pack_is_no_envelope_and_an_envelope_no_pack() -> None:
    with pytest.raises(SyncFault, match="malformed_envelope"):
        envelope.parse(ONE)
    as_envelope = b"HSEG" + ONE[4:]
    with pytest.raises(SyncFault, match="malformed_pack"):
        pack.parse(as_envelope)


def test_the_largest_content_fits_a_pack() -> None:
    noise = b"".join(suite.digest(n.to_bytes(4, "big")) for n in range(2047))
    raw = sealed([Record(n, "c", "", noise[: content.MAX_BODY - 40]) for n in (1, 2)])
    assert len(raw) <= pack.MAX_PACK


def test_a_pack_prints_nothing_of_what_it_holds() -> None:
    assert len(repr(pack.parse(ONE))) < 60
