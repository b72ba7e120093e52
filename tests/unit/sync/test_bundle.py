"""Rules of bundles: what is whole is read, what was cut short is known as such, and nothing grows without bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import bundle, suite
from sync.bundle import Part
from sync.faults import SyncFault

BOX = bytes(range(16))
PARTS = st.lists(st.builds(Part, st.integers(1, 9), st.binary(max_size=200)), max_size=8)


@given(parts=PARTS, direction=st.sampled_from((bundle.UP, bundle.DOWN)))
def test_a_bundle_comes_back_as_it_was_packed(parts: list[Part], direction: int) -> None:
    found = bundle.parse(bundle.pack(direction, BOX, parts))
    assert (found.direction, found.box, list(found.parts)) == (direction, BOX, parts)


@given(parts=PARTS, cut=st.data())
def test_a_bundle_that_is_cut_short_or_changed_anywhere_is_damaged(parts: list[Part], cut: st.DataObject) -> None:
    raw = bundle.pack(bundle.UP, BOX, parts)
    at = cut.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    for damaged in (raw[:at], flipped, raw + b"\0", raw[:at] + bytes(len(raw) - at)):
        if damaged != raw:
            assert _code(damaged) == "bundle_damaged"


def test_other_words_in_front_are_refused_by_their_own_code() -> None:
    raw = bundle.pack(bundle.UP, BOX, [])
    assert _code(_sealed(b"HSEG" + raw[4:-32])) == "malformed_bundle"
    assert _code(_sealed(raw[:4] + b"\x02" + raw[5:-32])) == "unsupported_version"
    assert _code(_sealed(raw[:5] + b"\x03" + raw[6:-32])) == "unsupported_version"
    assert _code(_sealed(raw[:7] + b"\x01" + raw[8:-32])) == "unsupported_version"
    assert _code(_sealed(raw[:-32] + b"\x03\0\0")) == "malformed_bundle"
    assert _code(_sealed(raw[:-32] + b"\x01\0\0\0\x05abc")) == "malformed_bundle"
    assert _code(_sealed(raw[:-32] + bundle.PART.pack(1, bundle.MAX_SMALL + 1) + bytes(5000))) == "malformed_bundle"
    assert _code(_sealed(raw[:-32] + bundle.PART.pack(9, 0) * 4097)) == "malformed_bundle"
    assert _code(bytes(bundle.MAX_BUNDLE + 1)) == "too_large"


def test_what_is_too_large_is_not_packed() -> None:
    small, large = Part(bundle.HELLO, bytes(bundle.MAX_SMALL + 1)), Part(bundle.ENVELOPE, bytes(160_000))
    for parts in ([small], [large] * 27, [Part(9, b"")] * 4097):
        with pytest.raises(SyncFault, match="too_large"):
            bundle.pack(bundle.UP, BOX, parts)


@given(sizes=st.lists(st.integers(1, 163_840), max_size=80))
def test_parts_are_cut_into_bundles_that_fit_in_their_order(sizes: list[int]) -> None:
    parts = [Part(bundle.ENVELOPE, bytes(size)) for size in sizes]
    head = [Part(bundle.RECEIPT, b"newest")]
    groups = list(bundle.cut(head, parts))
    assert [part for group in groups for part in group[1:]] == parts
    for group in groups:
        assert group[:1] == head
        assert len(bundle.pack(bundle.UP, BOX, group)) <= bundle.MAX_BUNDLE


def _sealed(body: bytes) -> bytes:
    return body + suite.digest(body)


def _code(raw: bytes) -> str:
    with pytest.raises(SyncFault) as caught:
        bundle.parse(raw)
    return caught.value.code
