"""The page "How you are protected" can be read by somebody of twelve, and says plainly what we cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

import pytest

from appliance.consent.rules import sections
from appliance.consent.texts import first_agreement, parts
from appliance.guidelines.rules import KINDS
from appliance.guidelines.texts import default
from tests.unit.portal.test_templates import LANGUAGES, render

HARDEST_ENGLISH = 7.0  # Flesch-Kincaid grade: school years
HARDEST_SPANISH = 70.0  # Fernández-Huerta: 70 and more is "fairly easy", that of the sixth school year
LONGEST_SENTENCE = 20  # words


class Sentences(HTMLParser):
    """The text of the page, one block after the other. No headings: they would make it look easier than it is."""

    BLOCKS = ("p", "li")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self._open = False
        self.feed(re.findall(r"<main.*?</main>", text, re.S)[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS:
            self.blocks.append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks[-1] += data

    def all(self) -> list[list[str]]:
        """Sentences as lists of words."""
        parts = [one for block in self.blocks for one in re.split(r"[.?!]+(?:\s|$)", block)]
        found = [re.findall(r"[^\W\d_]+", part.lower()) for part in parts]
        return [words for words in found if words]


def english_syllables(word: str) -> int:
    """Groups of vowels; an e at the end is mute but after l and another consonant."""
    mute = bool(re.search(r"[^aeiouyl]e$|[aeiou]le$|[^aeiouytd]ed$|[^aeiouysxz]es$", word)) and len(word) > 2
    return max(1, len(re.findall(r"[aeiouy]+", word)) - mute)


def spanish_syllables(word: str) -> int:
    """Vowels, of which a weak one beside another makes no syllable of its own."""
    plain = re.sub(r"(?<=[qg])u(?=[eiéí])", "", word)
    return max(1, len(re.findall(r"[iuü]?[aeoáéóíú][iuüy]?(?![aeoáéó])|[iuüy]+|[aeoáéóíú]", plain)))


def measures(language: str, page: str = "") -> tuple[float, float]:
    """Syllables a word, and words a sentence."""
    sentences = Sentences(page or render("protected", language)).all()
    count = english_syllables if language == "en" else spanish_syllables
    words = [word for sentence in sentences for word in sentence]
    return sum(map(count, words)) / len(words), len(words) / len(sentences)


def flesch_kincaid(syllables: float, words: float) -> float:
    return 0.39 * words + 11.8 * syllables - 15.59


def fernandez_huerta(syllables: float, words: float) -> float:
    return 206.84 - 60 * syllables - 1.02 * words


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("box", 1),
        ("picture", 2),
        ("table", 2),
        ("device", 2),
        ("recorded", 3),
        ("locked", 1),
        ("keys", 1),
        ("people", 2),
    ],
)
def test_english_syllables_are_counted_as_they_are_said(word: str, count: int) -> None:
    assert english_syllables(word) == count


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("llave", 2),
        ("imagen", 3),
        ("quien", 1),
        ("oír", 2),
        ("guardamos", 3),
        ("aparato", 4),
        ("también", 2),
        ("caer", 2),
    ],
)
def test_spanish_syllables_are_counted_as_they_are_said(word: str, count: int) -> None:
    assert spanish_syllables(word) == count


def as_page(blocks: Iterable[str]) -> str:
    return f"<main>{''.join(f'<p>{block}</p>' for block in blocks)}</main>"


def spoken(language: str) -> dict[str, str]:
    """What else is read before and in the hour: all that is signed, the orientation, each card of a group."""
    (agreement,) = [one for one in first_agreement() if one.language == language]
    texts: dict[str, str] = {one.name: one.body for one in parts(language)}
    texts["agreement"] = agreement.body
    laid = {name: [p for section in sections(body) for p in section.paragraphs] for name, body in texts.items()}
    laid["cards"] = [paragraph for kind in KINDS for paragraph in default(kind, language)[1]]
    pages = {name: as_page(blocks) for name, blocks in laid.items()}
    return {**pages, "orientation": render("orientation", language)}


WAY_IN = ("agreement", "limits", "risks", "orientation", "cards")


@pytest.mark.parametrize("text", WAY_IN)
def test_somebody_of_twelve_can_read_what_is_signed_and_shown_on_the_way_in(text: str) -> None:
    assert flesch_kincaid(*measures("en", spoken("en")[text])) <= HARDEST_ENGLISH
    assert fernandez_huerta(*measures("es", spoken("es")[text])) >= HARDEST_SPANISH


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", WAY_IN)
def test_no_sentence_on_the_way_in_is_too_long_for_one_breath(text: str, language: str) -> None:
    assert not [one for one in Sentences(spoken(language)[text]).all() if len(one) > LONGEST_SENTENCE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_group_may_rely_on_stands_in_the_agreement(language: str) -> None:
    """Nothing leaves (C24), what follows if it does (C25), nothing outside (C33), all look after it (C81)."""
    (agreement,) = [one for one in first_agreement() if one.language == language]
    found = sections(agreement.body)
    assert len(found) == 7 and all(section.paragraphs for section in found)
    said = {
        "en": ("stays in the group", "do not record", "take back my invitation", "anywhere else", "Nobody can keep"),
        "es": ("se queda en el grupo", "No grabo", "retirar mi invitación", "ningún otro sitio", "Nadie puede"),
    }[language]
    assert not [words for words in said if words not in agreement.body]


def test_somebody_of_twelve_can_read_it_in_english() -> None:
    assert flesch_kincaid(*measures("en")) <= HARDEST_ENGLISH


def test_somebody_of_twelve_can_read_it_in_spanish() -> None:
    assert fernandez_huerta(*measures("es")) >= HARDEST_SPANISH


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_too_long_for_one_breath(language: str) -> None:
    assert not [one for one in Sentences(render("protected", language)).all() if len(one) > LONGEST_SENTENCE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_heading_is_a_question(language: str) -> None:
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", render("protected", language))
    assert len(headings) >= 8
    assert all(one.endswith("?") for one in headings)


def test_what_we_cannot_do_is_said_as_plainly_as_what_we_do() -> None:
    text = " ".join(render("protected").split())
    for limit in ("films the screen", "takes over the box", "They can see that you talk", "sits near you"):
        assert limit in text


@pytest.mark.parametrize("page", ["room, waiting", "session"])
def test_the_way_there_from_a_room_takes_nothing_of_that_tab_along(page: str) -> None:
    """Older browsers copy sessionStorage, with the rejoin ticket, into a window that has an opener."""
    (link,) = set(re.findall(r'<a [^>]*href="/protected"[^>]*>', render(page)))
    assert 'target="_blank"' in link
    assert 'rel="noopener"' in link
