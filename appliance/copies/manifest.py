"""manifest.json and manifest.sig of a copy: bytes to a value and back. Pure.

    manifest.json   {"format": 1, "box", "number", "at", "version", "schema", "entries", "root", "public",
                     "files": [{"name", "size", "sha256"}]}
    manifest.sig    64 bytes: Ed25519 by `public` over LABEL and the exact bytes of manifest.json

`public` is the box's verify key. It proves something only together with the store inside, which holds its private half
and opens with the store's key alone. Counts and names are not here: whoever finds a stick reads this file.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from appliance.faults import Fault

LABEL = b"hearth backup manifest 1\0"
STORE, SLOTS, INSIDE = "hearth.db", "slots.json", "inside.sealed"
MANIFEST, SIGNATURE, README = "manifest.json", "manifest.sig", "READ-ME.txt"
NEEDED = frozenset({STORE, SLOTS, INSIDE})

# What a doctored file may make us read.
MAX_BYTES = 16 * 1024
MAX_FILES = 16
SIGNATURE_SIZE = 64
_FILE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}(\.[a-z]{1,8}){0,2}")
_HEX = re.compile(r"([0-9a-f]{2})*")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the copy: its size in bytes and SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the copy is. `entries` and `root`: the audit's size and head; `schema`: the store's last migration."""

    format: Literal[1] = 1
    box: str
    number: int
    at: str
    version: str
    schema: int
    entries: int
    root: str
    public: str
    files: tuple[Part, ...]

    def size(self) -> int:
        """Bytes of all files together."""
        return sum(part.size for part in self.files)


class _Format(msgspec.Struct, frozen=True):
    format: int


def serialise(manifest: Manifest) -> bytes:
    """The bytes of manifest.json."""
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"


def parse(content: bytes) -> Manifest:
    """Faults: backup_damaged (not a manifest of ours within its limits), store_newer (a later program's format)."""
    if len(content) > MAX_BYTES:
        raise Fault("backup_damaged", MANIFEST)
    try:
        if msgspec.json.decode(content, type=_Format).format > 1:
            raise Fault("store_newer", "the backup's format")
        found = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Fault("backup_damaged", MANIFEST) from None
    if not _within_limits(found):
        raise Fault("backup_damaged", MANIFEST)
    return found


def _within_limits(found: Manifest) -> bool:
    names = [part.name for part in found.files]
    return (
        len(names) <= MAX_FILES
        and len(set(names)) == len(names)
        and set(names) >= NEEDED
        and all(_FILE.fullmatch(name) and name not in (MANIFEST, SIGNATURE) for name in names)
        and all(part.size >= 0 and _is_hex(part.sha256, 32) for part in found.files)
        and _is_hex(found.box, 16)
        and _is_hex(found.public, 32)
        and len(found.root) <= 128
        and _HEX.fullmatch(found.root) is not None
        and min(found.number, found.schema) >= 1
        and found.entries >= 0
        and max(len(found.at), len(found.version)) <= 64
    )


def _is_hex(text: str, size: int) -> bool:
    return len(text) == 2 * size and _HEX.fullmatch(text) is not None
