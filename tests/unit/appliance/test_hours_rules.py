"""Answers that tell nobody who gave them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.hours.rules import INCIDENTS, LEAST_SHOWN, QUESTIONS, Pulse, counted, incident, pulse

ANSWERS = st.builds(Pulse, *[st.integers(1, 4)] * 3)


@given(st.lists(ANSWERS, max_size=LEAST_SHOWN - 1))
def test_few_answers_are_not_shown(given_: list[Pulse]) -> None:
    assert counted(given_) is None


@given(st.lists(ANSWERS, min_size=LEAST_SHOWN, max_size=16))
def test_what_is_shown_counts_everybody_once_and_says_nothing_of_their_order(given_: list[Pulse]) -> None:
    shown = counted(given_)
    assert shown is not None and set(shown) == set(QUESTIONS)
    assert all(sum(tally) == len(given_) for tally in shown.values())
    assert counted(sorted(given_, key=repr)) == shown


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("answer", ["", "0", "5", "yes"])
def test_an_answer_that_is_none_is_named_by_its_question(question: str, answer: str) -> None:
    with pytest.raises(Fault) as caught:
        pulse({**dict.fromkeys(QUESTIONS, "3"), question: answer})
    assert caught.value.detail == question


def test_an_incident_is_one_of_the_words_and_no_sentence() -> None:
    assert [incident(one) for one in INCIDENTS] == list(INCIDENTS)
    with pytest.raises(Fault, match="bad_request"):
        incident("Ada cried")
