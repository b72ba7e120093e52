"""How a text is laid out, and when somebody is asked to sign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.consent.rules import PARTS, sections, shown, wanted
from appliance.consent.texts import LANGUAGES, first_agreement, parts
from appliance.faults import Fault
from appliance.guidelines.rules import MAX_BODY, MAX_PARAGRAPHS, paragraphs, written
from appliance.orientation.rules import MAX_QUESTION, words

SIGNED = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=4)


@given(SIGNED, st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_nothing_is_asked_of_exactly_those_who_signed_what_counts_now(
    signed: list[tuple[int, int]], newest: int, cycle: int, missing: bool
) -> None:
    asked = wanted(newest, signed, cycle, parts_missing=missing)
    counts = newest > 0 and (newest, cycle) in signed
    assert (asked in ("", "parts")) == counts
    assert (asked == "") == (counts and not missing)
    assert (asked == "first") == (not signed)


@pytest.mark.parametrize(("newest", "cycle", "why"), [(2, 1, "version"), (2, 2, "version"), (1, 2, "cycle")])
def test_the_page_can_say_why_it_asks_again(newest: int, cycle: int, why: str) -> None:
    assert wanted(newest, [(1, 1)], cycle, parts_missing=False) == why


def test_without_a_published_agreement_nobody_has_signed() -> None:
    assert wanted(0, [(0, 1)], 1, parts_missing=False) not in ("", "parts")


@given(st.text(max_size=300))
def test_no_word_of_a_text_is_lost_by_laying_it_out(body: str) -> None:
    kept = " ".join(part for one in sections(body) for part in (one.heading, *one.paragraphs))
    assert kept.replace("#", "").split() == body.replace("#", "").split()


def test_a_text_without_headings_is_one_section() -> None:
    (only,) = sections("One.\n\nTwo\nlines.")
    assert (only.heading, only.paragraphs) == ("", ("One.", "Two lines."))


def test_headings_part_a_text() -> None:
    first, second = sections("Before.\n\n## A heading\n\nAfter.")
    assert (first.heading, second.heading, second.paragraphs) == ("", "A heading", ("After.",))


def test_each_language_has_the_whole_of_what_is_signed() -> None:
    assert {one.language for one in first_agreement()} == set(LANGUAGES)
    for language in LANGUAGES:
        assert [one.name for one in parts(language)] == list(PARTS)
        assert all(one.title and len(sections(one.body)[0].paragraphs) >= 4 for one in parts(language))
    assert parts("tlh") == parts("en")
    assert len({len(sections(one.body)) for one in first_agreement()}) == 1


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=2, max_size=3), st.integers(0, 2))
def test_whatever_text_changes_the_word_of_the_page_changes(digests: list[str], at: int) -> None:
    other = [one + "c" if number == at % len(digests) else one for number, one in enumerate(digests)]
    assert shown(digests) != shown(other)


@given(st.text(max_size=700))
def test_a_question_is_kept_as_plain_lines_or_refused(text: str) -> None:
    try:
        kept = words(text, MAX_QUESTION)
    except Fault as fault:
        assert fault.code == "bad_request"
        return
    assert 1 <= len(kept) <= MAX_QUESTION
    assert all(char.isprintable() or char == "\n" for char in kept) and kept == kept.strip()
    assert words(kept, MAX_QUESTION) == kept


@given(st.text(max_size=120), st.text(max_size=400))
def test_a_card_is_kept_within_its_bounds_or_refused(title: str, body: str) -> None:
    try:
        name, text = written(title, body)
    except Fault as fault:
        assert fault.code == "bad_request"
        return
    assert name and len(text) <= MAX_BODY and 1 <= len(paragraphs(text)) <= MAX_PARAGRAPHS
    assert written(name, text) == (name, text)
