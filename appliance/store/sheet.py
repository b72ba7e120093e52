"""The recovery sheet: 128 random bits as twelve words of BIP-39, in English or Spanish. Pure, given the random bytes.

Typed back, only the words count: capitals, accents, commas and line breaks do not, and the first four letters of a word
are enough (in both lists no two words share them). The words carry four bits of checksum.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal

from mnemonic import Mnemonic

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
ENTROPY_SIZE = 16  # bytes
WORDS = 12
MAX_TYPED = 1024  # characters
_ENOUGH = 4  # letters of a word
_LISTS: dict[Language, str] = {"en": "english", "es": "spanish"}


def words(entropy: bytes, language: Language) -> tuple[str, ...]:
    """The twelve words of 16 bytes, with their accents."""
    if len(entropy) != ENTROPY_SIZE:
        raise ValueError("a sheet has 16 bytes")
    text = unicodedata.normalize("NFC", _list(language).to_mnemonic(entropy))
    return tuple(text.split())


def code(chosen: tuple[str, ...]) -> str:
    """What the sheet's QR code holds: the words in capitals, which makes a smaller code, and without accents, since
    scanners type as an American keyboard does."""
    return " ".join(_bare(word) for word in chosen).upper()


def entropy(typed: str) -> bytes | None:
    """The 16 bytes of twelve words in either language, or None if they are no sheet's words."""
    if len(typed) > MAX_TYPED:
        return None
    given = [word for word in re.split(r"[\s,.;:\d-]+", _bare(typed)) if word]
    if len(given) != WORDS:
        return None
    for language in LANGUAGES:
        places = [_places(language).get(word) for word in given]
        found = _checked(language, [place for place in places if place is not None])
        if found is not None:
            return found
    return None


def _checked(language: Language, places: list[int]) -> bytes | None:
    known = _list(language)
    text = known.delimiter.join(known.wordlist[place] for place in places)
    return bytes(known.to_entropy(text)) if len(places) == WORDS and known.check(text) else None


@functools.cache
def _list(language: Language) -> Mnemonic:
    return Mnemonic(_LISTS[language])


@functools.cache
def _places(language: Language) -> dict[str, int]:
    """Each word and its first four letters, without accents, to its place in the list."""
    bare = [_bare(word) for word in _list(language).wordlist]
    return {word[:_ENOUGH]: place for place, word in enumerate(bare)} | {word: place for place, word in enumerate(bare)}


def _bare(text: str) -> str:
    """Lower case, without accents: `ñ` becomes `n`, as a foreign keyboard would type it."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))
