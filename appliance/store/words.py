"""A full-text index in memory, of texts that must not be indexed at rest. Nothing of it ever touches the disk.

Contentless FTS5: it knows which words stand where, not the texts. One thread at a time; the caller sees to it.

FTS5 answers the beginning of a word by merging all that begin so into one list that grows and grows, and here each
growth is wiped and locked memory: a second for words that are in every other text. So beginnings are looked up in a
vocabulary of our own, and FTS5 is asked for the whole words, which it can follow from the newest text on.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable

from appliance.store.connection import connect_memory

_ONE_FILE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
_BEGINNING = re.compile(r'"([^" ]{4,})" \*')  # shorter ones have an index of their own, and too many words
MOST_WORDS = 200  # that begin alike, in one question; more are left to FTS5


class WordIndex:
    """Texts by a number. unicode61 without diacritics: "anos" finds "años"."""

    def __init__(self) -> None:
        self._connection = connect_memory()
        self._connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1,"
            " tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
        )
        self._known: set[str] = set()
        self._sorted: list[str] = []

    def put(self, texts: Iterable[tuple[int, str]]) -> None:
        """Index those texts, each in place of what had its number. Quickest in rising order of numbers."""
        texts = list(texts)
        self._connection.execute("BEGIN")
        try:
            self._connection.executemany("INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)", texts)
        finally:
            self._connection.execute("COMMIT")
        for _, text in texts:
            self._known.update(_long_words(text))

    def find(self, match: str, before: int, limit: int) -> list[int]:
        """Numbers below `before` whose texts match (FTS5 query syntax), highest first."""
        rows = self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
            (_BEGINNING.sub(lambda found: self._whole(found[1]) or found[0], match), before, limit),
        )
        return [row[0] for row in rows]

    def bytes_used(self) -> int:
        """How much memory its pages take, without the vocabulary: some megabytes for a language."""
        return int(self._connection.execute(_ONE_FILE).fetchone()[0])

    def close(self) -> None:
        """Gone: SQLCipher wipes the memory as it frees it."""
        self._connection.close()
        self._known.clear()
        self._sorted.clear()

    def _whole(self, beginning: str) -> str:
        """The words that begin so, any of them, in FTS5's syntax; "" for none, or for more than one can ask for."""
        if len(self._sorted) != len(self._known):
            self._sorted = sorted(self._known)
        start = bisect_left(self._sorted, beginning)
        end = bisect_left(self._sorted, beginning + chr(0x10FFFF), lo=start)
        words = self._sorted[start:end]
        if not 0 < len(words) <= MOST_WORDS:
            return ""
        return "(" + " OR ".join(f'"{word}"' for word in words) + ")"


def _long_words(text: str) -> set[str]:
    """The words of four letters and more, as unicode61 keeps them: lower case, without accents."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return set(re.findall(r"[^\W_]{4,}", plain))
