"""What the box knows of its headquarters beyond sending to it: the public key that a recovery slot is sealed to."""

from __future__ import annotations

import hashlib

from appliance.ids import ALPHABET
from appliance.outbox import pinned
from appliance.store.database import Transaction

KEY_LABEL = b"hearth hq key 1\n"


def key_code(public: bytes) -> str:
    """What the person compares with HQ, by telephone, before HQ's key gets a slot, which is a way into the store.
    SLOTS.md section 7; 16 letters."""
    return check_code(KEY_LABEL, public)


def check_code(label: bytes, content: bytes) -> str:
    """16 letters, four at a time: 78 bits of the SHA-256 of both."""
    number = int.from_bytes(hashlib.sha256(label + content).digest(), "big")
    letters = []
    for _ in range(16):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))


def record_key(tx: Transaction) -> bytes | None:
    """HQ's public record key (1,216 bytes) as the store has it pinned, None before enrolment."""
    facts = pinned.pinned(tx)
    return facts.record_key if facts else None
