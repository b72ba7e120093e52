"""`hq open-slot`: HQ opens the key slot of a box whose clinic has lost every other way in.

Request and answer are the files of appliance/store/SLOTS.md, section 7; this package shares that page with the box and
no code. Bytes in, bytes out. Whoever runs it has heard the check code from the clinic, by a line that they trust.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Any

from sync import suite
from sync.faults import SyncFault

VERSION = 1
MAX_REQUEST = 64 * 1024  # bytes
MAX_SEALS = 2
KEY_SIZE = 32  # bytes of a box's store key
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # as in all that is read aloud here: none looks like another
_ID = re.compile(r"[0-9a-f]{16}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MAX_LABEL = 40
MAX_NUMBER = 2**31


def check_code(request: bytes) -> str:
    """What both sides read to each other: 16 letters, 78 bits of the request's SHA-256."""
    return spoken(b"hearth slot check 1\n" + request)


def key_code(public: bytes) -> str:
    """What a clinic compares before it gives HQ's key a slot: whoever exchanged hq.json at the box has another one."""
    return spoken(b"hearth hq key 1\n" + public)


def spoken(content: bytes) -> str:
    """16 letters of the content's SHA-256, to be read to each other."""
    number = int.from_bytes(hashlib.sha256(content).digest(), "big")
    letters = []
    for _ in range(16):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))


def open_slot(request: bytes, key: suite.RecordKey) -> bytes:
    """The answer's bytes. Faults: malformed_facts, unsupported_version, unknown_recipient, cannot_open."""
    fields = _fields(request)
    slot, one_time = _dict(fields, "slot"), _bytes(fields, "public", suite.RECORD_KEY_SIZE)
    suite.recipient(one_time)
    public = _bytes(slot, "public", suite.RECORD_KEY_SIZE)
    header = _header(slot, public)
    if public != key.public:
        raise SyncFault("unknown_recipient")
    asked = hashlib.sha256(request).hexdigest()
    seals = [_resealed(seal, header, key, one_time, asked) for seal in _seals(slot)]
    answer = {"version": VERSION, "what": "hearth slot answer", "request": asked, "slot": slot["id"], "seals": seals}
    return json.dumps(answer, indent=1).encode() + b"\n"


def _resealed(seal: dict[str, Any], header: bytes, key: suite.RecordKey, one_time: bytes, asked: str) -> dict[str, Any]:
    number = seal.get("key")
    if type(number) is not int or not 1 <= number <= MAX_NUMBER:
        raise SyncFault("malformed_facts")
    opened = key.open(header + f"\nkey {number}".encode(), _bytes(seal, "sealed", KEY_SIZE + suite.SEAL_OVERHEAD))
    again = suite.seal(one_time, f"hearth slot answer 1\n{asked}\nkey {number}".encode(), opened)
    return {"key": number, "sealed": base64.b64encode(again).decode("ascii")}


def _header(slot: dict[str, Any], public: bytes) -> bytes:
    """SLOTS.md section 4, for a slot of kind hq."""
    identifier, label, made_at = (_text(slot, name) for name in ("id", "label", "made_at"))
    fits = _ID.fullmatch(identifier) and _MOMENT.fullmatch(made_at) and len(label) <= MAX_LABEL and label.isprintable()
    if not fits or _text(slot, "kind") != "hq" or slot.get("kdf") is not None:
        raise SyncFault("malformed_facts")
    return "\n".join(("hearth key slot 2", identifier, "hq", label, made_at, "none", public.hex())).encode()


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw) if len(raw) <= MAX_REQUEST else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or fields.get("what") != "hearth slot request":
        raise SyncFault("malformed_facts")
    if fields.get("version") != VERSION:
        raise SyncFault("unsupported_version")
    return fields


def _seals(slot: dict[str, Any]) -> list[dict[str, Any]]:
    seals = slot.get("seals")
    if not isinstance(seals, list) or not 1 <= len(seals) <= MAX_SEALS:
        raise SyncFault("malformed_facts")
    if not all(isinstance(seal, dict) for seal in seals):
        raise SyncFault("malformed_facts")
    return seals


def _dict(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise SyncFault("malformed_facts")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise SyncFault("malformed_facts")
    return value


def _bytes(fields: dict[str, Any], name: str, size: int) -> bytes:
    try:
        value = base64.b64decode(_text(fields, name), validate=True)
    except (binascii.Error, ValueError):
        raise SyncFault("malformed_facts") from None
    if len(value) != size:
        raise SyncFault("malformed_facts")
    return value
