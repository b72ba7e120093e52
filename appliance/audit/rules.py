"""The audit's entries as bytes: what is hashed, form by form. Pure.

Each entry's bytes begin with the hash of the entry before it, so that one who changes an entry must make every later
one anew; and they are the leaves of a Merkle tree (tree.py), so that one entry can be proved without the others.
README.md of this package is the same in prose, for somebody who writes a reader.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

GENESIS = bytes(32)
FORM = 2  # of the entries that are written now
MAGIC = b"HAE2"  # of form 2; form 1 has none and begins with a zero byte


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit: ids and words of the policy only, never content or names.

    `actor` did it (a person, or a member's place where no person is known); `subject` is a member of a session,
    `person` whose record was touched, `thing` an opaque id, `address` where from. `outcome` is "done" or a fault's
    code, and `times` how often the same was refused: equal refusals in a row share an entry.
    """

    sequence: int
    at: str
    actor: str
    role: str
    surface: str
    action: str
    session: str
    subject: str
    outcome: str
    address: str = ""
    person: str = ""
    thing: str = ""
    times: int = 1
    form: int = FORM


def canonical(entry: Entry) -> bytes:
    """The entry as bytes: each field as its length (4 bytes, big endian) and UTF-8, in the order of its form."""
    fields: tuple[object, ...] = (entry.sequence, entry.at, entry.actor, entry.role, entry.surface)
    if entry.form == 1:
        return _framed((*fields, entry.action, entry.session, entry.subject, entry.outcome))
    fields = (*fields, entry.address, entry.action, entry.session, entry.subject, entry.person, entry.thing)
    return MAGIC + _framed((*fields, entry.outcome, entry.times))


def _framed(fields: tuple[object, ...]) -> bytes:
    encoded = (str(field).encode("utf-8", "surrogatepass") for field in fields)
    return b"".join(len(field).to_bytes(4, "big") + field for field in encoded)


def leaf_bytes(previous: bytes, entry: Entry) -> bytes:
    """What is hashed: the hash of the entry before, then the entry."""
    return previous + canonical(entry)


def entry_hash(previous: bytes, entry: Entry) -> bytes:
    """The hash that stands beside the entry and that the next one begins with.

    Form 1: SHA-256 of the leaf's bytes. Form 2: the leaf hash of RFC 9162 section 2.1.1, which has a zero byte before
    them, so that the column is the tree's leaf at once.
    """
    prefix = b"" if entry.form == 1 else b"\x00"
    return hashlib.sha256(prefix + leaf_bytes(previous, entry)).digest()


def unused_by_form(entry: Entry) -> bool:
    """Whether the fields that the entry's form does not hash are empty, and the form is one that we know.

    Else somebody could write a person into an old entry, and no hash would show it.
    """
    if entry.form == 1:
        return (entry.address, entry.person, entry.thing, entry.times) == ("", "", "", 1)
    return entry.form == FORM
