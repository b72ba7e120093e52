from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.rules import GENESIS, Entry, canonical, entry_hash, unused_by_form

OLD = Entry(7, "2026-01-31T09:30:00Z", "p", "facilitator", "portal", "admit", "s", "é", "done", form=1)
NEW = Entry(
    *(8, "2026-01-31T09:31:00Z", "p", "facilitator", "portal", "read_note", "s", "m", "refused"),
    address="192.0.2.7",
    person="whose",
    thing="n",
    times=3,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def test_the_hash_of_an_old_entry_stays_what_it_was_so_that_old_stores_still_verify() -> None:
    parts = (b"7", b"2026-01-31T09:30:00Z", b"p", b"facilitator", b"portal", b"admit", b"s", b"\xc3\xa9", b"done")
    assert canonical(OLD) == b"".join(bytes((0, 0, 0, len(part))) + part for part in parts)
    assert entry_hash(GENESIS, OLD).hex() == "4dcf3f7d16c72a2258f3b8cc940724842851bfbb025b7328afeab1dcb20dc913"


def test_the_bytes_of_a_new_entry_are_those_of_the_readme() -> None:
    parts = (
        *(b"8", b"2026-01-31T09:31:00Z", b"p", b"facilitator", b"portal", b"192.0.2.7", b"read_note"),
        *(b"s", b"m", b"whose", b"n", b"refused", b"3"),
    )
    assert canonical(NEW) == b"HAE2" + b"".join(bytes((0, 0, 0, len(part))) + part for part in parts)


@pytest.mark.parametrize("field", [field.name for field in fields(Entry)])
def test_every_field_of_a_new_entry_is_hashed(field: str) -> None:
    value = getattr(NEW, field)
    change: dict[str, Any] = {field: value + 1 if isinstance(value, int) else value + "x"}
    other = replace(NEW, **change)
    assert (entry_hash(GENESIS, other), unused_by_form(other)) != (entry_hash(GENESIS, NEW), True)


@given(TEXT, TEXT, TEXT, TEXT)
def test_fields_cannot_flow_into_each_other(a: str, b: str, c: str, d: str) -> None:
    same = canonical(replace(NEW, actor=a, role=b)) == canonical(replace(NEW, actor=c, role=d))
    assert same == ((a, b) == (c, d))


@pytest.mark.parametrize("field", ["address", "person", "thing"])
def test_nothing_can_be_written_into_an_old_entry_beside_its_hash(field: str) -> None:
    assert unused_by_form(OLD)
    change: dict[str, Any] = {field: "x"}
    assert not unused_by_form(replace(OLD, **change))
    assert not unused_by_form(replace(OLD, times=2))


def test_an_entry_of_a_form_that_is_not_known_counts_as_changed() -> None:
    assert not unused_by_form(replace(NEW, form=3))
