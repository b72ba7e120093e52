from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.ids import ALPHABET
from appliance.tickets import rules


def test_a_code_is_found_however_it_is_typed() -> None:
    assert rules.normal_code("k7qx-4m2p") == rules.normal_code(" K7QX 4M2P ") == "K7QX4M2P"
    assert rules.shown_code("K7QX4M2P") == "K7QX-4M2P"


def test_a_code_that_is_too_long_is_not_cut_into_a_right_one() -> None:
    assert rules.normal_code("K7QX4M2PP") != "K7QX4M2P"
    assert rules.normal_pin("1234567") != "123456"


def test_a_pin_may_be_typed_with_spaces_or_in_another_script() -> None:
    assert rules.normal_pin("12 34-56") == "123456"
    assert rules.normal_pin("١٢٣٤٥٦") == "123456"


@given(st.text(max_size=300))
def test_whatever_is_typed_gives_a_short_code_and_pin(text: str) -> None:
    assert len(rules.normal_code(text)) <= rules.CODE_LENGTH + 1
    assert set(rules.normal_code(text)) <= set(ALPHABET)
    assert len(rules.normal_pin(text)) <= rules.PIN_LENGTH + 1


def test_what_is_read_aloud_has_no_twins() -> None:
    assert not set(ALPHABET) & set("0O1ILU")


def test_the_same_pin_of_two_tickets_looks_different_in_the_store() -> None:
    assert rules.pin_hash("K7QX4M2P", "123456") != rules.pin_hash("K7QX4M2Q", "123456")
