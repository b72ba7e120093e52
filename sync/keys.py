"""Public facts that the two sides hand each other: what a box must know of HQ, what HQ must know of a box. Pure.

Both are small JSON files that hold no secret. HQ's lists hold several keys so that one can be exchanged while boxes are
away for months: the first of a list is the one in use, the others still count. `serial` rises with each change.
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

VERSION = 2
MAX_FACTS = 65_536  # bytes of either file
MAX_LISTED = 4  # keys or certificates in a list


@dataclass(frozen=True, slots=True)
class HqFacts:
    """`url` to carry to; `record_keys`: X-Wing public keys, the first is sealed to; `receipt_keys` and `pack_keys`:
    Ed25519 keys that check receipts and packs; `tls_certificates` (DER) to pin. The one in use is first in its list."""

    url: str
    record_keys: tuple[bytes, ...]
    receipt_keys: tuple[bytes, ...]
    tls_certificates: tuple[bytes, ...]
    pack_keys: tuple[bytes, ...] = ()  # none: facts of version 1, whose HQ sends no packs
    serial: int = 1

    @property
    def record_key(self) -> bytes:
        return self.record_keys[0]

    @property
    def receipt_key(self) -> bytes:
        return self.receipt_keys[0]

    @property
    def tls_certificate(self) -> bytes:
        return self.tls_certificates[0]

    @property
    def record_key_id(self) -> bytes:
        return key_id(self.record_key)


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """`box` is the 16-byte random id, `verify_key` the Ed25519 key that checks its envelopes, `inbox_key` the X-Wing
    public key that packs for it are sealed to (b"": facts of version 1, no packs)."""

    box: bytes
    verify_key: bytes
    inbox_key: bytes = b""


def hq_to_json(facts: HqFacts) -> bytes:
    """spool/hq.json and DIR/hq-public.json."""
    return _dump(
        {
            "version": VERSION,
            "serial": facts.serial,
            "url": facts.url,
            "record_keys": [_b64(key) for key in facts.record_keys],
            "receipt_keys": [_b64(key) for key in facts.receipt_keys],
            "pack_keys": [_b64(key) for key in facts.pack_keys],
            "tls_certificates": [_b64(one) for one in facts.tls_certificates],
        }
    )


def hq_from_json(raw: bytes) -> HqFacts:
    """Version 2 or 1. Raises `malformed_facts` or `unsupported_version`."""
    fields = _load(raw)
    facts = _hq_facts_1(fields) if fields["version"] == 1 else _hq_facts(fields)
    for key in facts.record_keys:
        suite.recipient(key)
    ed25519 = all(len(key) == suite.VERIFY_KEY_SIZE for key in (*facts.receipt_keys, *facts.pack_keys))
    if not usable_url(facts.url) or not ed25519 or not all(facts.tls_certificates):
        raise SyncFault("malformed_facts")
    return facts


def _hq_facts(fields: dict[str, Any]) -> HqFacts:
    serial = fields.get("serial")
    if type(serial) is not int or not 1 <= serial < 2**53:
        raise SyncFault("malformed_facts")
    return HqFacts(
        url=_text(fields, "url"),
        record_keys=_list(fields, "record_keys"),
        receipt_keys=_list(fields, "receipt_keys"),
        tls_certificates=_list(fields, "tls_certificates"),
        pack_keys=_list(fields, "pack_keys", least=0),
        serial=serial,
    )


def _hq_facts_1(fields: dict[str, Any]) -> HqFacts:
    return HqFacts(
        url=_text(fields, "url"),
        record_keys=(_bytes(fields, "record_key"),),
        receipt_keys=(_bytes(fields, "receipt_key"),),
        tls_certificates=(_bytes(fields, "tls_certificate"),),
    )


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
    fields = {"version": VERSION, "box": facts.box.hex(), "verify_key": _b64(facts.verify_key)}
    return {**fields, "inbox_key": _b64(facts.inbox_key)}


def box_to_json(facts: BoxFacts) -> bytes:
    """What `hq enroll` reads, as a file."""
    return _dump(box_to_dict(facts))


def box_from_json(raw: bytes) -> BoxFacts:
    """Version 2 or 1. Raises `malformed_facts` or `unsupported_version`."""
    return box_from_dict(_load(raw))


def box_from_dict(fields: dict[str, Any]) -> BoxFacts:
    """The same from a dictionary that was read already."""
    if fields.get("version") not in (1, VERSION):
        raise SyncFault("unsupported_version")
    box = box_from_text(_text(fields, "box"))
    verify_key = _bytes(fields, "verify_key")
    inbox_key = b"" if fields.get("version") == 1 else _bytes(fields, "inbox_key")
    if box is None or len(verify_key) != suite.VERIFY_KEY_SIZE:
        raise SyncFault("malformed_facts")
    if inbox_key:
        suite.recipient(inbox_key)
    return BoxFacts(box, verify_key, inbox_key)


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
    if fields.get("version") not in (1, VERSION):
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


def _list(fields: dict[str, Any], name: str, least: int = 1) -> tuple[bytes, ...]:
    values = fields.get(name)
    if not isinstance(values, list) or not least <= len(values) <= MAX_LISTED:
        raise SyncFault("malformed_facts")
    return tuple(_bytes({name: value}, name) for value in values)
