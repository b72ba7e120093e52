"""What a pack of kind ITEMS can hold: one struct for each kind of item, bytes <-> item. Pure.

HQ's publisher and the box decode with the same code, so HQ cannot send what a box of its version refuses. A kind or a
`format` that is not known here is `unsupported_version`: the box keeps the pack until it is upgraded. Anything else
that does not fit is `malformed_item`. appliance/packs/ITEMS.md is the same in prose.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from sync import keys
from sync.content import FRAME_OVERHEAD, MAX_BODY, MAX_CONTENT
from sync.faults import SyncFault
from sync.keys import HqFacts

FORMAT = 1
MAX_VERSION = 2**53 - 1  # what every JSON reader holds exactly
MAX_TITLE = 120  # characters
MAX_TEXT = 40_000  # characters of a text; its JSON stays below an item's 64 KiB
MAX_STAFF = 200  # lines of one roster
MAX_FILE = 8 * 1024 * 1024  # bytes of a document or a recording
PART = 48_000  # bytes of one part of a file: 64,000 in base64, two in a pack
MAX_PARTS = -(-MAX_FILE // PART)
MAX_CHAIN = 32_768  # bytes of a certificate chain
MAX_NUMBERS = 64

# Not "$", which lets a line feed stand at the end: these words go into headers, names and pages.
_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,7}\Z")
_ID = re.compile(r"^[a-z0-9][a-z0-9-]{0,63}\Z")
_CLASS = re.compile(r"^[a-z0-9_]{1,64}\Z")
_RELEASE = re.compile(r"^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}([a-z0-9.-]{0,20})\Z")
_DIGEST = re.compile(r"^[0-9a-f]{64}\Z")
_NAME = re.compile(r"^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")
_URL = re.compile(r"^https://[!-?A-~]{3,490}\Z")  # ASCII without blanks, and no @
_USERNAME = re.compile(r"^[^\s\x00-\x1f\x7f]{2,64}\Z")
# What a browser shows or plays without running anything in it. HTML and SVG could hold a script: not among them.
MEDIA_TYPES = {
    "document": ("application/pdf", "image/png", "image/jpeg"),
    "audio": ("audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav"),
}

Role = Literal["administrator", "operator", "facilitator", "clinical_lead", "billing", "auditor"]


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version` rises with each change of the same thing: `thing` tells things of one kind apart, "" where there is
    only one."""

    format: Literal[1] = 1
    version: int

    @property
    def thing(self) -> str:
        return ""

    def check(self) -> None:
        """Raise `malformed_item` for what the types do not say."""


class Policy(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hold_back`: record classes that stay on the box although its own table lets them leave: only ever narrower.

    `hear_within_days`: after so many days without a word from HQ the console warns."""

    hold_back: tuple[str, ...] = ()
    hear_within_days: int = 30

    def check(self) -> None:
        _need(len(self.hold_back) <= MAX_NUMBERS and all(map(_CLASS.match, self.hold_back)))
        _need(1 <= self.hear_within_days <= 365)


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language of an agreement; paragraphs are parted by empty lines."""

    language: str
    title: str
    body: str


class Agreement(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The confidentiality agreement. Everybody signs it anew before the next session."""

    texts: tuple[Text, ...]

    def check(self) -> None:
        languages = [one.language for one in self.texts]
        _need(1 <= len(languages) <= 16 and len(set(languages)) == len(languages) and "en" in languages)
        for one in self.texts:
            _need(bool(_LANGUAGE.match(one.language)) and _line(one.title, MAX_TITLE) and _text(one.body))


class Resource(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to read, keep or listen to. `text` for kind text; else a file that came in parts before: `digest` its
    SHA-256 (hex), `size` in bytes. `audience`: anyone who reaches the box's pages; patients with an invitation and
    staff; staff alone. `removed`: take it away, nothing else counts."""

    id: str
    removed: bool = False
    title: str = ""
    language: str = "en"
    kind: Literal["text", "document", "audio"] = "text"
    audience: Literal["anyone", "patients", "staff"] = "patients"
    text: str = ""
    media_type: str = ""
    digest: str = ""
    size: int = 0

    @property
    def thing(self) -> str:
        return self.id

    def check(self) -> None:
        _need(bool(_ID.match(self.id)))
        if self.removed:
            return
        _need(_line(self.title, MAX_TITLE) and bool(_LANGUAGE.match(self.language)))
        if self.kind == "text":
            _need(_text(self.text) and not self.media_type and not self.digest and not self.size)
        else:
            _need(not self.text and self.media_type in MEDIA_TYPES[self.kind])
            _need(bool(_DIGEST.match(self.digest)) and 1 <= self.size <= MAX_FILE)


class ResourcePart(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a file, before the `resource` that names it by `digest`. `part` counts from 0, `data` is base64."""

    digest: str
    part: int
    data: str

    @property
    def thing(self) -> str:
        return f"{self.digest}/{self.part}"

    @property
    def raw(self) -> bytes:
        return _decoded(self.data)

    def check(self) -> None:
        _need(bool(_DIGEST.match(self.digest)) and 0 <= self.part < MAX_PARTS and 1 <= len(self.raw) <= PART)


class Colleague(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One member of staff. `id` is HQ's and stays; the box finds an account that it has already by `username`."""

    id: str
    name: str
    username: str
    role: Role
    state: Literal["active", "retired"]


class Roster(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Staff as HQ knows them. Who is not listed is left alone."""

    staff: tuple[Colleague, ...]

    def check(self) -> None:
        ids, names = [one.id for one in self.staff], [one.username.casefold() for one in self.staff]
        _need(len(ids) <= MAX_STAFF and len(set(ids)) == len(ids) and len(set(names)) == len(names))
        for one in self.staff:
            _need(bool(_ID.match(one.id)) and _line(one.name, 80) and bool(_USERNAME.match(one.username)))


class Revocations(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At once: `accounts` (user names) are retired and signed out; with `everybody`, all staff are signed out."""

    accounts: tuple[str, ...] = ()
    everybody: bool = False

    def check(self) -> None:
        _need(len(self.accounts) <= MAX_STAFF and all(_USERNAME.match(one) for one in self.accounts))
        _need(self.everybody or len(self.accounts) > 0)


class TlsName(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name under which HQ will get this box a certificate. The box answers with a request (class `tls_request`)."""

    name: str

    def check(self) -> None:
        """Names below .local are the box's own (RFC 6762): browsers trust its own certificate for them."""
        _need(bool(_NAME.match(self.name)) and not self.name.endswith(".local"))


class TlsCertificate(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate for that name, PEM, the box's own first. The private key has never left the box."""

    chain: str

    def check(self) -> None:
        _need(len(self.chain) <= MAX_CHAIN and self.chain.isascii() and "PRIVATE KEY" not in self.chain)
        _need(self.chain.strip().startswith("-----BEGIN CERTIFICATE-----"))


class Update(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a release exists. Nothing is installed by this. `since`: its day; `notes`: by language."""

    release: str
    since: str
    notes: dict[str, str] = {}
    digest: str = ""
    url: str = ""
    size: int = 0

    def check(self) -> None:
        _need(bool(_RELEASE.match(self.release)) and 0 <= self.size < 2**40)
        _need(not self.digest or bool(_DIGEST.match(self.digest)))
        _need(not self.url or bool(_URL.match(self.url)))
        _need(len(self.notes) <= 16 and all(_LANGUAGE.match(k) and _text(v, 4000) for k, v in self.notes.items()))
        try:
            datetime.date.fromisoformat(self.since)
        except ValueError:
            raise SyncFault("malformed_item") from None


class HqKeys(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """HQ's public facts as they are from now on, `hq.json` in base64. Its `serial` rises as `version` does."""

    facts: str

    @property
    def parsed(self) -> HqFacts:
        """`malformed_facts`, `unsupported_version`."""
        return keys.hq_from_json(_decoded(self.facts))

    def check(self) -> None:
        _need(self.parsed.serial == self.version)


class Void(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Earlier packs that a box which refused them may pass over: the way out when HQ sent what no box can take."""

    numbers: tuple[int, ...]

    def check(self) -> None:
        _need(1 <= len(self.numbers) <= MAX_NUMBERS and all(one >= 1 for one in self.numbers))


class Kind(msgspec.Struct, frozen=True):
    """A kind of item, and whether its versions are held against each other: parts and voids stand for themselves."""

    struct: type[Item]
    ordered: bool = True


KINDS: dict[str, Kind] = {
    "policy": Kind(Policy),
    "agreement": Kind(Agreement),
    "resource": Kind(Resource),
    "resource_part": Kind(ResourcePart, ordered=False),
    "roster": Kind(Roster),
    "revocations": Kind(Revocations),
    "tls_name": Kind(TlsName),
    "tls_certificate": Kind(TlsCertificate),
    "update": Kind(Update),
    "hq_facts": Kind(HqKeys),
    "void": Kind(Void, ordered=False),
}
_KIND_OF = {kind.struct: name for name, kind in KINDS.items()}


class _Head(msgspec.Struct, frozen=True):
    """Read before anything else, so that an item of a later format is not called malformed."""

    format: int


def kind_of(item: Item) -> str:
    """The item's kind: its record class in the pack."""
    return _KIND_OF[type(item)]


def encode(item: Item) -> bytes:
    """JSON in UTF-8, checked. `malformed_item`, `too_large`."""
    body = msgspec.json.encode(item)
    if len(body) > MAX_BODY:
        raise SyncFault("too_large")
    decode(kind_of(item), body)
    return body


def decode(kind: str, body: bytes) -> Item:
    """The item of that kind: `unsupported_version`, `malformed_item`, for HQ's facts also `malformed_facts`."""
    if kind not in KINDS:
        raise SyncFault("unsupported_version")
    try:
        if msgspec.json.decode(body, type=_Head).format != FORMAT:
            raise SyncFault("unsupported_version")
        item = msgspec.json.decode(body, type=KINDS[kind].struct)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SyncFault("malformed_item") from None
    _need(1 <= item.version <= MAX_VERSION)
    item.check()
    return item


def parts_of(raw: bytes, version: int) -> list[ResourcePart]:
    """A file cut into the items that carry it."""
    digest = hashlib.sha256(raw).hexdigest()
    return [
        ResourcePart(
            version=version,
            digest=digest,
            part=at // PART,
            data=base64.b64encode(raw[at : at + PART]).decode("ascii"),
        )
        for at in range(0, len(raw), PART)
    ]


def cut(items: Sequence[Item], at: str) -> list[list[Item]]:
    """The items in as few packs as their sizes allow, in order. `at`: the time that each record will carry."""
    packs: list[list[Item]] = []
    room = 0
    for item in items:
        size = FRAME_OVERHEAD + len(kind_of(item)) + len(at) + len(encode(item))
        if not packs or size > room:
            packs.append([])
            room = MAX_CONTENT
        packs[-1].append(item)
        room -= size
    return packs


def _need(good: bool) -> None:
    if not good:
        raise SyncFault("malformed_item")


def _line(text: str, limit: int) -> bool:
    return 1 <= len(text) <= limit and text.isprintable() and text == text.strip()


def _text(text: str, limit: int = MAX_TEXT) -> bool:
    """Paragraphs of letters: no control characters but line feeds, nothing that turns the line round."""
    return 1 <= len(text.strip()) <= limit and all(char.isprintable() or char == "\n" for char in text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SyncFault("malformed_item") from None
