"""The record of a session as HQ gets it: pseudonyms, times, agreement versions. No names, no titles. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from appliance.disclosures.rules import NOTICE

RECORD_CLASS = "session_ended"
VERSION = 2


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One who was there, and of whom HQ may know. `present`: (joined, left) pairs, RFC 3339 in UTC."""

    person: str
    facilitator: bool
    removed: bool
    present: Sequence[tuple[str, str]]
    agreement: int | None
    consent: str = ""  # to disclosure, under which this one is told of; "" for those who lead


class SessionEnded(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves the box after a session."""

    record: str = RECORD_CLASS
    version: int = VERSION
    session: str
    starts_at: str
    opened_at: str
    ended_at: str
    expected: int
    attendees: Sequence[Attendee]
    withheld: int = 0  # people who were there and of whom nothing is told, for want of a consent
    notice: str = NOTICE
    compared_at: Sequence[str] = ()  # when the room's words were read aloud and were the same for all


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """The same 32 hex digits for the same thing, of no use to one who lacks the box's key (HMAC-SHA256, RFC 2104)."""
    return hmac.new(key, f"{kind}\x00{value}".encode(), hashlib.sha256).hexdigest()[:32]


def encode(record: SessionEnded) -> bytes:
    """JSON in UTF-8."""
    return msgspec.json.encode(record)
