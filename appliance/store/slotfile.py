"""slots.json: the store's key, wrapped once for each way of opening the box. Bytes in, slots out; no files, no keys.

    {"version": 1, "slots": [{"id", "kind", "kdf": {...}, "nonce", "wrapped"}], "checksum"}

Binary values are base64. `checksum` is SHA-256 (hex) of the JSON of the rest as `_body` writes it: it guards nothing
secret, it tells a flipped bit from a wrong passphrase. What is sealed and bound is decided in `keyslots.py`.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from appliance.faults import Fault

VERSION = 1

# What a doctored file may ask of this machine before its slot turns out to be worthless.
MAX_BYTES = 64 * 1024
MAX_SLOTS = 16
MAX_MEMORY_KIB = 1024 * 1024
MAX_ITERATIONS = 32
MAX_LANES = 16


class Kdf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Argon2id (RFC 9106): memory in KiB, passes, lanes; salt of 16 bytes."""

    name: Literal["argon2id"]
    memory: int
    iterations: int
    lanes: int
    salt: bytes


class Slot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to the key. `wrapped` is ChaCha20-Poly1305 (RFC 8439) under the derived key, `header` is its AAD."""

    id: str
    kind: Literal["passphrase"]
    kdf: Kdf
    nonce: bytes
    wrapped: bytes

    def header(self) -> bytes:
        """All that is said of the slot beside the seal: one value a line, so that no two slots read alike."""
        kdf = self.kdf
        parts = (VERSION, self.id, self.kind, kdf.name, kdf.memory, kdf.iterations, kdf.lanes, kdf.salt.hex())
        return "\n".join(("hearth key slot", *map(str, parts))).encode()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[1]
    slots: tuple[Slot, ...]
    checksum: str = ""


def serialise(slots: tuple[Slot, ...]) -> bytes:
    """The bytes of slots.json."""
    checksum = hashlib.sha256(_body(slots)).hexdigest()
    return msgspec.json.format(msgspec.json.encode(_File(version=1, slots=slots, checksum=checksum))) + b"\n"


def parse(content: bytes) -> tuple[Slot, ...]:
    """The slots, or Fault("slots_missing") for anything that is not a whole file of ours within its limits."""
    if len(content) > MAX_BYTES:
        raise Fault("slots_missing", "too long")
    try:
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Fault("slots_missing", "unreadable") from None
    if hashlib.sha256(_body(file.slots)).hexdigest() != file.checksum:
        raise Fault("slots_missing", "checksum")
    if not 0 < len(file.slots) <= MAX_SLOTS or not all(_within_limits(slot) for slot in file.slots):
        raise Fault("slots_missing", "limits")
    return file.slots


def _body(slots: tuple[Slot, ...]) -> bytes:
    return msgspec.json.encode(_File(version=1, slots=slots))


def _within_limits(slot: Slot) -> bool:
    kdf = slot.kdf
    return (
        8 * kdf.lanes <= kdf.memory <= MAX_MEMORY_KIB  # RFC 9106 section 3.1: at least 8 KiB a lane
        and 1 <= kdf.iterations <= MAX_ITERATIONS
        and 1 <= kdf.lanes <= MAX_LANES
        and len(kdf.salt) == 16
        and len(slot.nonce) == 12
        and len(slot.wrapped) == 48
    )
