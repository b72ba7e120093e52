"""A signed checkpoint of the audit as text: a signed note (c2sp.org/signed-note, c2sp.org/tlog-checkpoint). Pure.

    hearth-audit-1/<box id, 32 hex digits>
    <size: how many entries>
    <root: base64 of 32 bytes>
    number <n>
    at <RFC 3339 in UTC>

    — hearth-audit-1/<box id> <base64 of key id (4 bytes) and Ed25519 signature (64 bytes)>

The signature is over the text up to and with the line feed before the empty line. Its beginning is the domain label:
nothing else that the box signs begins with it. Checkpoints are numbered, so a removed one leaves a gap.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from sync import suite
from sync.faults import SyncFault

LABEL = b"hearth-audit-1/"
MAX_NOTE = 1024  # bytes; a note of a box has about 300
_ED25519 = b"\x01"
_NOTE = re.compile(
    r"(hearth-audit-1/([0-9a-f]{32}))\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\nnumber ([1-9][0-9]{0,18})\n"
    r"at ([0-9TZ:-]{20})\n\n— \1 ([A-Za-z0-9+/]{91}=)\n"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a note says. `number` counts the box's checkpoints from 1; `at` is the box's clock, only shown."""

    box: bytes
    size: int
    root: bytes
    number: int
    at: str


def write(head: Signed, key: suite.SigningKey) -> str:
    """The signed note."""
    text = _text(head)
    body = text.encode()
    signature = key.sign(LABEL, body.removeprefix(LABEL))
    name = text.partition("\n")[0]
    return f"{text}\n— {name} {_base64(_key_id(name, key.public) + signature)}\n"


def read(note: str, public: bytes) -> Signed:
    """What the note says, if the box with that verify key signed exactly this. ValueError otherwise."""
    found = parse(note)
    text = _text(found)
    name = text.partition("\n")[0]
    stamp = base64.b64decode(note.rstrip("\n").rpartition(" ")[2])
    if stamp[:4] != _key_id(name, public):
        raise ValueError("signed with another key")
    try:
        suite.verify(public, LABEL, text.encode().removeprefix(LABEL), stamp[4:])
    except SyncFault:
        raise ValueError("not signed like this") from None
    return found


def parse(note: str) -> Signed:
    """What the note says, whoever signed it. ValueError for what is none."""
    match = _NOTE.fullmatch(note) if len(note) <= MAX_NOTE else None
    if match is None:
        raise ValueError("not a checkpoint")
    try:
        root = base64.b64decode(match[4], validate=True)
        base64.b64decode(match[7], validate=True)
    except binascii.Error:
        raise ValueError("not a checkpoint") from None
    found = Signed(bytes.fromhex(match[2]), int(match[3]), root, int(match[5]), match[6])
    if not note.startswith(_text(found)):
        raise ValueError("not a checkpoint in its one form")
    return found


def _text(head: Signed) -> str:
    return f"{LABEL.decode()}{head.box.hex()}\n{head.size}\n{_base64(head.root)}\nnumber {head.number}\nat {head.at}\n"


def _key_id(name: str, public: bytes) -> bytes:
    """The first 4 bytes of SHA-256 over name, line feed, the algorithm's number and the key (C2SP signed-note)."""
    return suite.digest(name.encode() + b"\n" + _ED25519 + public)[:4]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
