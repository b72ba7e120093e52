"""A full-text index in memory, of texts that must not be indexed at rest. Nothing of it ever touches the disk.

Contentless FTS5: it knows which words stand where, not the texts. One thread at a time; the caller sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.store.connection import connect_memory

_ONE_FILE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"


class WordIndex:
    """Texts by a number. unicode61 without diacritics: "anos" finds "años"."""

    def __init__(self) -> None:
        self._connection = connect_memory()
        self._connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1,"
            " tokenize='unicode61 remove_diacritics 2', prefix='2 3 4')"
        )

    def put(self, texts: Iterable[tuple[int, str]]) -> None:
        """Index those texts, each in place of what had its number. Quickest in rising order of numbers."""
        self._connection.execute("BEGIN")
        try:
            self._connection.executemany("INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)", texts)
        finally:
            self._connection.execute("COMMIT")

    def find(self, match: str, before: int, limit: int) -> list[int]:
        """Numbers below `before` whose texts match (FTS5 query syntax), highest first."""
        rows = self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
            (match, before, limit),
        )
        return [row[0] for row in rows]

    def bytes_used(self) -> int:
        """How much memory its pages take."""
        return int(self._connection.execute(_ONE_FILE).fetchone()[0])

    def close(self) -> None:
        """Gone: SQLCipher wipes the memory as it frees it."""
        self._connection.close()
