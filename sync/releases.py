"""Releases that HQ hands out: what box wants which file, and the digests that each part of it is held against. Pure.

An item `update` names by `digest` and `size` a *list*: JSON that names one bundle for each kind of box. The item is in
a signed pack, the list is held against its digest, each part of a bundle against the list: what comes over the line is
believed by nothing else. Lists and bundles are objects of HQ in parts of 1 MiB, each named by the SHA-256 of the whole.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from sync.faults import SyncFault

PART = 1_048_576  # bytes: what is fetched again when it was damaged, and what a server holds at once
MAX_BUNDLE = 4 * 1024**3  # bytes; 4,096 parts
MAX_LIST = 1_048_576  # bytes: five kinds of boxes with bundles of 4 GiB. One part
MAX_FILES = 16
HASH = 32
_DIGEST = re.compile(r"^[0-9a-f]{64}\Z")
_COMPATIBLE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file. `compatible`: the kind of box, as RAUC has it; `parts`: the SHA-256 of each part, base64 of all."""

    compatible: str
    digest: str
    size: int
    parts: str

    @property
    def hashes(self) -> tuple[bytes, ...]:
        raw = base64.b64decode(self.parts)
        return tuple(raw[at : at + HASH] for at in range(0, len(raw), HASH))


class List(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A release: a bundle for each kind of box that it is made for."""

    format: Literal[1] = 1
    release: str
    files: tuple[Bundle, ...]

    def bundle(self, compatible: str) -> Bundle | None:
        """The one for this kind of box."""
        return next((one for one in self.files if one.compatible == compatible), None)


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """spool/update/wanted.json: what the box asks its courier to bring. `digest`, `size`: of the list."""

    release: str
    digest: str
    size: int
    compatible: str


class Fetching(msgspec.Struct, frozen=True, kw_only=True):
    """spool/update/told.json: how far the courier is with it. `have`, `size`: bytes of the bundle; `digest`: its own.

    `state`: `waiting` for hours, budget or records; `none`: HQ has none for this kind of box; `no_room` on the disk.
    """

    wanted: str = ""
    state: Literal["waiting", "fetching", "here", "none", "no_room"] = "waiting"
    digest: str = ""
    have: int = 0
    size: int = 0
    fault: str = ""


def parts_of(size: int) -> int:
    """How many parts so many bytes make."""
    return -(-size // PART)


def is_digest(text: str) -> bool:
    return bool(_DIGEST.match(text))


def to_json(found: List) -> bytes:
    """`malformed_item`, `too_large`."""
    raw = msgspec.json.encode(found)
    if len(raw) > MAX_LIST:
        raise SyncFault("too_large")
    from_json(raw)
    return raw


def from_json(raw: bytes) -> List:
    """`unsupported_version` for a later format, `malformed_item`."""
    try:
        if msgspec.json.decode(raw, type=_Head).format != 1:
            raise SyncFault("unsupported_version")
        found = msgspec.json.decode(raw, type=List)
        good = all(map(_fits, found.files))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError):
        raise SyncFault("malformed_item") from None
    kinds = [one.compatible for one in found.files]
    if not good or not 1 <= len(kinds) <= MAX_FILES or len(set(kinds)) != len(kinds):
        raise SyncFault("malformed_item")
    return found


def described(compatible: str, digest: str, size: int, hashes: Sequence[bytes]) -> Bundle:
    return Bundle(
        compatible=compatible, digest=digest, size=size, parts=base64.b64encode(b"".join(hashes)).decode("ascii")
    )


def part_hash(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


class _Head(msgspec.Struct, frozen=True):
    format: int


def _fits(one: Bundle) -> bool:
    raw = base64.b64decode(one.parts, validate=True)
    return (
        bool(_COMPATIBLE.match(one.compatible))
        and is_digest(one.digest)
        and 1 <= one.size <= MAX_BUNDLE
        and len(raw) == HASH * parts_of(one.size)
    )
