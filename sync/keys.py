"""Public facts that the two sides hand each other: what a box must know of HQ, what HQ must know of a box. Pure.

Both are small JSON files that hold no secret. Their `version` leaves room for several keys with dates of validity.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sync import suite
from sync.envelope import BOX_ID_SIZE, key_id
from sync.faults import SyncFault

VERSION = 1
MAX_FACTS = 16_384  # bytes of either file


@dataclass(frozen=True, slots=True)
class HqFacts:
    """`url` to POST to, `record_key` to seal to, `receipt_key` checks receipts, `tls_certificate` (DER) to pin."""

    url: str
    record_key: bytes
    receipt_key: bytes
    tls_certificate: bytes

    @property
    def record_key_id(self) -> bytes:
        return key_id(self.record_key)


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """`box` is the 16-byte random id, `verify_key` the Ed25519 key that checks its envelopes."""

    box: bytes
    verify_key: bytes


def hq_to_json(facts: HqFacts) -> bytes:
    """spool/hq.json and DIR/hq-public.json."""
    return _dump(
        {
            "version": VERSION,
            "url": facts.url,
            "record_key": _b64(facts.record_key),
            "receipt_key": _b64(facts.receipt_key),
            "tls_certificate": _b64(facts.tls_certificate),
        }
    )


def hq_from_json(raw: bytes) -> HqFacts:
    """Raises `malformed_facts` or `unsupported_version`."""
    fields = _load(raw)
    facts = HqFacts(
        url=_text(fields, "url"),
        record_key=_bytes(fields, "record_key"),
        receipt_key=_bytes(fields, "receipt_key"),
        tls_certificate=_bytes(fields, "tls_certificate"),
    )
    suite.recipient(facts.record_key)
    if not usable_url(facts.url) or len(facts.receipt_key) != suite.VERIFY_KEY_SIZE or not facts.tls_certificate:
        raise SyncFault("malformed_facts")
    return facts


def usable_url(url: str) -> bool:
    """https, a host, and nothing that could carry a secret or move the request elsewhere."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme == "https" and bool(parts.hostname) and plain and port_fits and parts.path in ("", "/")


def box_to_dict(facts: BoxFacts) -> dict[str, object]:
    """What `hq enroll` reads, as a dictionary."""
    return {"version": VERSION, "box": facts.box.hex(), "verify_key": _b64(facts.verify_key)}


def box_to_json(facts: BoxFacts) -> bytes:
    """What `hq enroll` reads, as a file."""
    return _dump(box_to_dict(facts))


def box_from_json(raw: bytes) -> BoxFacts:
    """Raises `malformed_facts` or `unsupported_version`."""
    fields = _load(raw)
    box = box_from_text(_text(fields, "box"))
    verify_key = _bytes(fields, "verify_key")
    if box is None or len(verify_key) != suite.VERIFY_KEY_SIZE:
        raise SyncFault("malformed_facts")
    return BoxFacts(box, verify_key)


def box_from_text(text: str) -> bytes | None:
    """The 16 bytes of a box id written as 32 lower-case hexadecimal digits, or None."""
    if len(text) != 2 * BOX_ID_SIZE or not all(letter in "0123456789abcdef" for letter in text):
        return None
    return bytes.fromhex(text)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _dump(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, indent=1).encode() + b"\n"


def _load(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw) if len(raw) <= MAX_FACTS else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise SyncFault("malformed_facts")
    if fields.get("version") != VERSION:
        raise SyncFault("unsupported_version")
    return fields


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise SyncFault("malformed_facts")
    return value


def _bytes(fields: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(fields, name), validate=True)
    except (binascii.Error, ValueError):
        raise SyncFault("malformed_facts") from None
