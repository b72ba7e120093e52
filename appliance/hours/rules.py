"""What is kept of an hour besides who was there: incidents, and how the group felt, without who said it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from appliance.faults import Fault

# A word, never a sentence: what happened in words belongs into a sealed note.
IncidentKind = Literal["disruption", "recording", "bystander", "crisis", "conflict", "privacy", "technical", "other"]
INCIDENTS: tuple[IncidentKind, ...] = (
    "crisis",
    "conflict",
    "disruption",
    "bystander",
    "recording",
    "privacy",
    "technical",
    "other",
)

QUESTIONS = ("heard", "respected", "feeling")
BEST = 4  # of an answer: 4 yes very, 3 mostly, 2 a little, 1 no; of the feeling 1 is "I need somebody"
# Fewer answers would tell who gave them: in a group of four, who leads knows two faces of three. And they are shown
# once no more can come: who looked after three and again after four would know what the fourth one said.
LEAST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Pulse:
    """One person's answers, each 1 to BEST."""

    heard: int
    respected: int
    feeling: int


def incident(text: str) -> IncidentKind:
    """Fault("bad_request") for a word that is none of ours."""
    kind = next((one for one in INCIDENTS if one == text), None)
    if kind is None:
        raise Fault("bad_request", "incident")
    return kind


def pulse(typed: Mapping[str, str]) -> Pulse:
    """The answers of a form. Fault("bad_request") names the first question that has none."""
    values: list[int] = []
    for question in QUESTIONS:
        text = typed.get(question, "")
        if text not in ("1", "2", "3", "4"):
            raise Fault("bad_request", question)
        values.append(int(text))
    return Pulse(*values)


def counted(pulses: Iterable[Pulse]) -> Mapping[str, tuple[int, int, int, int]] | None:
    """How many gave each answer, from BEST down, by question; None while they are fewer than LEAST_SHOWN."""
    given = list(pulses)
    if len(given) < LEAST_SHOWN:
        return None
    found = {question: Counter(getattr(one, question) for one in given) for question in QUESTIONS}
    return {question: (tally[4], tally[3], tally[2], tally[1]) for question, tally in found.items()}
