"""What a clinician's own key remembers of the keys of care groups, so that nobody plants one for the next note.

HPKE says to whom something is sealed, and not by whom: who may write to the store can seal a group key of their own to
anybody. So each clinician's key pair carries a book, sealed under the key itself: which key every epoch had. A key that
is another one than in the book is not used, nor one of a later epoch that was not linked from one in the book. The
first keys of a group that its owner meets are taken on trust, and written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from appliance.faults import Fault
from appliance.notes.sealing import GroupKey, PrivateKey, joined, linked


class Page(msgspec.Struct, frozen=True, array_like=True):
    """A key that is known: its commitment, and what links from it are checked with."""

    commitment: bytes
    linking: bytes


Book = dict[str, dict[int, Page]]  # by care group and epoch


def sealed(book: Book, person: str, key: PrivateKey) -> bytes:
    return key.keep(msgspec.json.encode(book), _bound(person, key))


def opened(raw: bytes, person: str, key: PrivateKey) -> Book:
    """Fault("note_damaged") for a book that this key did not seal."""
    try:
        return msgspec.json.decode(key.kept(raw, _bound(person, key)), type=Book)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Fault("note_damaged", "book") from None


def sound(book: Book, keys: Iterable[GroupKey], links: Sequence[tuple[int, bytes]]) -> dict[int, GroupKey]:
    """Those of a care group's keys, in order of epochs, that the book does not speak against. `links`: by epoch."""
    marks = dict(links)
    found: dict[int, GroupKey] = {}
    for key in keys:
        pages = book.get(key.group, {})
        if fits(pages, found, key, marks.get(key.epoch, b"")):
            found[key.epoch] = key
    return found


def fits(pages: Mapping[int, Page], before: Mapping[int, GroupKey], key: GroupKey, link: bytes) -> bool:
    """Whether that key is the known one; or new and linked, where later epochs must be; or of before one came."""
    if key.epoch in pages:
        return pages[key.epoch].commitment == key.commitment()
    if not pages or key.epoch < max(pages):
        return True
    older = key.epoch - 1
    linking = pages[older].linking if older in pages else before[older].linking() if older in before else None
    return linking is not None and linked(linking, older, key, link)


def added(book: Book, keys: Iterable[GroupKey]) -> bool:
    """Write down those that are not in the book yet; whether there were any."""
    fresh = [key for key in keys if key.epoch not in book.get(key.group, {})]
    for key in fresh:
        book.setdefault(key.group, {})[key.epoch] = Page(key.commitment(), key.linking())
    return bool(fresh)


def _bound(person: str, key: PrivateKey) -> bytes:
    return joined("hearth book 1", person, key.public)
