"""What is printed on an invitation and on a PIN slip, in each language. Pure.

A paper lies about in kitchens and cars. So no word here tells what the appointment is for: no care, no illness, no
group, no name of one who leads (C59). tests/contract/test_invitation.py has the list of words that must not appear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# fmt: off
WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Your invitation",
        "for": "For",
        "when": "When",
        "scan": "Scan this picture with the camera of your phone. Or type this address in a browser:",
        "code": "If you are asked for a code, type this:",
        "pin": "Then type your PIN. You get the PIN apart from this paper.",
        "help": "Do you need help? Call us:",
        "help_here": "Do you need help? Please ask us.",
        "alone": "Only for you, and only on the first device that you use.",
        "pin_title": "Your PIN",
        "pin_how": "You need this number and your invitation. Keep the two papers apart.",
        "pin_alone": "Only for you. Tell it to nobody.",
    },
    "es": {
        "title": "Su invitación",
        "for": "Para",
        "when": "Cuándo",
        "scan": "Escanee esta imagen con la cámara de su teléfono. O escriba esta dirección en un navegador:",
        "code": "Si le piden un código, escriba este:",
        "pin": "Luego escriba su PIN. El PIN se le da aparte de este papel.",
        "help": "¿Necesita ayuda? Llámenos:",
        "help_here": "¿Necesita ayuda? Pregúntenos.",
        "alone": "Solo para usted, y solo en el primer dispositivo que use.",
        "pin_title": "Su PIN",
        "pin_how": "Necesita este número y su invitación. Guarde los dos papeles por separado.",
        "pin_alone": "Solo para usted. No se lo diga a nadie.",
    },
}
# fmt: on


def language(text: str) -> Language:
    """A language that we print, English for any other."""
    return "es" if text == "es" else "en"
