"""The audit's hash chain: each entry's hash covers the one before it, so a changed or removed entry shows. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit: ids and words of the policy only, never content or names. The order is hashed."""

    sequence: int
    at: str
    actor: str
    role: str
    surface: str
    action: str
    session: str
    subject: str
    outcome: str


def canonical(entry: Entry) -> bytes:
    """The bytes that are hashed: each field as its length (4 bytes, big endian) and UTF-8, in the order of Entry."""
    encoded = (str(field).encode() for field in astuple(entry))
    return b"".join(len(field).to_bytes(4, "big") + field for field in encoded)


def entry_hash(previous: bytes, entry: Entry) -> bytes:
    """SHA-256 over the hash before it and the canonical entry."""
    return hashlib.sha256(previous + canonical(entry)).digest()


def first_break(chain: Iterable[tuple[Entry, bytes, bytes]]) -> int | None:
    """The sequence number at which (entry, previous, hash) rows stop being one chain without gaps, or None."""
    expected_sequence, expected_previous = 1, GENESIS
    for entry, previous, digest in chain:
        chained = entry.sequence == expected_sequence and previous == expected_previous
        if not chained or digest != entry_hash(previous, entry):
            return expected_sequence
        expected_sequence, expected_previous = entry.sequence + 1, digest
    return None
