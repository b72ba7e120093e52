"""What a written consent to disclosure must be, how long it lasts, and what is taken out of a record without one. Pure.

42 CFR Part 2: 2.31 (what a consent says; it ends on a day or when it is withdrawn), 2.32 (the notice that goes along).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from appliance.faults import Fault

Scope = Literal["visits", "agreements"]
SCOPES: tuple[Scope, ...] = ("visits", "agreements")
CLASS_SCOPE: dict[str, Scope] = {"session_ended": "visits", "consent_signed": "agreements"}
Why = Literal["", "withdrawn", "replaced", "expired"]
Standing = Literal["none", "in_force", "ended"]

DAYS, MAX_DAYS = 365, 730  # a consent lasts a year unless somebody says otherwise; never longer than two
MAX_SIGNATURE = 80
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."  # 2.32(a)(2), word by word


@dataclass(frozen=True, slots=True)
class Form:
    """The text that is signed. Its first line is the title."""

    version: int
    language: str
    title: str
    body: str

    @property
    def digest(self) -> str:
        """SHA-256, hex, of the text as it was shown."""
        return hashlib.sha256(f"{self.title}\n{self.body}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's yes. Times are RFC 3339 in UTC; `why` it ended, "" while it did not."""

    id: str
    person: str
    scopes: tuple[Scope, ...]
    version: int
    language: str
    digest: str
    signature: str
    how: Literal["portal", "paper"]
    granted_at: str
    expires_at: str
    ended_at: str = ""
    why: Why = ""

    def __repr__(self) -> str:
        return f"Consent({self.id[:8]}…)"


def in_force(consent: Consent, scope: Scope, now: str) -> bool:
    """Whether a record of that scope may go under this consent. Both times in UTC, so that letters compare."""
    return not consent.ended_at and scope in consent.scopes and now < consent.expires_at


def has_expired(consent: Consent, now: str) -> bool:
    return not consent.ended_at and consent.expires_at <= now


def signature(text: str) -> str:
    """The name as kept. Fault("bad_request") with "signature"."""
    name = " ".join(text.split())
    if not 2 <= len(name) <= MAX_SIGNATURE or not name.isprintable():
        raise Fault("bad_request", "signature")
    return name


def scopes(words: Collection[str]) -> tuple[Scope, ...]:
    """In the order of SCOPES; at least one. Fault("bad_request") with "scopes"."""
    chosen = tuple(scope for scope in SCOPES if scope in words)
    if not chosen or len(chosen) != len(set(words)):
        raise Fault("bad_request", "scopes")
    return chosen


def days(text: str) -> int:
    """For how long. Fault("bad_request") with "days"."""
    if not text.isascii() or not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MAX_DAYS:
        raise Fault("bad_request", "days")
    return int(text)


def without(record_class: str, body: bytes, consent: str) -> bytes:
    """The record with everything taken out that was in it under that consent: what waits when a consent ends."""
    found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    if record_class != "session_ended":
        return msgspec.json.encode({"record": record_class, "version": 1, "withheld": True})
    there: Sequence[dict[str, Any]] = found.get("attendees", ())
    left = [one for one in there if one.get("consent") != consent]
    withheld = found.get("withheld", 0) + len(there) - len(left)
    return msgspec.json.encode({**found, "attendees": left, "withheld": withheld})
