from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.rules import PACES
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


# -- the sums of rules.py, done again

CODES, PINS, OUT = len(ALPHABET) ** rules.CODE_LENGTH, 10**rules.PIN_LENGTH, 100
YEAR = 365.25 * 24 * 3600


def guesses(seconds: float) -> float:
    """Wrong codes that one address may try in that time."""
    pace = PACES["ticket_address"]
    return pace.free + seconds / pace.cap


def test_one_address_names_a_ticket_once_in_six_thousand_years() -> None:
    assert CODES / OUT / guesses(YEAR) > 6000
    assert CODES / OUT / (1000 * guesses(YEAR)) > 6


def test_waiting_never_gives_an_address_more_guesses_than_the_cap_does() -> None:
    pace = PACES["ticket_address"]
    assert pace.forget >= pace.cap


def test_who_has_the_link_and_not_the_pin_gets_in_once_in_two_hundred_thousand_times() -> None:
    assert rules.MAX_FAILURES / PINS == 1 / 200_000


def test_an_address_that_used_up_its_guesses_would_need_both_at_once() -> None:
    assert CODES * PINS / OUT / 1000 / YEAR > 200_000


def test_one_who_could_time_the_answers_needs_forty_thousand_years() -> None:
    named = CODES / OUT / 1000  # seconds for each code
    assert 75 < named / (24 * 3600) < 77
    assert named * PINS / rules.MAX_FAILURES / YEAR > 40_000


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_ticket_lives_past_its_sessions_start_and_past_its_issue(starts: int, now: int) -> None:
    assert rules.ticket_ends(starts, now) - max(starts, now) == rules.VALID_SECONDS


def test_a_visit_on_a_device_that_others_use_is_shorter() -> None:
    assert rules.visit_ends(0, shared=True) == 3 * 3600 < rules.visit_ends(0, shared=False)


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_same_device_looks_different_at_every_ticket(one: str, other: str) -> None:
    same = rules.device_hash("K7QX4M2P", one) == rules.device_hash("K7QX4M2P", other)
    assert same == (one == other)
    assert rules.device_hash("K7QX4M2P", one) != rules.device_hash("K7QX4M2Q", one)


def test_one_device_is_one_address_for_guesses() -> None:
    assert rules.near("2001:db8::1") == rules.near("2001:db8::ffff:2") != rules.near("2001:db8:0:1::1")
    assert rules.near("::ffff:10.0.0.9") == rules.near("10.0.0.9") == "10.0.0.9"
    assert rules.near("fe80::1%eth0") == rules.near("fe80::2")
    assert rules.near("") == ""
