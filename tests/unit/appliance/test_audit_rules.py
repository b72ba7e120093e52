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


def test_the_hash_of_an_entry_stays_what_it_was_so_that_old_stores_still_verify() -> None:
    entry = Entry(7, "2026-01-31T09:30:00Z", "p", "facilitator", "portal", "admit", "s", "é", "done")
    fields = (b"7", b"2026-01-31T09:30:00Z", b"p", b"facilitator", b"portal", b"admit", b"s", b"\xc3\xa9", b"done")
    assert canonical(entry) == b"".join(bytes((0, 0, 0, len(field))) + field for field in fields)
    assert entry_hash(GENESIS, entry).hex() == "4dcf3f7d16c72a2258f3b8cc940724842851bfbb025b7328afeab1dcb20dc913"
