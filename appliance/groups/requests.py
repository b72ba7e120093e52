"""What a page may ask about its session's MLS group, from the wire to frozen structs, or a fault. Pure.

The box looks at the first four bytes of a message (version and wire format, RFC 9420 section 6) and at its length. What
is inside is between the browsers.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from msgspec import Meta

from appliance.faults import Fault
from appliance.groups.rules import MAX_HANDSHAKE, MAX_KEY_PACKAGE, MAX_SAID, b64url
from appliance.policy import Action
from appliance.sessions.rules import MAX_MEMBERS

# Wire formats and version of RFC 9420 section 6.
PUBLIC, PRIVATE, WELCOME, GROUP_INFO, KEY_PACKAGE = range(1, 6)
MLS_10 = 1


class Blob(bytes):
    """Bytes that came as base64url without padding (RFC 4648 section 5), at most LIMIT of them."""

    LIMIT: ClassVar[int]

    @classmethod
    def taken(cls, text: object) -> Blob:
        """From the wire's text. Faults: bad_request, too_large."""
        if not isinstance(text, str):
            raise Fault("bad_request", "not text")
        if len(text) > (cls.LIMIT * 4 + 2) // 3:
            raise Fault("too_large", "a group's bytes")
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        except (UnicodeEncodeError, binascii.Error):
            raise Fault("bad_request", "not base64url") from None
        if b64url(raw) != text or not cls.fits(raw):  # one text for one value: nothing is told apart by its spelling
            raise Fault("bad_request", "not what it should be")
        return cls(raw)

    @classmethod
    def fits(cls, raw: bytes) -> bool:
        raise NotImplementedError


class LeafKey(Blob):
    """An Ed25519 public key."""

    LIMIT = 32

    @classmethod
    def fits(cls, raw: bytes) -> bool:
        return len(raw) == 32


class Message(Blob):
    """An MLSMessage of one of FORMATS."""

    FORMATS: ClassVar[tuple[int, ...]]

    @classmethod
    def fits(cls, raw: bytes) -> bool:
        version, wire_format = raw[:2], raw[2:4]
        return version == MLS_10.to_bytes(2, "big") and int.from_bytes(wire_format, "big") in cls.FORMATS


class KeyPackage(Message):
    LIMIT, FORMATS = MAX_KEY_PACKAGE, (KEY_PACKAGE,)


class Commit(Message):
    LIMIT, FORMATS = MAX_HANDSHAKE, (PUBLIC, PRIVATE)


class Welcome(Message):
    LIMIT, FORMATS = MAX_HANDSHAKE, (WELCOME,)


class GroupInfo(Message):
    LIMIT, FORMATS = MAX_HANDSHAKE, (GROUP_INFO,)


class Said(Message):
    LIMIT, FORMATS = MAX_SAID, (PRIVATE,)


GroupId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Epoch = Annotated[int, Meta(ge=0, lt=2**53)]  # RFC 9420 has 64 bits; a script counts to 2^53, and no session gets there
MemberId = Annotated[str, Meta(min_length=1, max_length=64)]


class Ask(msgspec.Struct, frozen=True, rename="camel"):
    """What every request's data is. Unknown fields are ignored."""


class AskCredential(Ask, frozen=True):
    ACTION: ClassVar[Action] = "certify_key"
    key: LeafKey


class AskOffer(Ask, frozen=True):
    ACTION: ClassVar[Action] = "offer_keys"
    key_package: KeyPackage


class AskLook(Ask, frozen=True):
    ACTION: ClassVar[Action] = "look_at_group"


class AskFound(Ask, frozen=True):
    ACTION: ClassVar[Action] = "found_group"
    group: GroupId
    group_info: GroupInfo
    instead: GroupId | None


class AskCommit(Ask, frozen=True):
    ACTION: ClassVar[Action] = "commit_keys"
    group: GroupId
    epoch: Epoch
    commit: Commit
    group_info: GroupInfo
    welcome: Welcome | None
    added: Annotated[tuple[MemberId, ...], Meta(max_length=MAX_MEMBERS)]


class AskCommits(Ask, frozen=True):
    ACTION: ClassVar[Action] = "read_commits"
    group: GroupId
    after: Epoch


class AskSay(Ask, frozen=True):
    ACTION: ClassVar[Action] = "say"
    group: GroupId
    message: Said
    to: Annotated[tuple[MemberId, ...], Meta(min_length=1, max_length=MAX_MEMBERS)] | None = None  # None: all


class AskCompared(Ask, frozen=True):
    ACTION: ClassVar[Action] = "compare"
    group: GroupId
    epoch: Epoch


Asked: TypeAlias = AskCredential | AskOffer | AskLook | AskFound | AskCommit | AskCommits | AskSay | AskCompared

REQUESTS: Mapping[str, type[Asked]] = {
    "groupCredential": AskCredential,
    "groupOffer": AskOffer,
    "groupLook": AskLook,
    "groupFound": AskFound,
    "groupCommit": AskCommit,
    "groupCommits": AskCommits,
    "groupSay": AskSay,
    "groupCompared": AskCompared,
}


def parse(method: str, data: Mapping[str, Any]) -> Asked:
    """The request as it is meant. Faults: bad_request, too_large."""
    kind = REQUESTS.get(method)
    if kind is None:
        raise Fault("bad_request", "no such method")
    try:
        asked = msgspec.convert(data, kind, dec_hook=_blob)
    except msgspec.ValidationError:
        raise Fault("bad_request", method) from None
    if isinstance(asked, AskCommit) and (asked.welcome is None) != (not asked.added):
        raise Fault("bad_request", "a welcome without anybody, or the other way round")
    if isinstance(asked, AskCommit) and len(set(asked.added)) != len(asked.added):
        raise Fault("bad_request", "one added twice")
    if isinstance(asked, AskSay) and asked.to is not None and len(set(asked.to)) != len(asked.to):
        raise Fault("bad_request", "said to one twice")
    if isinstance(asked, AskFound) and asked.instead == asked.group:
        raise Fault("bad_request", "a group instead of itself")
    return asked


def _blob(kind: type, value: object) -> object:
    if not issubclass(kind, Blob):
        raise NotImplementedError(kind)
    return kind.taken(value)
