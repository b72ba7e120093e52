"""The head of what HQ holds of one box: an RFC 9162 Merkle tree, kept as its peaks so that anybody can extend it.

A checkpoint is signed inside a receipt (`receipt.py`). Entry n of the tree is the SHA-256 of envelope n. The peaks are
the roots of the perfect subtrees, largest first: one for each 1 in the binary size. They are all that is needed to
append, so HQ keeps no state: the box hands back its last receipt and any HQ server goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.suite import HASH_SIZE, digest

MAX_PEAKS = 64  # a size has at most 64 ones: the sequence number is 64 bits wide


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`size` envelopes with these `peaks`: 32 bytes each, largest subtree first, `size.bit_count()` of them."""

    size: int
    peaks: tuple[bytes, ...]


EMPTY = Checkpoint(0, ())


def extend(checkpoint: Checkpoint, entry: bytes) -> Checkpoint:
    """The checkpoint with one more entry (RFC 9162 section 2.1.1: 0x00 before a leaf, 0x01 before a node)."""
    peaks = list(checkpoint.peaks)
    node, size = digest(b"\x00" + entry), checkpoint.size
    while size & 1:
        node = digest(b"\x01" + peaks.pop() + node)
        size >>= 1
    return Checkpoint(checkpoint.size + 1, (*peaks, node))


def extend_all(checkpoint: Checkpoint, entries: Iterable[bytes]) -> Checkpoint:
    """`extend`, entry after entry."""
    for entry in entries:
        checkpoint = extend(checkpoint, entry)
    return checkpoint


def root(checkpoint: Checkpoint) -> bytes:
    """The Merkle tree hash of RFC 9162 section 2.1.1: 32 bytes; that of the empty tree is SHA-256 of nothing."""
    if not checkpoint.peaks:
        return digest(b"")
    node = checkpoint.peaks[-1]
    for peak in reversed(checkpoint.peaks[:-1]):
        node = digest(b"\x01" + peak + node)
    return node


def pack_peaks(checkpoint: Checkpoint) -> bytes:
    """The peaks as bytes, for a receipt or a row; the size travels beside them."""
    return b"".join(checkpoint.peaks)


def from_peaks(size: int, packed: bytes) -> Checkpoint:
    """The inverse of `pack_peaks`. Raises ValueError when the number of peaks does not belong to the size."""
    if size < 0 or len(packed) != HASH_SIZE * size.bit_count():
        raise ValueError("peaks do not belong to the size")
    return Checkpoint(size, tuple(packed[at : at + HASH_SIZE] for at in range(0, len(packed), HASH_SIZE)))
