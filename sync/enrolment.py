"""How a box and its HQ get to know each other: the one-time code, the request and the answer as bytes. Pure.

HQ gives a person a code, the person types it at the box's console. The code itself never travels: a request carries its
id, and a MAC by a secret that both sides derive from it. The answer is under the same secret, so whatever sits between
the two can neither enrol a box of its own nor pass for HQ. FORMAT.md says the bytes.

A renewal has no code: the box's own key, which HQ knows, signs the request, and HQ's receipt key signs the answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from sync import keys, rollover, suite
from sync.envelope import key_id
from sync.faults import SyncFault
from sync.keys import BoxFacts, HqFacts
from sync.rollover import Step

T = TypeVar("T")

VERSION = 1
MAX_REQUEST = 16_384  # bytes
MAX_ANSWER = 131_072  # bytes: a certificate, HQ's facts, at most MAX_STEPS steps
MAX_STEPS = 4  # steps in an answer; a box that is further behind asks again
MAX_SOFTWARE = 32  # letters of a version
NONCE_SIZE = 16
SECRET_SIZE = 32

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without 0 and O, 1, I and L, U: read aloud and typed without doubt
CODE_LETTERS = 20  # 19 random ones: 93 bits, too many to try even with the id in hand; the last one checks the others

_REQUEST, _ANSWER = "hearth enrolment request", "hearth enrolment answer"
_SIGN_REQUEST, _MAC_REQUEST = b"hearth enrolment request signature 1\0", b"hearth enrolment request mac 1\0"
_SIGN_ANSWER, _MAC_ANSWER = b"hearth enrolment answer signature 1\0", b"hearth enrolment answer mac 1\0"


# -- the code ---------------------------------------------------------------------------------------------------------


def new_code(below: Callable[[int], int]) -> str:
    """Twenty letters without dashes. `below(n)` gives an even random number under n (`secrets.randbelow`)."""
    letters = "".join(ALPHABET[below(len(ALPHABET))] for _ in range(CODE_LETTERS - 1))
    return letters + _check_letter(letters)


def shown(code: str) -> str:
    """Groups of four, as it is read aloud."""
    return "-".join(code[start : start + 4] for start in range(0, CODE_LETTERS, 4))


def read_code(typed: str) -> str:
    """The code out of what a person typed, whatever the case, dashes and spaces. `code_mistyped` when it cannot be one:
    any one wrong letter is found, and nearly every two that changed places."""
    letters = "".join(letter for letter in typed.upper() if not letter.isspace() and letter not in "-–—.")
    if len(letters) != CODE_LETTERS or not set(letters) <= set(ALPHABET):
        raise SyncFault("code_mistyped")
    if _check_letter(letters[:-1]) != letters[-1]:
        raise SyncFault("code_mistyped")
    return letters


def code_id(code: str) -> str:
    """What HQ finds the code by: 32 hexadecimal digits. It may be seen by anybody."""
    return hashlib.sha256(b"hearth enrolment id 1\0" + code.encode()).hexdigest()[:32]


def code_secret(code: str) -> bytes:
    """What both sides prove to know."""
    return hashlib.sha256(b"hearth enrolment secret 1\0" + code.encode()).digest()


def _check_letter(letters: str) -> str:
    """Luhn's algorithm modulo 30."""
    size, total = len(ALPHABET), 0
    for place, letter in enumerate(reversed(letters)):
        value = ALPHABET.index(letter) * (2 if place % 2 == 0 else 1)
        total += value // size + value % size
    return ALPHABET[-total % size]


# -- the request ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a box asks. `code`: the code's id, "" for a renewal. `csr`: the courier's signing request, DER. `serial`: of
    the HQ facts that the box has pinned, 0 for none. `nonce` makes each request another one."""

    box: BoxFacts
    csr: bytes
    software: str
    serial: int
    nonce: bytes
    code: str
    raw: bytes
    body: bytes
    signature: bytes
    mac: bytes

    @property
    def digest(self) -> str:
        """What the answer names, so that it can answer nothing else."""
        return hashlib.sha256(self.raw).hexdigest()

    def __repr__(self) -> str:
        return f"Request({len(self.raw)} bytes)"


class _Sealed(msgspec.Struct, kw_only=True):
    version: int
    what: str
    body: str
    signature: str = ""
    mac: str = ""
    key: str = ""


class _Asked(msgspec.Struct, kw_only=True):
    box: dict[str, Any]
    csr: str
    software: str
    serial: int
    nonce: str
    code: str


def request(
    box: BoxFacts, key: suite.SigningKey, csr: bytes, *, software: str, serial: int, nonce: bytes, code: str = ""
) -> bytes:
    """A request's bytes. `code` as `read_code` gives it, "" for a renewal."""
    asked = _Asked(
        box=keys.box_to_dict(box),
        csr=_b64(csr),
        software=software[:MAX_SOFTWARE],
        serial=serial,
        nonce=nonce.hex(),
        code=code_id(code) if code else "",
    )
    body = msgspec.json.encode(asked)
    signature = key.sign(_SIGN_REQUEST, body)
    mac = _mac(code_secret(code), _MAC_REQUEST, body + signature) if code else b""
    sealed = _Sealed(version=VERSION, what=_REQUEST, body=_b64(body), signature=_b64(signature), mac=_b64(mac))
    return msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n"


def parse_request(raw: bytes) -> Request:
    """Layout, limits, and that the box's key has signed it; whether HQ knows that key is another question.

    Faults: `malformed_enrolment`, `unsupported_version`, `bad_signature`.
    """
    sealed = _open(raw, _REQUEST, MAX_REQUEST)
    body = _unb64(sealed.body)
    asked = _decode(body, _Asked)
    try:
        box, nonce = keys.box_from_dict(asked.box), bytes.fromhex(asked.nonce)
    except (SyncFault, ValueError):
        raise SyncFault("malformed_enrolment") from None
    ids = (0, 2 * NONCE_SIZE)
    fits = len(nonce) == NONCE_SIZE and len(asked.code) in ids and set(asked.code) <= set("0123456789abcdef")
    if not fits or not 0 <= asked.serial < 2**53 or len(asked.software) > MAX_SOFTWARE or not asked.software.isascii():
        raise SyncFault("malformed_enrolment")
    signature = _unb64(sealed.signature)
    suite.verify(box.verify_key, _SIGN_REQUEST, body, signature)
    return Request(
        box=box,
        csr=_unb64(asked.csr),
        software=asked.software,
        serial=asked.serial,
        nonce=nonce,
        code=asked.code,
        raw=bytes(raw),
        body=body,
        signature=signature,
        mac=_unb64(sealed.mac),
    )


def knows_code(asked: Request, secret: bytes) -> bool:
    """Whether who made the request knows the code."""
    return hmac.compare_digest(asked.mac, _mac(secret, _MAC_REQUEST, asked.body + asked.signature))


# -- the answer -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What HQ gives. `request`: digest of what was asked; `certificate`: the courier's, PEM; `name`: of the box at HQ;
    `at`: HQ's clock, RFC 3339. By a code: `facts`, to be pinned whole. A renewal: `steps` from the serial that the box
    named, `more` when there are further ones."""

    request: str
    box: bytes
    certificate: bytes
    name: str
    at: str
    facts: bytes = b""
    steps: Sequence[Step] = ()
    more: bool = False


class _Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    request: str
    box: str
    certificate: str
    name: str
    at: str
    facts: str = ""
    steps: list[str] = []
    more: bool = False


def answer_by_code(given: Answer, secret: bytes) -> bytes:
    """The answer's bytes, under the code's secret."""
    body = _told(given)
    mac = _mac(secret, _MAC_ANSWER, body)
    return msgspec.json.encode(_Sealed(version=VERSION, what=_ANSWER, body=_b64(body), mac=_b64(mac))) + b"\n"


def answer_renewal(given: Answer, key: suite.SigningKey) -> bytes:
    """The answer's bytes, signed by HQ's receipt key."""
    body = _told(given)
    signature, signer = _b64(key.sign(_SIGN_ANSWER, body)), key_id(key.public).hex()
    sealed = _Sealed(version=VERSION, what=_ANSWER, body=_b64(body), signature=signature, key=signer)
    return msgspec.json.encode(sealed) + b"\n"


def read_answer(raw: bytes, asked: Request, secret: bytes) -> tuple[Answer, HqFacts]:
    """The answer to `asked`, made by somebody who knows the code, and HQ's facts to pin.

    Faults: `not_hq` for bytes that are no answer at all, `unsupported_version`, `answer_forged`.
    """
    sealed = _open(raw, _ANSWER, MAX_ANSWER, "not_hq")
    body = _unb64(sealed.body, "not_hq")
    if not hmac.compare_digest(_unb64(sealed.mac, "not_hq"), _mac(secret, _MAC_ANSWER, body)):
        raise SyncFault("answer_forged")
    given = _given(body, asked)
    return given, keys.hq_from_json(given.facts)


def read_renewal(raw: bytes, asked: Request, pinned: HqFacts) -> tuple[Answer, HqFacts]:
    """The answer to a renewal, and the facts that its steps lead to from `pinned`, proved step by step. When `more` is
    set only those facts count: who signed the answer may be named in a later step.

    Faults as above, `answer_forged` also for a signer that is not the HQ we know, and those of `rollover.walk`.
    """
    sealed = _open(raw, _ANSWER, MAX_ANSWER, "not_hq")
    body = _unb64(sealed.body, "not_hq")
    given = _given(body, asked)
    facts = rollover.walk(given.steps, pinned)
    if given.more and facts.serial > pinned.serial:
        return given, facts
    signer = next((key for key in facts.receipt_keys if key_id(key).hex() == sealed.key), None)
    try:
        suite.verify(signer or b"", _SIGN_ANSWER, body, _unb64(sealed.signature, "not_hq"))
    except SyncFault:
        raise SyncFault("answer_forged") from None
    return given, facts


def _told(given: Answer) -> bytes:
    told = _Told(
        request=given.request,
        box=given.box.hex(),
        certificate=_b64(given.certificate),
        name=given.name,
        at=given.at,
        facts=_b64(given.facts),
        steps=[_b64(rollover.step_to_json(step)) for step in given.steps],
        more=given.more,
    )
    return msgspec.json.encode(told)


def _given(body: bytes, asked: Request) -> Answer:
    told = _decode(body, _Told, "not_hq")
    if told.request != asked.digest or told.box != asked.box.box.hex():
        raise SyncFault("answer_forged")
    if len(told.steps) > MAX_STEPS:
        raise SyncFault("not_hq")
    return Answer(
        request=told.request,
        box=asked.box.box,
        certificate=_unb64(told.certificate, "not_hq"),
        name=told.name,
        at=told.at,
        facts=_unb64(told.facts, "not_hq"),
        steps=tuple(rollover.step_from_json(_unb64(step, "not_hq")) for step in told.steps),
        more=told.more,
    )


# -- both -------------------------------------------------------------------------------------------------------------


def _open(raw: bytes, what: str, limit: int, fault: str = "malformed_enrolment") -> _Sealed:
    sealed = _decode(raw if len(raw) <= limit else b"", _Sealed, fault)
    if sealed.what != what:
        raise SyncFault(fault)
    if sealed.version != VERSION:
        raise SyncFault("unsupported_version")
    return sealed


def _decode(raw: bytes, kind: type[T], fault: str = "malformed_enrolment") -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SyncFault(fault) from None


def _mac(secret: bytes, label: bytes, message: bytes) -> bytes:
    return hmac.new(secret, label + message, hashlib.sha256).digest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str, fault: str = "malformed_enrolment") -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise SyncFault(fault) from None
