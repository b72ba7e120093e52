"""What a note may be, what its seal also binds, how words are searched for and shown. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from appliance.faults import Fault

MAX_TEXT = 64 * 1024  # bytes of a note's text in UTF-8
MAX_TITLE = 120  # characters
MIN_REASON, MAX_REASON = 10, 2000  # characters of why the glass was broken
GLASS_SECONDS = 30 * 60  # how long notes stay open to one who broke the glass
MAX_QUERY, MAX_WORDS = 200, 8  # characters and parts of what one searches for
PAGE = 20  # notes on one page of a list or of results
_AROUND = 90  # characters that a snippet shows on each side


def joined(*parts: str | int) -> bytes:
    """Parts as one string that no other parts give: each as its length (4 bytes, big endian) and its UTF-8."""
    encoded = [str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


@dataclass(frozen=True, slots=True)
class Header:
    """What of a note's version is in clear, and bound by its seal beside care group and epoch."""

    note: str
    version: int
    author: str
    subject: str
    session: str
    at: str

    def bytes(self) -> bytes:
        return joined(self.note, self.version, self.author, self.subject, self.session, self.at)


def reason_header(glass: str, person: str, subject: str, at: str) -> bytes:
    """What the seal of a reason binds."""
    return joined(glass, person, subject, at)


@dataclass(frozen=True, slots=True)
class Words:
    """What is sealed. `title` may be empty."""

    title: str
    text: str


def words(title: str, text: str) -> Words:
    """A note's words as they are kept. Faults: note_empty, note_too_long."""
    line = " ".join(_printable(title).split())
    body = _printable(text.replace("\r\n", "\n").replace("\r", "\n")).rstrip()
    if not body.strip():
        raise Fault("note_empty")
    if len(line) > MAX_TITLE or len(body.encode("utf-8", "replace")) > MAX_TEXT:
        raise Fault("note_too_long")
    return Words(line, body)


def packed(found: Words) -> bytes:
    """A JSON list of title and text."""
    return msgspec.json.encode([found.title, found.text])


def unpacked(raw: bytes) -> Words:
    """Fault("note_damaged") for what `packed` has not made."""
    try:
        title, text = msgspec.json.decode(raw, type=tuple[str, str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Fault("note_damaged", "packing") from None
    return Words(title, text)


def reason(text: str) -> str:
    """Why, in words enough that a colleague can understand it. Fault("reason_short"), bad_request for a novel."""
    found = " ".join(_printable(text).split())
    if len(found) < MIN_REASON:
        raise Fault("reason_short")
    if len(found) > MAX_REASON:
        raise Fault("bad_request", "reason")
    return found


def _printable(text: str) -> str:
    """Without control characters (they hide text in some editors) and lone surrogates (they are no UTF-8)."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept)


# -- searching ---------------------------------------------------------------------------------------------------------

_PARTS = re.compile(r'"([^"]*)"|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: the words of a phrase, or one word whose beginning counts."""

    words: tuple[str, ...]
    phrase: bool


def terms(query: str) -> tuple[Term, ...]:
    """What is searched for: all of these. Words match beginnings; "words in quotes" match as they stand.

    Empty for a query without a letter or digit. Fault("bad_request") for too much at once.
    """
    if len(query) > MAX_QUERY:
        raise Fault("bad_request", "query")
    found = []
    for quoted, bare in _PARTS.findall(query):
        parts = tuple(_folded_words(quoted or bare))
        if parts:
            found.append(Term(parts, phrase=bool(quoted)))
    if len(found) > MAX_WORDS:
        raise Fault("bad_request", "query")
    return tuple(found)


def match(parts: Sequence[Term]) -> str:
    """The terms in FTS5's query syntax. Only letters and digits get here, so nothing of it can be syntax."""
    return " AND ".join(_one(part) for part in parts)


def _one(part: Term) -> str:
    text = f'"{" ".join(part.words)}"'
    # The beginnings of one letter would be half of all words: such a word counts whole.
    return text if part.phrase or len(part.words[-1]) < 2 else text + " *"


def folded(text: str) -> str:
    """Without accents and case, as the index sees it; each character stays one, so that places agree."""
    return "".join(_fold(c) for c in text)


def _fold(char: str) -> str:
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char


def _folded_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded(unicodedata.normalize("NFC", text)))


def snippet(text: str, parts: Sequence[Term]) -> list[tuple[str, bool]]:
    """The place in `text` where the terms are first found, as pieces; True for what was searched for."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    plain = folded(text)
    found = sorted(span for part in parts for span in _spans(plain, part))
    start = max(0, found[0][0] - _AROUND) if found else 0
    end = min(len(text), (found[0][1] if found else 0) + _AROUND)
    pieces, at = [("…" if start else "", False)], start
    for left, right in found:
        if left >= at and right <= end:
            pieces += [(text[at:left], False), (text[left:right], True)]
            at = right
    pieces += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    return [piece for piece in pieces if piece[0]]


def _spans(plain: str, part: Term) -> list[tuple[int, int]]:
    """Where a term stands; bounded, since a snippet needs only the first few."""
    pattern = r"\b" + r"[\W_]+".join(re.escape(word) for word in part.words)
    ending = r"\b" if part.phrase or len(part.words[-1]) < 2 else r"\w*"
    return [found.span() for found, _ in zip(re.finditer(pattern + ending, plain), range(16), strict=False)]
