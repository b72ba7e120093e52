"""The words of cards where a care group has none of its own: short, plain, never blaming. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.room.rules import CardKind


@dataclass(frozen=True, slots=True)
class Text:
    """What a card says."""

    title: str
    paragraphs: Sequence[str]


def default(kind: CardKind, language: str) -> Text:
    """In that language, or in English."""
    return _WORDS.get(language, _WORDS["en"])[kind]


_WORDS: Mapping[str, Mapping[CardKind, Text]] = {
    "en": {
        "rules": Text(
            "Our ground rules",
            (
                "What is said here stays here. Please do not tell others who was here or what was said.",
                "Nobody records, takes pictures of the screen, or saves anything.",
                "Be in a place where nobody else can see or hear. Tell us at once if that changes.",
                "Let each other finish. You may pass at any time.",
            ),
        ),
        "guidelines": Text(
            "How we treat each other",
            (
                "Speak about yourself, and listen without judging.",
                "One person speaks at a time. Raise your hand if you would like to be next.",
                "Having the camera off is all right.",
            ),
        ),
        "reminder": Text(
            "A short reminder",
            (
                "What is said here stays here, and nobody records.",
                "Is your place still private? If not, press “Someone can hear me”.",
            ),
        ),
        "redirect": Text(
            "Let us come back to what we agreed",
            (
                "We take a breath, let each other finish, and speak about ourselves.",
                "If something troubles you, you can write to who leads the group. Nobody else sees it.",
            ),
        ),
    },
    "es": {
        "rules": Text(
            "Nuestras reglas",
            (
                "Lo que se dice aquí se queda aquí. Por favor, no cuente a otros quién estuvo ni qué se dijo.",
                "Nadie graba, toma fotos de la pantalla ni guarda nada.",
                "Esté en un lugar donde nadie más pueda ver ni oír. Si eso cambia, díganoslo enseguida.",
                "Dejemos terminar a cada persona. Usted puede pasar en cualquier momento.",
            ),
        ),
        "guidelines": Text(
            "Cómo nos tratamos",
            (
                "Hable de usted y escuche sin juzgar.",
                "Habla una persona a la vez. Levante la mano si quiere ser la siguiente.",
                "Está bien tener la cámara apagada.",
            ),
        ),
        "reminder": Text(
            "Un breve recordatorio",
            (
                "Lo que se dice aquí se queda aquí, y nadie graba.",
                "¿Su lugar sigue siendo privado? Si no, pulse «Alguien puede oírme».",
            ),
        ),
        "redirect": Text(
            "Volvamos a lo que acordamos",
            (
                "Respiramos, dejamos terminar a cada persona y hablamos de lo nuestro.",
                "Si algo le preocupa, puede escribir a quien dirige el grupo. Nadie más lo ve.",
            ),
        ),
    },
}
