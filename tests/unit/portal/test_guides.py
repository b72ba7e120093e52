"""The guides: short, plain in each language, and a card whose words say nothing of what the hour is for."""

from __future__ import annotations

import re

import pytest

from appliance.portal.guides import guides, lessons
from tests.unit.portal.test_plain_words import (
    HARDEST_ENGLISH,
    HARDEST_SPANISH,
    LONGEST_SENTENCE,
    Sentences,
    english_syllables,
    fernandez_huerta,
    flesch_kincaid,
    spanish_syllables,
)
from tests.unit.portal.test_templates import LANGUAGES, render

MOST_WORDS = 150  # of a lesson: a minute's reading
LESSONS, GUIDES = list(lessons(str)), list(guides(str))
every_language = pytest.mark.parametrize("language", LANGUAGES)


def text(guide: str, language: str) -> list[list[str]]:
    """Its sentences as lists of words, without what leads away from it."""
    page = render(f"guide, {guide}", language)
    return Sentences(re.sub(r'<p class="choices.*?</p>', "", page, flags=re.S)).all()


@pytest.mark.parametrize("guide", LESSONS)
@every_language
def test_a_lesson_takes_a_minute(guide: str, language: str) -> None:
    assert 60 < sum(map(len, text(guide, language))) < MOST_WORDS


@pytest.mark.parametrize("guide", GUIDES)
def test_somebody_of_twelve_can_read_it_in_english(guide: str) -> None:
    words = [word for sentence in text(guide, "en") for word in sentence]
    syllables = sum(map(english_syllables, words)) / len(words)
    assert flesch_kincaid(syllables, len(words) / len(text(guide, "en"))) <= HARDEST_ENGLISH


@pytest.mark.parametrize("guide", GUIDES)
def test_somebody_of_twelve_can_read_it_in_spanish(guide: str) -> None:
    words = [word for sentence in text(guide, "es") for word in sentence]
    syllables = sum(map(spanish_syllables, words)) / len(words)
    assert fernandez_huerta(syllables, len(words) / len(text(guide, "es"))) >= HARDEST_SPANISH


@pytest.mark.parametrize("guide", GUIDES)
@every_language
def test_no_sentence_is_too_long_for_one_breath(guide: str, language: str) -> None:
    assert not [one for one in text(guide, language) if len(one) > LONGEST_SENTENCE]


@every_language
def test_the_card_for_the_door_tells_nobody_what_the_hour_is_for(language: str) -> None:
    (card,) = re.findall(r'<section class="door-card".*?</section>', render("guide, door-card", language), re.S)
    assert not re.search(r"therap|terap|session|sesi|group|grupo|clinic|cl[ií]nic|health|salud", card, re.I)
    assert {"en": "Please do not disturb.", "es": "Por favor, no molestar."}[language] in card


@every_language
def test_each_question_that_many_people_ask_is_a_question_and_has_its_answer(language: str) -> None:
    page = render("guide, questions", language)
    parts = re.split(r"<h2>(.*?)</h2>", re.findall(r"<article.*?</article>", page, re.S)[0])
    questions, answers = parts[1::2], parts[2::2]
    assert 10 <= len(questions) <= 13
    assert all("?" in one for one in questions)
    assert all("<p>" in one for one in answers)


@every_language
def test_who_tests_the_line_is_warned_of_a_wi_fi_of_strangers(language: str) -> None:
    for page in ("devices", "guide, place"):
        warned = [
            one for one in Sentences(render(page, language)).all() if {"café", "cafetería"} & {w.lower() for w in one}
        ]
        assert warned, page
