"""What comes along with a session action: a value, or the one fault. And check phrases, as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given as tried
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.people.rules import MAX_PHRASE, check_phrase, phrase_fits
from appliance.sessions.given import MAX_MESSAGE, Given, given
from appliance.sessions.rules import average_minutes

anything = st.one_of(st.text(max_size=400), st.none(), st.integers(), st.binary(max_size=5), st.lists(st.text()))


@tried(st.dictionaries(st.sampled_from(["text", "why", "block", "leader", "other"]), anything))
def test_a_form_is_a_value_or_one_fault(form: dict[str, object]) -> None:
    try:
        found = given(form)
    except Fault as fault:
        assert fault.code == "bad_request"
        return
    assert len(found.text) <= MAX_MESSAGE and "\n" not in found.text
    assert found.block == (form.get("block") == "yes")


def test_a_form_without_any_of_it_gives_nothing() -> None:
    assert given({"csrf": "x"}) == Given()


@pytest.mark.parametrize("why", ["anger", "Recording", "recording "])
def test_a_reason_is_one_of_the_words(why: str) -> None:
    with pytest.raises(Fault):
        given({"why": why})


@pytest.mark.parametrize(
    ("record", "typed"),
    [("Señor Mittens", "senor mittens"), ("Blue-Bird", "  bluebird "), ("Straße 7", "STRASSE 7"), ("رمز", "رمز")],
)
def test_a_phrase_fits_however_it_is_typed(record: str, typed: str) -> None:
    assert phrase_fits(record, typed)


@pytest.mark.parametrize(("record", "typed"), [("Mittens", "Mitten"), ("", ""), ("", "x"), ("x", ""), ("…", "!")])
def test_another_phrase_and_none_at_all_do_not_fit(record: str, typed: str) -> None:
    assert not phrase_fits(record, typed)


@tried(st.text(max_size=200))
def test_a_phrase_is_one_clean_line_or_a_fault(text: str) -> None:
    try:
        phrase = check_phrase(text)
    except Fault as fault:
        assert fault.detail == "long_phrase"
        return
    assert len(phrase) <= MAX_PHRASE and phrase.isprintable() and phrase == check_phrase(phrase)


@pytest.mark.parametrize(
    ("seconds", "minutes"), [([], None), ([60, 60], None), ([5, 5, 5], 1), ([120, 240, 540], 5), ([90, 90, 90], 2)]
)
def test_waits_are_told_in_whole_minutes_once_there_are_three(seconds: list[float], minutes: int | None) -> None:
    assert average_minutes(seconds) == minutes
