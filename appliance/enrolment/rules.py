"""When a box asks its HQ for a certificate, what an answer's outcome means, and how an address is typed. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal

import msgspec

from sync import keys
from sync.faults import SENTENCES, SyncFault

LEFT_SHARE = 1 / 3  # of a certificate's life: less than that is left, so a new one is asked for
AGAIN_SECONDS = 5.0  # before the first retry of an enrolment that a person waits for
AGAIN_LIMIT = 300.0
RENEW_AGAIN_SECONDS = 60.0  # before the first retry of a renewal, which nobody waits for
RENEW_AGAIN_LIMIT = 3600.0

# Nobody refused anything: the same question may still be answered, so it stays asked.
PASSING = frozenset(
    (
        "busy",
        "captive_portal",
        "certificate_refused",
        "courier_away",
        "hq_failed",
        "hq_unreachable",
        "name_unknown",
        "not_hq",
        "other_server",
        "too_many_tries",
    )
)
# What the courier is told by HQ, or finds at HQ's address, when the box's certificate or its HQ's keys are not those of
# today. HQ then says by which steps to go.
ASK_ANEW = frozenset(
    (
        "certificate_ended",
        "certificate_refused",
        "certificate_renewed",
        "no_certificate",
        "other_certificate",
        "receipt_other_key",
        "wrong_certificate",
    )
)


class _Refused(msgspec.Struct):
    code: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """Of the courier. `fits`: it is for the courier's key. Times in Unix seconds."""

    begins: float
    ends: float
    fits: bool


def wants_renewal(certificate: Certificate | None, courier_fault: str, now: float) -> bool:
    """Whether an enrolled box asks for a new certificate now: it has none that fits, less than a third of its life is
    left, or HQ did not take it. By a clock that stands before its beginning nothing is told, so HQ's word decides."""
    if certificate is None or not certificate.fits or courier_fault in ASK_ANEW:
        return True
    return certificate.ends - now < (certificate.ends - certificate.begins) * LEFT_SHARE


def again_after(kind: Literal["code", "renewal"], failures: int) -> float:
    """Seconds until the question is carried once more, after so many failures."""
    first, limit = (AGAIN_SECONDS, AGAIN_LIMIT) if kind == "code" else (RENEW_AGAIN_SECONDS, RENEW_AGAIN_LIMIT)
    return min(limit, first * 2.0 ** min(failures - 1, 20))


def address(typed: str) -> str:
    """HQ's address out of what a person typed: https is understood. SyncFault `wrong_address`."""
    plain = typed.strip().rstrip("/")
    if "://" not in plain:
        plain = f"https://{plain}"
    if (
        len(plain) > 200
        or not plain.isascii()
        or any(letter.isspace() for letter in plain)
        or not keys.usable_url(plain)
    ):
        raise SyncFault("wrong_address")
    return plain


def carried(status: int, body: str, fault: str) -> bytes:
    """What HQ answered, out of the courier's answer file. Raises what it refused with, or why it was not reached."""
    if fault:
        raise SyncFault(fault if fault in SENTENCES else "hq_failed")
    try:
        raw = base64.b64decode(body, validate=True)
    except ValueError:
        raise SyncFault("not_hq") from None
    if status == 200:
        return raw
    raise SyncFault(refusal(raw))


def refusal(raw: bytes) -> str:
    """The code of a refusal; `not_hq` for a page that no HQ of ours has written."""
    try:
        code = msgspec.json.decode(raw, type=_Refused).code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not_hq"
    return code if code in SENTENCES else "hq_failed"
