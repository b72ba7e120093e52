"""Holes that a person has accepted: an envelope that HQ once had and lost, and that nobody can bring back.

The marker `holes/<box>/<sequence>.json` holds the hash that the missing envelope had, signed with HQ's receipt key. The
hash is known from the envelope after it, which names it, or from a receipt that ends with it. So the chain and the tree
go on over the hole, every later receipt still proves what it proved, and the missing bytes are known at once should
they turn up. What was in them cannot be proved any more. Of two missing side by side only the last one's hash is known,
unless a receipt ends with the other.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sync import receipt, suite
from sync.envelope import MAX_SEQUENCE
from sync.faults import SyncFault
from sync.hq.objects import Objects, numbered_path

VERSION = 1
MAX_REASON = 500  # characters
_SIGN = b"hearth accepted hole 1\0"

Keys = Sequence[bytes]  # HQ's receipt keys, public halves


@dataclass(frozen=True, slots=True)
class Hole:
    """`hash` of the missing envelope `sequence`; `at` RFC 3339, `reason` of who accepted it."""

    box: bytes
    sequence: int
    hash: bytes
    at: str
    reason: str


def path(box: bytes, sequence: int) -> str:
    """The marker's name."""
    return numbered_path("holes", box, sequence, ".json")


def encode(hole: Hole, key: suite.SigningKey) -> bytes:
    """The signed marker, JSON."""
    fields = _fields(hole)
    signature = base64.b64encode(key.sign(_SIGN, _message(fields))).decode("ascii")
    return json.dumps({**fields, "signature": signature}, indent=1).encode() + b"\n"


def decode(raw: bytes, keys: Keys) -> Hole:
    """What the marker says, if one of `keys` signed it: `malformed_facts`, `bad_signature`, `unsupported_version`."""
    try:
        fields = json.loads(raw)
        signature = base64.b64decode(fields.pop("signature"), validate=True)
        if fields["version"] != VERSION:
            raise SyncFault("unsupported_version")
        found = Hole(
            bytes.fromhex(fields["box"]),
            int(fields["sequence"]),
            bytes.fromhex(fields["hash"]),
            str(fields["at"]),
            str(fields["reason"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise SyncFault("malformed_facts") from None
    if _fields(found) != fields or len(found.hash) != suite.HASH_SIZE:
        raise SyncFault("malformed_facts")
    for key in keys:
        try:
            suite.verify(key, _SIGN, _message(fields), signature)
        except SyncFault:
            continue
        return found
    raise SyncFault("bad_signature")


async def accepted(objects: Objects, box: bytes, keys: Keys) -> dict[int, bytes]:
    """The accepted holes of a box: number to hash. A marker that nobody of us signed counts for nothing."""
    prefix = path(box, 0).rpartition("/")[0]
    found = {}
    async for entry in objects.entries(prefix):
        hole = await accepted_at(objects, box, entry.path, keys)
        if hole is not None:
            found[hole.sequence] = hole.hash
    return found


async def accepted_at(objects: Objects, box: bytes, name: str, keys: Keys) -> Hole | None:
    """The marker under a name, if it counts."""
    raw = await objects.get(name)
    try:
        hole = None if raw is None else decode(raw, keys)
    except SyncFault:
        return None
    return hole if hole is not None and hole.box == box and path(box, hole.sequence) == name else None


async def hash_of(objects: Objects, box: bytes, sequence: int, keys: Keys) -> bytes | None:
    """For intake: the hash of envelope `sequence` when a person has accepted that it is missing."""
    hole = await accepted_at(objects, box, path(box, sequence), keys)
    return None if hole is None else hole.hash


def from_receipt(raw: bytes, box: bytes, sequence: int, keys: Keys) -> bytes:
    """The hash of an envelope by a receipt that ends with it; `receipt_other_bytes` when it ends elsewhere."""
    found = receipt.parse(raw)
    receipt.verify(found, keys, box)
    if found.size != sequence:
        raise SyncFault("receipt_other_bytes")
    return found.last


def _fields(hole: Hole) -> dict[str, object]:
    if not 1 <= hole.sequence <= MAX_SEQUENCE or not hole.reason.strip() or len(hole.reason) > MAX_REASON:
        raise SyncFault("malformed_facts")
    fields = {"version": VERSION, "box": hole.box.hex(), "sequence": hole.sequence, "hash": hole.hash.hex()}
    return {**fields, "at": hole.at, "reason": hole.reason}


def _message(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
