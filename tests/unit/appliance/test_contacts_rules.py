"""Whom to call: what a line of the list must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.contacts.rules import MOST, Contact, contacts
from appliance.faults import Fault


def test_a_list_keeps_its_order_and_drops_empty_lines() -> None:
    typed = [("Night  line", "555 0199", " at night "), ("", "", ""), ("Ambulance", "112", "")]
    assert contacts(typed) == (Contact("Night line", "555 0199", "at night"), Contact("Ambulance", "112"))


@pytest.mark.parametrize(
    "row", [("", "112", ""), ("Ambulance", "", ""), ("A", "call me", ""), ("A" * 61, "112", ""), ("A", "1" * 31, "")]
)
def test_a_line_that_nobody_could_call_is_named(row: tuple[str, str, str]) -> None:
    with pytest.raises(Fault) as caught:
        contacts([("Ambulance", "112", ""), row])
    assert (caught.value.code, caught.value.detail) == ("bad_request", "row 2")


def test_more_than_can_be_taken_in_at_a_glance_is_refused() -> None:
    with pytest.raises(Fault, match="bad_request"):
        contacts([("Somebody", "112", "")] * (MOST + 1))


@pytest.mark.parametrize(("phone", "dialled"), [("+1 (555) 010-0199", "+15550100199"), ("555 0142", "5550142")])
def test_what_is_dialled_holds_digits_alone(phone: str, dialled: str) -> None:
    assert contacts([("Somebody", phone, "")])[0].dialled == dialled


@given(st.lists(st.tuples(st.text(max_size=70), st.text(max_size=35), st.text(max_size=90)), max_size=12))
def test_whatever_is_typed_is_a_list_or_a_fault(typed: list[tuple[str, str, str]]) -> None:
    try:
        kept = contacts(typed)
    except Fault as fault:
        assert fault.code == "bad_request"
    else:
        assert all(one.name.isprintable() and one.dialled for one in kept) and len(kept) <= MOST
