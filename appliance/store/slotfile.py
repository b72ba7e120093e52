"""slots.json: the store's key, sealed once for each way of opening the box. Bytes in, slots out; no files, no keys.

SLOTS.md is the format for other implementers. `checksum` guards nothing secret, it tells a flipped bit from a wrong
passphrase. What is sealed how stands in `slots.py`, the two copies on disk in `slotpair.py`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

import msgspec

from appliance.faults import Fault
from appliance.store import slotfile1

VERSION = 2
Kind = Literal["passphrase", "sheet", "hq", "machine"]

# What a doctored file may ask of this machine before its slot turns out to be worthless.
MAX_BYTES = 256 * 1024
MAX_SLOTS = 16  # a slot sealed for two keys takes about 5 KiB
MAX_MEMORY_KIB = 1024 * 1024
MAX_ITERATIONS = 32
MAX_LANES = 16
MAX_LABEL = 40  # characters
MAX_NUMBER = 2**31  # of writes and of keys: a box that is rekeyed each second gets there in 68 years

PUBLIC_SIZE = 1216  # bytes: X-Wing's public key
SEALED_SIZE = 32 + 1136  # bytes: a store key and what sealing adds

_ID = re.compile(r"[0-9a-f]{16}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Argon2(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="argon2id", tag_field="name"):
    """Argon2id (RFC 9106): memory in KiB, passes, lanes; salt of 16 bytes."""

    memory: int
    iterations: int
    lanes: int
    salt: bytes

    def line(self) -> str:
        return f"argon2id {self.memory} {self.iterations} {self.lanes} {self.salt.hex()}"


class Hkdf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="hkdf-sha256", tag_field="name"):
    """HKDF-SHA256 (RFC 5869): enough for 128 random bits; salt of 16 bytes."""

    salt: bytes

    def line(self) -> str:
        return f"hkdf-sha256 {self.salt.hex()}"


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The store key number `key`, sealed to the slot's public key."""

    key: int
    sealed: bytes


class Slot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to the key. `tried_at`: when its secret was seen to work, "" for never. It is not part of the header."""

    id: str
    kind: Kind
    label: str
    made_at: str
    tried_at: str
    kdf: Argon2 | Hkdf | None
    public: bytes
    seals: tuple[Seal, ...]

    def header(self) -> bytes:
        """All that the slot says of itself: one value a line, none of which can hold a line's end."""
        kdf = self.kdf.line() if self.kdf else "none"
        parts = (self.id, self.kind, self.label, self.made_at, kdf, self.public.hex())
        return "\n".join((f"hearth key slot {VERSION}", *parts)).encode()


class Slots(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `generation` rises with each write: of two copies the higher one counts."""

    version: Literal[2] = 2
    generation: int
    slots: tuple[Slot, ...]
    checksum: str = ""

    def slot(self, identifier: str) -> Slot:
        """The slot of that id, or Fault("not_found")."""
        for slot in self.slots:
            if slot.id == identifier:
                return slot
        raise Fault("not_found", "no such slot")

    def keys(self) -> tuple[int, ...]:
        """The numbers of the keys that are sealed here, rising: two of them while a rekey is under way."""
        return tuple(sorted({seal.key for slot in self.slots for seal in slot.seals}))


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What HQ is handed to open its slot: the slot, and a public key that the answer is sealed to."""

    version: Literal[1] = 1
    what: Literal["hearth slot request"] = "hearth slot request"
    slot: Slot
    public: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What HQ hands back. `request`: SHA-256 (hex) of the request's bytes."""

    version: Literal[1]
    what: Literal["hearth slot answer"]
    request: str
    slot: str
    seals: tuple[Seal, ...]


def parse_answer(content: bytes) -> Answer:
    """Fault("wrong_answer") for anything that is none."""
    try:
        answer = msgspec.json.decode(content[: MAX_BYTES + 1], type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Fault("wrong_answer", "unreadable") from None
    if len(content) > MAX_BYTES or not 1 <= len(answer.seals) <= 2:
        raise Fault("wrong_answer", "limits")
    return answer


def serialise(slots: Slots) -> bytes:
    """The bytes of slots.json."""
    whole = msgspec.structs.replace(slots, checksum=_checksum(slots))
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def parse(content: bytes) -> Slots | slotfile1.Slot1:
    """The file, or the one slot of a version 1; Fault("slots_missing") for anything else."""
    if len(content) > MAX_BYTES:
        raise Fault("slots_missing", "too long")
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version == 1:
            return slotfile1.parse(content)
        file = msgspec.json.decode(content, type=Slots)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Fault("slots_missing", "unreadable") from None
    if _checksum(file) != file.checksum:
        raise Fault("slots_missing", "checksum")
    if not within_limits(file):
        raise Fault("slots_missing", "limits")
    return file


class _Version(msgspec.Struct):
    version: int


def within_limits(file: Slots) -> bool:
    """Whether this may be written, and is believed when it is read."""
    identifiers = [slot.id for slot in file.slots]
    return (
        1 <= file.generation <= MAX_NUMBER
        and 1 <= len(identifiers) <= MAX_SLOTS
        and len(set(identifiers)) == len(identifiers)
        and all(_slot_within_limits(slot) for slot in file.slots)
    )


def fit_label(label: str) -> bool:
    """Whether it fits into one line and shows nothing but what it says."""
    return len(label) <= MAX_LABEL and label.isprintable()


def _checksum(file: Slots) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(file, checksum=""))).hexdigest()


def _slot_within_limits(slot: Slot) -> bool:
    numbers = [seal.key for seal in slot.seals]
    return (
        _ID.fullmatch(slot.id) is not None
        and fit_label(slot.label)
        and _MOMENT.fullmatch(slot.made_at) is not None
        and (not slot.tried_at or _MOMENT.fullmatch(slot.tried_at) is not None)
        and _kdf_within_limits(slot)
        and len(slot.public) == PUBLIC_SIZE
        and 1 <= len(set(numbers)) == len(numbers) <= 2
        and all(1 <= number <= MAX_NUMBER for number in numbers)
        and all(len(seal.sealed) == SEALED_SIZE for seal in slot.seals)
    )


def _kdf_within_limits(slot: Slot) -> bool:
    kdf = slot.kdf
    if isinstance(kdf, Argon2):
        return slot.kind == "passphrase" and len(kdf.salt) == 16 and fit_cost(kdf.memory, kdf.iterations, kdf.lanes)
    if isinstance(kdf, Hkdf):
        return slot.kind == "sheet" and len(kdf.salt) == 16
    return slot.kind in ("hq", "machine")


def fit_cost(memory: int, iterations: int, lanes: int) -> bool:
    """RFC 9106 section 3.1 (at least 8 KiB a lane), and what a box can spare."""
    return 1 <= lanes <= MAX_LANES and 8 * lanes <= memory <= MAX_MEMORY_KIB and 1 <= iterations <= MAX_ITERATIONS
