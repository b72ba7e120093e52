"""Whatever one change somebody makes to a log, it is found, and it is named where it can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.audit import tree
from appliance.audit.checking import MAX_FINDINGS, Beside, Finding, Head, Seen, Stored, check
from appliance.audit.rules import GENESIS, Entry, entry_hash, leaf_bytes
from sync.checkpoint import root

AT = "2026-01-31T09:30:00Z"
TEXTS = ("at", "actor", "role", "surface", "action", "session", "subject", "outcome", "address", "person", "thing")
SIZES = st.integers(2, 80)
OLD = 5  # entries of form 1 at the beginning


def made(size: int) -> tuple[list[Stored], Beside, list[bytes]]:
    """A log of both forms, what is kept beside it, and its root at every size."""
    rows: list[Stored] = []
    head, previous, nodes, roots = tree.EMPTY, GENESIS, {}, [root(tree.EMPTY)]
    for number in range(1, size + 1):
        form = 1 if number <= OLD else 2
        entry = Entry(number, AT, "p", "operator", "portal", "vouch", "s", f"m{number}", "done", form=form)
        rows.append(Stored(entry, previous, entry_hash(previous, entry)))
        head, whole = tree.append(head, tree.leaf_hash(leaf_bytes(previous, entry)))
        nodes.update({(node.level, node.index): node.hash for node in whole if node.level >= tree.NODE_LEVEL})
        previous = rows[-1].hash
        roots.append(root(head))
    return rows, Beside(Head(head, previous), nodes=nodes), roots


def named(findings: list[Finding]) -> list[tuple[str, int, int]]:
    return [(found.what, found.first, found.last) for found in findings]


@given(SIZES)
def test_an_untouched_log_is_whole_also_by_what_was_seen_of_it(size: int) -> None:
    rows, beside, roots = made(size)
    seen = [Seen(at, roots[at], "hq") for at in range(1, size + 1)]
    assert check(rows, replace(beside, seen=seen)) == []
    assert check([], Beside(None)) == []


@given(SIZES, st.data())
def test_a_changed_text_is_named(size: int, data: st.DataObject) -> None:
    rows, beside, _ = made(size)
    at, field = data.draw(st.integers(0, size - 1)), data.draw(st.sampled_from(TEXTS))
    change: dict[str, Any] = {field: getattr(rows[at].entry, field) + "x"}
    rows[at] = replace(rows[at], entry=replace(rows[at].entry, **change))
    assert named(check(rows, beside)) == [("changed", at + 1, at + 1)]


@given(SIZES, st.data())
def test_removed_entries_are_named(size: int, data: st.DataObject) -> None:
    rows, beside, _ = made(size)
    first = data.draw(st.integers(1, size))
    last = data.draw(st.integers(first, size))
    del rows[first - 1 : last]
    assert named(check(rows, beside)) == [("missing", first, last)]


@given(SIZES, st.data())
def test_swapped_entries_are_named(size: int, data: st.DataObject) -> None:
    rows, beside, _ = made(size)
    one = data.draw(st.integers(1, size - 1))
    two = data.draw(st.integers(one + 1, size))
    first, second = rows[one - 1], rows[two - 1]
    rows[one - 1] = replace(second, entry=replace(second.entry, sequence=one))
    rows[two - 1] = replace(first, entry=replace(first.entry, sequence=two))
    assert named(check(rows, beside)) == [("moved", one, one), ("moved", two, two)]


@given(SIZES, st.data())
def test_an_entry_with_a_hash_of_its_own_is_named_by_the_one_after_it_or_by_the_head(
    size: int, data: st.DataObject
) -> None:
    rows, beside, _ = made(size)
    at = data.draw(st.integers(0, size - 1))
    entry = replace(rows[at].entry, actor="eve")
    rows[at] = Stored(entry, rows[at].previous, entry_hash(rows[at].previous, entry))
    assert named(check(rows, beside)) == [("replaced", at + 1, at + 1)]


@given(SIZES, st.data())
@settings(max_examples=50)
def test_a_log_made_anew_is_in_the_range_between_two_heads_that_were_seen(size: int, data: st.DataObject) -> None:
    _, _, roots = made(size)
    seen_at = sorted(data.draw(st.sets(st.integers(1, size), min_size=1)))
    at = data.draw(st.integers(1, max(seen_at)))
    rows: list[Stored] = []
    head, previous = tree.EMPTY, GENESIS
    for number in range(1, size + 1):
        actor = "eve" if number == at else "p"
        form = 1 if number <= OLD else 2
        entry = Entry(number, AT, actor, "operator", "portal", "vouch", "s", f"m{number}", "done", form=form)
        rows.append(Stored(entry, previous, entry_hash(previous, entry)))
        head, _ = tree.append(head, tree.leaf_hash(leaf_bytes(previous, entry)))
        previous = rows[-1].hash
    nodes: dict[tuple[int, int], bytes] = {}
    if size >= 64:
        leaves = [tree.leaf_hash(leaf_bytes(row.previous, row.entry)) for row in rows]
        grown = tree.EMPTY
        for leaf in leaves:
            grown, whole = tree.append(grown, leaf)
            nodes.update({(node.level, node.index): node.hash for node in whole if node.level >= tree.NODE_LEVEL})
    beside = Beside(Head(head, previous), seen=[Seen(n, roots[n], "hq") for n in seen_at], nodes=nodes)
    before = max((n for n in seen_at if n < at), default=0)
    after = min(n for n in seen_at if n >= at)
    assert named(check(rows, beside)) == [("rewritten", before + 1, after)]


def test_a_log_that_is_all_wrong_is_told_by_its_first_findings() -> None:
    rows, beside, _ = made(400)
    wrong = [replace(row, hash=bytes(32)) for row in rows]
    findings = check(wrong, beside)
    assert len(findings) == MAX_FINDINGS
    assert findings[0].first == 1
