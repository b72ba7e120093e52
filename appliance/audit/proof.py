"""An entry with the proof that it is in the log, as one JSON file that anybody can check without the box. Pure.

{"format": "hearth audit proof 1", "entry": {...}, "previous": base64, "path": [base64 ...], "checkpoint": text}
README.md says how to check it by hand; whoever does needs the box's verify key from elsewhere (box-public.json).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from appliance.audit import note, tree
from appliance.audit.checking import Stored
from appliance.audit.rules import Entry, leaf_bytes, unused_by_form

FORMAT = "hearth audit proof 1"
MAX_FILE = 16 * 1024  # bytes; a proof of a log of a million entries has under 3 KiB, 640 bytes of it hashes


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The file's fields. `entry` are those of rules.Entry by name."""

    format: str
    entry: Entry
    previous: str
    path: Sequence[str]
    checkpoint: str


def write(row: Stored, path: Sequence[bytes], checkpoint: str) -> dict[str, Any]:
    """The fields, ready for JSON."""
    return {
        "format": FORMAT,
        "entry": asdict(row.entry),
        "previous": _base64(row.previous),
        "path": [_base64(part) for part in path],
        "checkpoint": checkpoint,
    }


def check(raw: bytes, public: bytes) -> tuple[Entry, note.Signed]:
    """The entry, and the checkpoint that it is under. ValueError, in words, for anything that proves nothing."""
    try:
        found = msgspec.json.decode(raw if len(raw) <= MAX_FILE else b"", type=Proof)
        previous, path = _bytes(found.previous), [_bytes(part) for part in found.path]
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise ValueError("this is no proof of an audit entry") from None
    if found.format != FORMAT or len(previous) != 32 or not unused_by_form(found.entry):
        raise ValueError("this is no proof of a form that is known here")
    signed = note.read(found.checkpoint, public)
    leaf = tree.leaf_hash(leaf_bytes(previous, found.entry))
    if not tree.included(leaf, found.entry.sequence - 1, signed.size, path, signed.root):
        raise ValueError("the entry is not in the log that was signed")
    return found.entry, signed


def exported(fields: Mapping[str, Any]) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(fields) + b"\n"


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
