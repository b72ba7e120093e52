"""Whether the audit is whole, and if not, which entry is not: from the rows as they lie in the store. Pure.

Four things must agree: each entry with its own hash, each hash with the entry after it, all of them with the head, and
the head of every earlier moment with what was signed or seen then. One who changes a row is found by the first, one who
makes its hash anew by the second, and one who makes everything anew by the last: then the range since the newest head
that still agrees is named, since nobody can know more. A head that was seen outside of the box counts most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from appliance.audit import note, tree
from appliance.audit.rules import GENESIS, Entry, entry_hash, leaf_bytes, unused_by_form
from sync.checkpoint import EMPTY, Checkpoint

MAX_FINDINGS = 100  # told one by one; a log with more than that is told by its first ones
CHECKPOINT = "checkpoint"  # the source of a head that the store keeps
MAX_MOVED = 64  # changed entries that are tried at each other's places

What = Literal[
    "changed",  # the entry is not what its hash was made from
    "moved",  # the entry stood at another place
    "replaced",  # the entry has a hash of its own, but it is not the one that the next entry or the head followed
    "missing",  # entries are gone
    "rewritten",  # a head of an earlier moment does not agree; `source` says which
    "head",  # the head is not that of the entries
    "node",  # a stored part of the tree is not that of the entries: proofs would fail
    "checkpoint",  # a checkpoint was changed, or signed with another key; `first` is its number
    "checkpoint_missing",  # a checkpoint is gone; `first` is its number
    "guard",  # what keeps the log append-only in the store is gone
]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with entries `first` to `last` (0: none in particular). `source`: whose head disagrees."""

    what: What
    first: int = 0
    last: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the audit."""

    entry: Entry
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What the store keeps beside the entries: the tree's peaks and the last entry's hash."""

    tree: Checkpoint
    last: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the checkpoints: its columns and its signed text."""

    number: int
    size: int
    root: bytes
    at: str
    note: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A head that somebody saw: a witness outside of the store, HQ, or an older export. `source` is a word for it.

    It is known by the root over all entries, or by the hash of the last one, which all before it are in as well.
    """

    size: int
    root: bytes
    source: str
    last: bytes = b""


@dataclass(frozen=True, slots=True)
class Beside:
    """All that the entries are held against. `nodes`: the stored subtrees by (level, index)."""

    head: Head | None
    checkpoints: Sequence[Kept] = ()
    seen: Sequence[Seen] = ()
    nodes: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    public: bytes = b""  # the box's verify key


def check(rows: Iterable[Stored], beside: Beside) -> list[Finding]:
    """Everything that is wrong, in the order of the entries; at most MAX_FINDINGS. Nothing: the audit is whole."""
    heads, findings = _heads(beside)
    walk = _Walk(beside, heads)
    for row in rows:
        walk.take(row)
    return sorted([*walk.finish(), *findings], key=lambda found: (found.first, found.last))[:MAX_FINDINGS]


def _heads(beside: Beside) -> tuple[dict[int, list[Seen]], list[Finding]]:
    """The heads to compare with by size, and what is wrong with the checkpoints themselves."""
    findings: list[Finding] = []
    heads: dict[int, list[Seen]] = {}
    for seen in beside.seen:
        heads.setdefault(seen.size, []).append(seen)
    expected = 1
    for kept in beside.checkpoints:
        if kept.number != expected:
            findings.append(Finding("checkpoint_missing", expected, kept.number - 1))
        expected = kept.number + 1
        said = _said(kept, beside.public)
        if said is None:
            findings.append(Finding("checkpoint", kept.number, kept.number))
        else:
            heads.setdefault(said.size, []).append(Seen(said.size, said.root, CHECKPOINT))
    return heads, findings


def _said(kept: Kept, public: bytes) -> note.Signed | None:
    """What the checkpoint says, if the box signed it and its columns say the same."""
    try:
        said = note.read(kept.note, public)
    except ValueError:
        return None
    same = (said.number, said.size, said.root, said.at) == (kept.number, kept.size, kept.root, kept.at)
    return said if same else None


class _Walk:
    """From entry to entry, with the tree that they add up to as far as it is known."""

    def __init__(self, beside: Beside, heads: Mapping[int, list[Seen]]) -> None:
        self._beside, self._heads = beside, heads
        self._tree, self._known = EMPTY, True  # known: no leaf is missing before here
        self._last = 0
        self._row: Stored | None = None
        # The largest size whose head agrees. Whoever holds the store's key can sign checkpoints anew, so for a head
        # that was seen outside only others from outside count.
        self._agreed = {"any": 0, "outside": 0}
        self._changed: list[Stored] = []
        self._named: list[Finding] = []
        self._ranges: list[Finding] = []

    def take(self, row: Stored) -> None:
        """The next row by its number."""
        number = row.entry.sequence
        if number <= self._last:
            return  # no log has that; rows.verify names it
        if number != self._last + 1:
            self._named.append(Finding("missing", self._last + 1, number - 1))
            self._known = False
        sound = self._sound(row)
        if sound and number == self._last + 1:
            self._follow(row)
        self._grow(row, sound)
        self._last, self._row = number, row

    def _sound(self, row: Stored) -> bool:
        if unused_by_form(row.entry) and row.hash == entry_hash(row.previous, row.entry):
            return True
        self._changed.append(row)
        return False

    def _follow(self, row: Stored) -> None:
        """A sound row must begin with the hash of the row before; else that one is not the one that it followed."""
        before = self._row.hash if self._row else GENESIS
        if row.previous != before and not self._is_named(self._last):
            self._named.append(Finding("replaced", max(self._last, 1), max(self._last, 1)))

    def _is_named(self, number: int) -> bool:
        return any(row.entry.sequence == number for row in self._changed[-1:]) or any(
            found.first <= number <= found.last for found in self._named[-2:]
        )

    def _grow(self, row: Stored, sound: bool) -> None:
        """The tree with this leaf. The stored hash of a changed entry is the leaf that it had, as far as one knows."""
        if not self._known:
            return
        if not sound and row.entry.form == 1:
            self._known = False
            return
        leaf = tree.leaf_hash(leaf_bytes(row.previous, row.entry)) if sound else row.hash
        self._tree, whole = tree.append(self._tree, leaf)
        self._compare_nodes(whole)
        for seen in self._heads.get(self._tree.size, ()):
            self._compare(seen, row)

    def _compare_nodes(self, whole: Sequence[tree.Node]) -> None:
        if self._beside.head is None:  # a store from before the tree
            return
        for node in whole:
            if node.level >= tree.NODE_LEVEL and self._beside.nodes.get((node.level, node.index)) != node.hash:
                first = (node.index << node.level) + 1
                self._ranges.append(Finding("node", first, first + (1 << node.level) - 1))

    def _compare(self, seen: Seen, row: Stored) -> None:
        outside = seen.source != CHECKPOINT
        if row.hash == seen.last if seen.last else tree.root(self._tree) == seen.root:
            self._agreed["any"] = seen.size
            self._agreed["outside"] = seen.size if outside else self._agreed["outside"]
        else:
            since = self._agreed["outside" if outside else "any"]
            self._ranges.append(Finding("rewritten", since + 1, seen.size, seen.source))

    def finish(self) -> list[Finding]:
        """What was found, with what the head and the heads beyond the last entry say."""
        named = [*self._named, *_moved(self._changed)]
        named += self._beyond()
        broken = {found.first for found in named}
        narrowed = _narrowest(self._ranges)
        told = [found for found in narrowed if not any(found.first <= at <= found.last for at in broken)]
        return [*named, *told, *self._head(bool(named or told))]

    def _beyond(self) -> list[Finding]:
        """Entries at the end that somebody has seen and that are not there."""
        head = self._beside.head
        sizes = [size for size in self._heads if size > self._last]
        if head is not None and head.tree.size > self._last:
            sizes.append(head.tree.size)
        return [Finding("missing", self._last + 1, max(sizes))] if sizes else []

    def _head(self, explained: bool) -> list[Finding]:
        """The head that the store keeps, which the next entry will follow."""
        head = self._beside.head
        if head is None:
            newer = self._row is not None and self._row.entry.form > 1
            return [Finding("head", self._last, self._last)] if newer else []
        last = self._row.hash if self._row else GENESIS
        if explained or (head.last == last and head.tree == self._tree):
            return []
        if head.last != last and head.tree.size == self._last:
            return [Finding("replaced", self._last, self._last)]
        return [Finding("head", self._last, self._last)]


def _narrowest(ranges: Sequence[Finding]) -> Iterator[Finding]:
    """A head that disagrees after the first one says nothing new, and a smaller subtree inside says it more exactly."""
    nodes = [found for found in ranges if found.what == "node"]
    heads = [found for found in ranges if found.what == "rewritten"]
    if not heads:
        yield from sorted(nodes, key=lambda found: found.last - found.first)[:1]
    for ours in (True, False):  # what the box signed may have been made anew, what was seen outside was not
        disagree = [found for found in heads if (found.source == CHECKPOINT) is ours]
        if disagree:
            yield _inside(min(disagree, key=lambda found: (found.last, found.first)), nodes)


def _inside(wide: Finding, nodes: Sequence[Finding]) -> Finding:
    """The part of it that a stored subtree which disagrees has in common with it; the smallest such part."""
    parts = [(max(wide.first, node.first), min(wide.last, node.last)) for node in nodes]
    parts = [(first, last) for first, last in parts if first <= last]
    first, last = min(parts, key=lambda part: part[1] - part[0], default=(wide.first, wide.last))
    return replace(wide, first=first, last=last)


def _moved(changed: Sequence[Stored]) -> Iterator[Finding]:
    """Changed entries; those that fit at another one's place were moved."""
    places = [row.entry.sequence for row in changed[:MAX_MOVED]]
    for row in changed[:MAX_FINDINGS]:
        own = row.entry.sequence
        elsewhere = (replace(row.entry, sequence=place) for place in places if place != own)
        fits = unused_by_form(row.entry) and any(row.hash == entry_hash(row.previous, entry) for entry in elsewhere)
        yield Finding("moved" if fits else "changed", own, own)
