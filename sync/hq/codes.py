"""Enrolment codes as HQ keeps them: one small object a code, and one more when it is taken, made once.

So the store decides a race for a code as it decides one for an envelope: who makes `taken/<id>.json` has the code, and
that object is never changed. `codes/<id>.json` holds no code. What both sides prove to know is sealed under
keys/codes.key, which only HQ's servers have: whoever reads HQ's storage can neither enrol a box with it nor pass for
HQ, and whoever writes there cannot prolong a code or give it another name, since those are sealed along.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sync import enrolment, keys
from sync.faults import SyncFault
from sync.hq.cards import MAX_NAME
from sync.hq.objects import Objects

VERSION = 1
TERM = timedelta(days=7)  # time for a letter, a visit, a failed line; short enough that a lost slip of paper is nothing
KEPT = timedelta(days=30)  # after its end a code still answers "too old" instead of "unknown"
MAX_CODE = 2 * enrolment.MAX_ANSWER  # bytes of the object
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `replaces`: the lost box whose place the new one takes, or b"". Once taken: by which box, its request's
    digest, and the answer that it got, so that the same request again gets the same bytes."""

    id: str
    name: str
    ends_at: datetime
    replaces: bytes
    secret: bytes
    taken_by: bytes = b""
    request: str = ""
    answer: bytes = b""

    def __repr__(self) -> str:
        return f"Code({self.id[:8]})"


class _Stored(msgspec.Struct, kw_only=True, omit_defaults=True):
    version: int
    name: str
    ends_at: str
    sealed: str
    replaces: str = ""
    taken_by: str = ""
    request: str = ""
    answer: str = ""


async def make(objects: Objects, key: bytes, name: str, replaces: bytes, now: datetime) -> tuple[str, datetime]:
    """A new code, and until when it counts. Old ones that are over are cleared away."""
    await _clear(objects, now)
    typed = enrolment.new_code(secrets.randbelow)
    ends_at = (now + TERM).replace(microsecond=0)
    code = Code(enrolment.code_id(typed), name, ends_at, replaces, enrolment.code_secret(typed))
    if not await objects.swap(_path(code.id), to_json(code, key), None):
        raise SyncFault("hq_failed")
    return typed, ends_at


def to_json(code: Code, key: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    stored = _Stored(
        version=VERSION,
        name=code.name,
        ends_at=code.ends_at.isoformat(),
        sealed=_b64(nonce + ChaCha20Poly1305(key).encrypt(nonce, code.secret, _bound(code))),
        replaces=code.replaces.hex(),
        taken_by=code.taken_by.hex(),
        request=code.request,
        answer=_b64(code.answer),
    )
    return msgspec.json.encode(stored)


def from_json(raw: bytes, identifier: str, key: bytes) -> Code:
    """The code that the object of this id holds; `hq_failed` when it is damaged, or was not sealed by us."""
    try:
        stored = msgspec.json.decode(raw if len(raw) <= MAX_CODE else b"", type=_Stored)
        sealed, ends_at = base64.b64decode(stored.sealed, validate=True), datetime.fromisoformat(stored.ends_at)
        unsealed = Code(identifier, stored.name, ends_at, _box(stored.replaces), b"")
        secret = ChaCha20Poly1305(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(unsealed))
        answer = base64.b64decode(stored.answer, validate=True)
    except (ValueError, InvalidTag):
        raise SyncFault("hq_failed") from None
    taken_by = _box(stored.taken_by)
    return Code(identifier, stored.name, ends_at, unsealed.replaces, secret, taken_by, stored.request, answer)


async def read(objects: Objects, key: bytes, identifier: str) -> Code:
    """The code, and who took it if anybody has. `code_wrong` when there is none."""
    raw = await objects.get(_taken(identifier))
    if raw is None:
        raw = await objects.get(_path(identifier))
    if raw is None:
        raise SyncFault("code_wrong")
    return from_json(raw, identifier, key)


async def take(objects: Objects, key: bytes, taken: Code) -> bool:
    """Write down who took the code. Of those that race for it, one gets True."""
    return await objects.swap(_taken(taken.id), to_json(taken, key), None)


async def _clear(objects: Objects, now: datetime) -> None:
    """The code goes before what says that it is taken."""
    for prefix in ("codes", "taken"):
        async for entry in objects.entries(prefix):
            if entry.modified < now - TERM - KEPT:
                await objects.delete(entry.path)


def _bound(code: Code) -> bytes:
    ends_at = code.ends_at.astimezone(UTC).isoformat()
    return "\n".join(("hearth enrolment code 1", code.id, code.name, ends_at, code.replaces.hex())).encode()


def _path(identifier: str) -> str:
    return f"codes/{identifier}.json"


def _taken(identifier: str) -> str:
    return f"taken/{identifier}.json"


def _box(text: str) -> bytes:
    box = keys.box_from_text(text) if text else b""
    if box is None:
        raise ValueError("not a box id")
    return box


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def clean_name(name: str) -> str:
    """A box's name as HQ keeps it: one line, at most MAX_NAME letters; ValueError."""
    plain = " ".join(name.split())
    if not plain or len(plain) > MAX_NAME or not plain.isprintable():
        raise ValueError(f"give the box a name of at most {MAX_NAME} letters")
    return plain
