"""slots.json of version 1, read once more and then replaced: one passphrase that wraps the key under its own AEAD.

    {"version": 1, "slots": [{"id", "kind", "kdf": {...}, "nonce", "wrapped"}], "checksum"}

No program ever wrote more than one slot into it, so exactly one is read. Goes when no box of version 0.4 is left.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from appliance.faults import Fault


class Kdf1(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Argon2id (RFC 9106): memory in KiB, passes, lanes; salt of 16 bytes."""

    name: Literal["argon2id"]
    memory: int
    iterations: int
    lanes: int
    salt: bytes


class Slot1(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`wrapped` is ChaCha20-Poly1305 (RFC 8439) under the derived key, `header` is its AAD."""

    id: str
    kind: Literal["passphrase"]
    kdf: Kdf1
    nonce: bytes
    wrapped: bytes

    def header(self) -> bytes:
        kdf = self.kdf
        parts = (1, self.id, self.kind, kdf.name, kdf.memory, kdf.iterations, kdf.lanes, kdf.salt.hex())
        return "\n".join(("hearth key slot", *map(str, parts))).encode()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[1]
    slots: tuple[Slot1, ...]
    checksum: str = ""


def serialise(slot: Slot1) -> bytes:
    """The bytes of a slots.json of version 1: for tests, which keep one box of that age."""
    file = _File(version=1, slots=(slot,))
    whole = msgspec.structs.replace(file, checksum=hashlib.sha256(msgspec.json.encode(file)).hexdigest())
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def parse(content: bytes) -> Slot1:
    """The slot, or Fault("slots_missing"); its cost is checked by the caller's limits too. msgspec's errors pass."""
    file = msgspec.json.decode(content, type=_File)
    body = msgspec.json.encode(msgspec.structs.replace(file, checksum=""))
    if hashlib.sha256(body).hexdigest() != file.checksum:
        raise Fault("slots_missing", "checksum")
    if len(file.slots) != 1 or not _within_limits(file.slots[0]):
        raise Fault("slots_missing", "limits")
    return file.slots[0]


def _within_limits(slot: Slot1) -> bool:
    kdf = slot.kdf
    cost = 8 * kdf.lanes <= kdf.memory <= 1024 * 1024 and 1 <= kdf.iterations <= 32 and 1 <= kdf.lanes <= 16
    return cost and (len(kdf.salt), len(slot.nonce), len(slot.wrapped)) == (16, 12, 48)
