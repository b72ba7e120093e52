"""`hq open-share`: HQ opens its share of a clinic's notes recovery key, for a clinic that lost every clinician's key.

The share came up as a record (`notes_recovery_share`), sealed to HQ's record key as appliance/notes/SEALING.md says;
this package shares that page with the box and no code. The request is a file that the box makes, the answer is sealed
to a key that the box made for it. With the share a box can open its notes; without the box's store it opens nothing.

Request, JSON: `version` 1, `what` "hearth notes share request", `box` (32 hex digits), `recovery` (the recovery key's
public half, base64), `public` (a fresh X-Wing public key, base64). Answer: `version` 1, `what` "hearth notes share
answer", `request` (SHA-256 of the request, hex), `recovery`, `sealed`: the recovery key's 32-byte seed, HPKE to
`public`, info "hearth notes share answer 1" LF `request`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync import keys, suite
from sync.envelope import Envelope, key_id, open_records
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq.objects import open_objects
from sync.hq.slot import spoken
from sync.hq.walking import walk

VERSION = 1
MAX_REQUEST = 64 * 1024  # bytes
RECORD_CLASS = "notes_recovery_share"


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, for which recovery key, and the key that the answer is sealed to."""

    box: bytes
    recovery: bytes
    public: bytes
    digest: str


def check_code(request: bytes) -> str:
    """What both sides read to each other: 16 letters, 78 bits of the request's SHA-256."""
    return spoken(b"hearth share check 1\n" + request)


def read(raw: bytes) -> Request:
    """Faults: `malformed_facts`, `unsupported_version`."""
    fields = _fields(raw if len(raw) <= MAX_REQUEST else b"")
    if fields.get("what") != "hearth notes share request":
        raise SyncFault("malformed_facts")
    if fields.get("version") != VERSION:
        raise SyncFault("unsupported_version")
    box = keys.box_from_text(str(fields.get("box")))
    recovery, public = (_bytes(fields, name, suite.RECORD_KEY_SIZE) for name in ("recovery", "public"))
    suite.recipient(public)
    if box is None:
        raise SyncFault("malformed_facts")
    return Request(box, recovery, public, hashlib.sha256(raw).hexdigest())


async def open_share(folder: Path, request: Request) -> bytes:
    """The answer's bytes. Faults: `unknown_box`; `share_missing` when this box gave HQ no share of that recovery key;
    `cannot_open` when the share is not what it says."""
    by_id = {key_id(key.public): key for key in hq_folder.record_keys(folder)}
    card = await hq_folder.cards(folder).get(request.box)
    if card is None:
        raise SyncFault("unknown_box")
    share: bytes | None = None
    async for some in walk(open_objects(folder), card.facts):
        for step in some.steps:
            if isinstance(step, Envelope) and step.key_id in by_id:
                share = _share(step, by_id[step.key_id], request.recovery) or share
    if share is None:
        raise SyncFault("share_missing")
    seed = _opened(share, list(by_id.values()), request.recovery)
    info = f"hearth notes share answer 1\n{request.digest}".encode()
    sealed = suite.seal(request.public, info, seed)
    told = {"recovery": _base64(request.recovery), "sealed": _base64(sealed)}
    answer = {"version": VERSION, "what": "hearth notes share answer", "request": request.digest, **told}
    return json.dumps(answer, indent=1).encode() + b"\n"


def _share(found: Envelope, key: suite.RecordKey, recovery: bytes) -> bytes | None:
    """The sealed share of that recovery key in an envelope; the last one counts."""
    sealed = None
    try:
        for record in open_records(found, key):
            if record.record_class == RECORD_CLASS:
                fields = _fields(record.body)
                if _bytes(fields, "recovery", suite.RECORD_KEY_SIZE) == recovery:
                    sealed = _bytes(fields, "sealed", suite.SEED_SIZE + suite.SEAL_OVERHEAD)
    except SyncFault:
        return sealed  # an envelope that does not open is `hq verify`'s matter
    return sealed


def _opened(sealed: bytes, candidates: list[suite.RecordKey], recovery: bytes) -> bytes:
    for key in candidates:
        info = _joined(b"hearth recovery key 1", suite.digest(recovery), b"hq", suite.digest(key.public))
        try:
            seed = key.open(info, sealed)
        except SyncFault:
            continue
        if len(seed) == suite.SEED_SIZE and suite.RecordKey(seed).public == recovery:
            return seed
    raise SyncFault("cannot_open")


def _joined(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise SyncFault("malformed_facts")
    return fields


def _bytes(fields: dict[str, Any], name: str, size: int) -> bytes:
    try:
        value = base64.b64decode(str(fields.get(name)), validate=True)
    except (binascii.Error, ValueError):
        raise SyncFault("malformed_facts") from None
    if len(value) != size:
        raise SyncFault("malformed_facts")
    return value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
