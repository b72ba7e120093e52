from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.repeats import MAX_LOOKS, MAX_REFUSALS, SECONDS, Looks, Refusal, Refusals
from appliance.policy import Actor, Facts

WHO = Actor("p", "facilitator", "portal", address="192.0.2.7")
NO = Refusal(WHO, "admit", Facts(session="s", member="m"), "refused")


def test_the_first_refusal_is_written_at_once_and_equal_ones_once_more_with_their_count() -> None:
    refusals = Refusals()
    assert refusals.note(NO, 0.0) == NO
    assert [refusals.note(NO, now) for now in (1.0, 2.0, 3.0)] == [None] * 3
    assert refusals.due(SECONDS - 1) == []
    assert refusals.due(SECONDS) == [(NO, 3)]
    assert refusals.note(NO, SECONDS) == NO


def test_a_refusal_that_stayed_alone_is_not_written_twice() -> None:
    refusals = Refusals()
    refusals.note(NO, 0.0)
    assert refusals.due(math.inf) == []


def test_another_person_thing_address_or_reason_is_another_refusal() -> None:
    refusals = Refusals()
    refusals.note(NO, 0.0)
    for other in (
        replace(NO, actor=replace(WHO, person="q")),
        replace(NO, actor=replace(WHO, address="192.0.2.8")),
        replace(NO, facts=Facts(session="s", member="n")),
        replace(NO, action="deny"),
        replace(NO, code="wrong_state"),
    ):
        assert refusals.note(other, 0.0) == other


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 10 * SECONDS)), max_size=400))
def test_no_refusal_is_lost_and_a_flood_writes_little(flood: list[tuple[int, float]]) -> None:
    refusals, written, counted = Refusals(), 0, 0
    for person, now in sorted(flood, key=lambda seen: seen[1]):
        due = refusals.due(now)
        written, counted = written + len(due), counted + sum(more for _, more in due)
        if refusals.note(replace(NO, actor=replace(WHO, address=str(person))), now) is not None:
            written, counted = written + 1, counted + 1
    due = refusals.due(math.inf)
    written, counted = written + len(due), counted + sum(more for _, more in due)
    assert counted == len(flood)
    assert written <= 2 * (MAX_REFUSALS + 1) * 11


def test_who_comes_under_ever_new_addresses_fills_one_entry() -> None:
    refusals = Refusals()
    kept = [refusals.note(replace(NO, actor=replace(WHO, address=str(n))), 0.0) for n in range(10_000)]
    assert sum(refusal is not None for refusal in kept) == MAX_REFUSALS + 1
    assert refusals.due(math.inf) == [(NO.bare(), 10_000 - MAX_REFUSALS - 1)]


def test_a_look_that_goes_on_is_one_look_for_a_quarter_of_an_hour() -> None:
    looks = Looks()
    assert looks.is_new(WHO, "see", "s", 0.0)
    looks.noted(WHO, "see", "s", 0.0)
    assert not looks.is_new(WHO, "see", "s", SECONDS - 1)
    assert looks.is_new(WHO, "see", "s", SECONDS)
    assert looks.is_new(WHO, "see", "other", 1.0)
    assert looks.is_new(replace(WHO, surface="console"), "see", "s", 1.0)


def test_after_a_sign_in_a_look_is_new() -> None:
    looks = Looks()
    looks.noted(WHO, "see", "s", 0.0)
    looks.forget(lambda actor: actor.person == "p")
    assert looks.is_new(WHO, "see", "s", 1.0)


def test_looks_are_bounded_and_a_forgotten_one_is_noted_again() -> None:
    looks = Looks()
    for number in range(MAX_LOOKS + 1):
        looks.noted(WHO, "see", str(number), 0.0)
    assert looks.is_new(WHO, "see", "0", 1.0)
    assert not looks.is_new(WHO, "see", "1", 1.0)
