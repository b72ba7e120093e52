"""Passwords that a guesser tries first: words that many people take, in English and Spanish, and what fingers do on a
keyboard. Pure.

The words are few because shorter passwords than rules.MIN_PASSWORD are refused anyway: of the thousand most common ones
only a handful is long enough, and those are runs, repetitions or one of these words with figures around it.
"""

from __future__ import annotations

_TEXT = """
    abril access admin administrador administrator agosto america amor april argentina arsenal asdfgh asdfghjkl
    august autumn azerty barcelona baseball basketball batman bienvenida bienvenido blink butterfly changeme
    chelsea chocolate clave clinic clinica clínica colombia computer contrasena contrasenya contraseña corazon
    corazón corvette cowboys december default diciembre doctor dragon enero espana españa estrella facebook
    febrero february ferrari football freedom friday futbol fútbol google guest hallo harley hearth hello hola
    hospital hunter iloveyou internet invierno january jennifer jordan julio july june junio lakers letmein
    liberty liverpool login lunes manchester march mariposa marzo master mayo mercedes mexico michael monday
    monkey mustang mydarling network november noviembre october octubre otoño paciente password passwort patient
    please pokemon primavera princesa princess private prueba qazwsx qwerty qwertyuiop rangers realmadrid redsox
    samsung secret secreto security seguridad september septiembre server shadow spiderman spring staff starwars
    steelers summer sunshine superman sweetheart system teamo teamomucho temporal tequiero terapia test testing
    therapy trustno usuckballz verano viernes welcome whatever winter yankees zxcvbn zxcvbnm
"""
_WORDS = sorted(_TEXT.split(), key=len, reverse=True)
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "1234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
    "147258369",
    "159753",
)
_LOOKS = str.maketrans("0134578@$!", "oieastbasi")  # p4ssw0rd is password
_RUN = 5  # characters of a row in order, or backwards, that count as one
_MEANT = 6  # characters that must be left when runs, words, figures and repetitions are taken out


def is_common(folded: str) -> bool:
    """Whether that password, in small letters, is little more than such words, runs and figures."""
    if len(set(folded)) < 5:
        return True
    return any(len(_left(version)) < _MEANT for version in (folded, folded.translate(_LOOKS)))


def _left(text: str) -> str:
    """What is left without words, runs, figures, and what comes twice."""
    for word in _WORDS:
        text = text.replace(word, "")
    for row in (*_ROWS, *(row[::-1] for row in _ROWS)):
        for length in range(len(row), _RUN - 1, -1):
            for start in range(len(row) - length + 1):
                text = text.replace(row[start : start + length], "")
    letters = "".join(char for char in text if char.isalpha())
    half = len(letters) // 2
    return letters[:half] if half and letters == letters[:half] * 2 else letters
