from __future__ import annotations

from dataclasses import replace

from appliance.audit.rules import GENESIS, Entry, canonical, entry_hash, first_break


def chain(length: int) -> list[tuple[Entry, bytes, bytes]]:
    rows, previous = [], GENESIS
    for number in range(1, length + 1):
        entry = Entry(number, "2026-01-31T09:30:00Z", "p", "facilitator", "portal", "admit", "s", f"m{number}", "done")
        rows.append((entry, previous, entry_hash(previous, entry)))
        previous = rows[-1][2]
    return rows


def test_an_unbroken_chain_is_whole() -> None:
    assert first_break(chain(5)) is None
    assert first_break([]) is None


def test_a_changed_entry_is_named() -> None:
    rows = chain(5)
    entry, previous, digest = rows[2]
    rows[2] = replace(entry, outcome="refused"), previous, digest
    assert first_break(rows) == 3


def test_a_removed_entry_is_named() -> None:
    rows = chain(5)
    del rows[1]
    assert first_break(rows) == 2


def test_swapped_entries_are_named() -> None:
    rows = chain(5)
    rows[1], rows[2] = rows[2], rows[1]
    assert first_break(rows) == 2


def test_fields_cannot_flow_into_each_other() -> None:
    entry = chain(1)[0][0]
    assert canonical(replace(entry, actor="ab", role="c")) != canonical(replace(entry, actor="a", role="bc"))
