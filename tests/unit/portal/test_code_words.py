"""The words of the roster code: the lists are the published ones but for words nobody should read aloud in a group."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from appliance.portal import pages

TESTS = Path(__file__).parents[2]
STATIC = Path(pages.__file__).parent / "static"
ENOUGH = 2**100  # tries that somebody needs who makes keys until the words fit
SIZES = {"en": 7776, "es": 2048}
LONGEST = 9  # letters: two words side by side on a small phone


def words(language: str) -> list[str]:
    """The list as browsers fetch it."""
    return list(json.loads((STATIC / f"words-{language}.json").read_text("utf-8")))


def vectors(name: str) -> dict[str, Any]:
    return dict(json.loads((TESTS / "vectors" / "code" / name).read_text("utf-8")))


every_list = pytest.mark.parametrize("language", SIZES)


@every_list
def test_a_list_has_its_size_and_no_word_twice(language: str) -> None:
    assert len(words(language)) == len(set(words(language))) == SIZES[language]


@every_list
def test_every_word_is_short_lower_case_and_written_in_one_way_only(language: str) -> None:
    for word in words(language):
        assert 2 <= len(word) <= LONGEST
        assert word == unicodedata.normalize("NFC", word.lower())
        assert word.replace("-", "").isalpha()


@every_list
def test_a_list_is_the_published_one_but_for_what_was_replaced(language: str) -> None:
    told = vectors("replaced.json")[language]
    back = {new: old for old, new in told["replaced"].items()}
    published = "\n".join(back.get(word, word) for word in words(language))
    assert hashlib.sha256(published.encode()).hexdigest() == told["published_sha256"]


@every_list
def test_no_word_is_left_that_nobody_should_read_aloud(language: str) -> None:
    assert not set(words(language)) & set(vectors("replaced.json")[language]["replaced"])


@pytest.mark.parametrize("case", vectors("words.json")["cases"], ids=lambda case: f"{case['name']}, {case['language']}")
def test_a_code_has_the_words_of_the_vectors(case: dict[str, Any]) -> None:
    """Computed here a second time: webclient/src/group/words.ts is held to the same file."""
    listed = words(case["language"])
    rest, found = int(case["code"], 16), list[str]()
    while len(listed) ** len(found) < ENOUGH:
        rest, place = divmod(rest, len(listed))
        found.append(listed[place])
    assert found == case["words"]


def test_who_made_the_lists_is_named_beside_them() -> None:
    licences = (STATIC / "words-licences.txt").read_text("utf-8")
    for needed in ("Electronic Frontier Foundation", "CC BY 3.0", "BIP-39", "The MIT License", "replaced"):
        assert needed in licences
