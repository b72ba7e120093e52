"""How much a page may ask of its session's group, and what a leaf credential says. Pure."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Literal

import msgspec

# With our credential one takes about 0.7 KiB; more would be somebody else's.
MAX_KEY_PACKAGE = 4 * 1024  # bytes
# A room of sixteen with its ratchet tree takes 12 KiB.
MAX_HANDSHAKE = 32 * 1024  # bytes of a commit, a welcome, a group info
MAX_SAID = 8 * 1024  # bytes of one sealed line of the chat
KEPT_COMMITS = 256  # per group; a page that is further behind comes back in by a new offer
MAX_ANSWERED = 128 * 1024  # bytes of commits in one answer; the page asks for the rest
SAYS_PER_SECOND, SAYS_AT_ONCE = 5.0, 20.0  # per page: faster than anybody types, slower than a flood
# Per page: each offer goes to all who lead, with everybody else's. A reload is one; a lost welcome a few.
OFFERS_PER_SECOND, OFFERS_AT_ONCE = 1.0, 8.0
# Per page, what it asks of the room (room/PROTOCOL.md): taps, and a few cards at once after a return.
TAPS_PER_SECOND, TAPS_AT_ONCE = 2.0, 15.0
ASKS_PER_SECOND, ASKS_AT_ONCE = 10.0, 40.0  # per page, all others; a page that comes in asks five times


def b64url(raw: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(slots=True)
class Allowance:
    """`rate` a second on the long run, `at_once` after a silence."""

    rate: float
    at_once: float
    _left: float = field(init=False)
    _seen: float | None = None

    def __post_init__(self) -> None:
        self._left = self.at_once

    def take(self, now: float) -> bool:
        """One more at `now` (monotonic seconds), or False if that were too many."""
        since = 0.0 if self._seen is None else max(0.0, now - self._seen)
        self._left, self._seen = min(self.at_once, self._left + since * self.rate), now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


CredentialRole = Literal["facilitator", "participant"]
CREDENTIAL_DOMAIN = b"hearth leaf credential 1\n"


class Credential(msgspec.Struct, frozen=True):
    """What the box says of the holder of a leaf's signature key (`key`, base64url)."""

    v: int
    session: str
    member: str
    role: CredentialRole
    name: str
    language: str
    key: str


def payload(credential: Credential) -> str:
    """The part of the identity before the dot."""
    return b64url(msgspec.json.encode(credential))


def signed_bytes(payload_text: str) -> bytes:
    """What the box's signature covers."""
    return CREDENTIAL_DOMAIN + payload_text.encode()
