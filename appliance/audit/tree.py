"""The Merkle tree over the audit's entries (RFC 9162 section 2.1): head, growth, and the two kinds of proofs. Pure.

Proofs are made from `Nodes`, which looks up the root of a whole subtree: `nodes(level, index)` is the root over the
leaves from `index << level` up to `(index + 1) << level`; level 0 are the leaf hashes. Whoever checks a proof needs
nothing but the proof. Entry number n is leaf n - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync.checkpoint import EMPTY, Checkpoint, root
from sync.suite import digest

__all__ = [
    "EMPTY",
    "Checkpoint",
    "Node",
    "Nodes",
    "append",
    "consistency",
    "consistent",
    "included",
    "inclusion",
    "join",
    "leaf_hash",
    "root",
    "root_of",
]

NODE_LEVEL = 6  # subtrees of 64 entries and more are kept in the store; smaller ones are read from their entries
Nodes = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Node:
    """A subtree that has just become whole."""

    level: int
    index: int
    hash: bytes


def leaf_hash(leaf: bytes) -> bytes:
    """Section 2.1.1: a zero byte before a leaf."""
    return digest(b"\x00" + leaf)


def join(left: bytes, right: bytes) -> bytes:
    """Section 2.1.1: a one byte before two nodes."""
    return digest(b"\x01" + left + right)


def append(head: Checkpoint, leaf: bytes) -> tuple[Checkpoint, list[Node]]:
    """The head with one more leaf hash, and the subtrees above the leaf that became whole by it."""
    peaks, node, whole = list(head.peaks), leaf, []
    level, index = 0, head.size
    while index & 1:
        node, level, index = join(peaks.pop(), node), level + 1, index >> 1
        whole.append(Node(level, index, node))
    return Checkpoint(head.size + 1, (*peaks, node)), whole


def root_of(nodes: Nodes, start: int, end: int) -> bytes:
    """MTH(D[start:end]) of section 2.1.1. `start` is a multiple of the largest power of two in the range."""
    size = end - start
    if size == 0:
        return digest(b"")
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(size)
    return join(root_of(nodes, start, middle), root_of(nodes, middle, end))


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(nodes: Nodes, leaf: int, size: int) -> list[bytes]:
    """PATH(leaf, D[0:size]) of section 2.1.3.1: what proves that this leaf is in the tree of that size."""
    if not 0 <= leaf < size:
        raise ValueError("no such leaf")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if leaf < middle:
            path.append(root_of(nodes, middle, end))
            end = middle
        else:
            path.append(root_of(nodes, start, middle))
            start = middle
    return path[::-1]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], claimed: bytes) -> bool:
    """Section 2.1.3.2: whether the leaf hash stands at `index` in the tree with that size and root."""
    if not 0 <= index < size:
        return False
    number, last, node = index, size - 1, leaf
    for part in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            node = join(part, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = join(node, part)
        number, last = number >> 1, last >> 1
    return last == 0 and node == claimed


def consistency(nodes: Nodes, first: int, second: int) -> list[bytes]:
    """PROOF(first, D[0:second]) of section 2.1.4.1: that the larger tree begins with the smaller one."""
    if not 0 < first <= second:
        raise ValueError("no such trees")
    path, start, end, known = [], 0, second, True
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(root_of(nodes, middle, end))
            end = middle
        else:
            path.append(root_of(nodes, start, middle))
            start, known = middle, False
    return ([] if known else [root_of(nodes, start, end)]) + path[::-1]


def consistent(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Section 2.1.4.2: whether the tree of size `second` with its root begins with that of size `first`."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    parts = list(path)
    if first & (first - 1) == 0:
        parts.insert(0, first_root)
    if not parts:
        return False
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = join(part, old), join(part, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = join(new, part)
        number, last = number >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)
