"""The tree against RFC 9162's own definition and the published roots of its test tree."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.checkpoint import EMPTY, Checkpoint, extend, extend_all, from_peaks, pack_peaks, root


def merkle_tree_hash(entries: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word by word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1 << ((len(entries) - 1).bit_length() - 1)
    left, right = merkle_tree_hash(entries[:k]), merkle_tree_hash(entries[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_that_of_the_rfc(entries: list[bytes]) -> None:
    assert root(extend_all(EMPTY, entries)) == merkle_tree_hash(entries)


def test_the_root_of_the_known_tree_is_the_published_one() -> None:
    leaves = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    tree = extend_all(EMPTY, (bytes.fromhex(leaf) for leaf in leaves))
    assert root(tree).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_there_is_one_peak_for_each_one_in_the_size(entries: list[bytes]) -> None:
    tree = extend_all(EMPTY, entries)
    assert (tree.size, len(tree.peaks)) == (len(entries), len(entries).bit_count())
    assert from_peaks(tree.size, pack_peaks(tree)) == tree


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=30), st.data())
def test_two_histories_never_have_the_same_peaks(entries: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    other = [*entries[:at], entries[at] + b"!", *entries[at + 1 :]]
    assert extend_all(EMPTY, entries) != extend_all(EMPTY, other)


def test_peaks_that_do_not_belong_to_the_size_are_refused() -> None:
    for size, packed in ((1, b""), (2, bytes(64)), (-1, b""), (3, bytes(63))):
        with pytest.raises(ValueError, match="peaks"):
            from_peaks(size, packed)


def test_a_large_tree_stays_small() -> None:
    tree = Checkpoint((1 << 40) - 1, tuple(bytes([n]) * 32 for n in range(40)))
    assert len(extend(tree, b"x").peaks) == 1
