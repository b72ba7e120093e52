"""The words of a recovery sheet, as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.store import sheet
from appliance.store.sheet import LANGUAGES, Language

entropies = st.binary(min_size=16, max_size=16)


@given(entropies, st.sampled_from(LANGUAGES))
def test_twelve_words_give_back_what_they_were_made_from(entropy: bytes, language: Language) -> None:
    words = sheet.words(entropy, language)
    assert len(words) == 12
    for typed in (
        " ".join(words),
        "  ".join(words).upper(),
        ",\n".join(words),
        sheet.code(words),
        " ".join(word[:4] for word in words),
        " ".join(f"{number}. {word}" for number, word in enumerate(words, 1)),
    ):
        assert sheet.entropy(typed) == entropy


def test_the_words_are_those_of_bip_39() -> None:
    """The first vector of the standard's reference implementation."""
    assert sheet.words(bytes(16), "en") == ("abandon",) * 11 + ("about",)
    assert sheet.words(bytes(16), "es")[0] == "ábaco"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "abandon " * 11,
        "abandon " * 12,  # the checksum does not fit
        "abandon " * 11 + "about about",
        "abandon " * 11 + "nonsense",
        "abandonment " + "abandon " * 10 + "about",
        "ábaco " * 6 + "abandon " * 6,
        "x" * 5000,
    ],
)
def test_what_is_no_sheet_is_none(typed: str) -> None:
    assert sheet.entropy(typed) is None


@given(st.text(max_size=200))
def test_any_text_is_a_sheet_or_none(typed: str) -> None:
    found = sheet.entropy(typed)
    assert found is None or len(found) == 16


@given(entropies, st.integers(0, 11), st.integers(1, 2047))
def test_one_wrong_word_does_not_pass_for_the_same_sheet(entropy: bytes, place: int, step: int) -> None:
    words = list(sheet.words(entropy, "en"))
    known = [word for word in sheet._list("en").wordlist]
    words[place] = known[(known.index(words[place]) + step) % 2048]
    assert sheet.entropy(" ".join(words)) != entropy
