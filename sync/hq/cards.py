"""What HQ keeps of each box: its public facts, its name, its certificate, and whether it is still let in.

One small object a box, `cards/<box>.json`, changed by `swap` alone: two servers never overwrite each other's change.
What HQ of 0.4.0 wrote into its folder (`enrolled/<box>.json`) is still read, and becomes a card with its first change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from sync import keys
from sync.faults import SyncFault
from sync.hq.objects import Objects
from sync.keys import BoxFacts
from sync.spool import read_bounded

VERSION = 1
MAX_CARD = 65_536  # bytes
MAX_NAME = 80  # letters of a box's name at HQ: "Clinic at the lake"
MAX_REASON = 200  # letters
SWAPS = 16  # tries to change a card while others change it too


@dataclass(frozen=True, slots=True)
class Card:
    """One box. Times are RFC 3339 or ""; `revoked` is when it was shut out; `replaced_by` is a box id or b"".

    `certificate_serial` (lower-case hex) and `certificate_ends` are of the newest client certificate, "" before that.
    """

    facts: BoxFacts
    name: str = ""
    enrolled_at: str = ""
    certificate_serial: str = ""
    certificate_ends: str = ""
    revoked: str = ""
    reason: str = ""
    replaced_by: bytes = b""


class _Stored(msgspec.Struct, kw_only=True, omit_defaults=True):
    version: int
    facts: msgspec.Raw
    name: str = ""
    enrolled_at: str = ""
    certificate_serial: str = ""
    certificate_ends: str = ""
    revoked: str = ""
    reason: str = ""
    replaced_by: str = ""


class Cards:
    """The cards of one HQ. Faults: `hq_failed`; `malformed_facts`, `unsupported_version` for a damaged card."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self._objects = objects
        self._folder = folder

    async def get(self, box: bytes) -> Card | None:
        """The card, None for a box that was never enrolled. Read anew each time: enrolling needs no restart."""
        raw = await self._objects.get(_path(box))
        return self._older(box) if raw is None else card_from_json(raw)

    async def put(self, card: Card) -> None:
        """Make the card, or make it what it says whatever it was."""
        await self.change(card.facts.box, lambda _: card)

    async def change(self, box: bytes, to: Callable[[Card | None], Card]) -> Card:
        """Change the card to what `to` makes of it, and return that. `to` may refuse by raising, and may be asked again
        when somebody else was quicker."""
        for _ in range(SWAPS):
            raw = await self._objects.get(_path(box))
            was = self._older(box) if raw is None else card_from_json(raw)
            card = to(was)
            if (raw is not None and card == was) or await self._objects.swap(_path(box), card_to_json(card), raw):
                return card
        raise SyncFault("busy")

    async def all(self) -> AsyncIterator[Card]:
        """Every box that was enrolled, revoked ones too, in no order that means anything."""
        seen: set[bytes] = set()
        async for entry in self._objects.entries("cards"):
            box = keys.box_from_text(entry.path.removeprefix("cards/").removesuffix(".json"))
            card = None if box is None else await self.get(box)
            if card is not None:
                seen.add(card.facts.box)
                yield card
        for path in sorted((self._folder / "enrolled").glob("*.json")):
            box = keys.box_from_text(path.stem)
            older = None if box is None or box in seen else self._older(box)
            if older is not None:
                yield older

    def _older(self, box: bytes) -> Card | None:
        raw = read_bounded(self._folder / "enrolled" / f"{box.hex()}.json", keys.MAX_FACTS)
        return None if raw is None else Card(keys.box_from_json(raw))


def known(card: Card | None, facts: BoxFacts) -> Card:
    """The card of a box that is enrolled by its file of public facts. The same facts again change nothing, and a box of
    0.4.0 may add the key for what goes down to it; `box_exists` for another key under one id; `box_revoked`."""
    if card is None:
        return Card(facts)
    if card.revoked:
        raise SyncFault("box_revoked")
    if card.facts.verify_key != facts.verify_key:
        raise SyncFault("box_exists")
    if card.facts.inbox_key and facts.inbox_key and card.facts.inbox_key != facts.inbox_key:
        raise SyncFault("box_exists")
    return replace(card, facts=replace(card.facts, inbox_key=facts.inbox_key or card.facts.inbox_key))


def card_to_json(card: Card) -> bytes:
    stored = _Stored(
        version=VERSION,
        facts=msgspec.Raw(msgspec.json.encode(keys.box_to_dict(card.facts))),
        name=card.name,
        enrolled_at=card.enrolled_at,
        certificate_serial=card.certificate_serial,
        certificate_ends=card.certificate_ends,
        revoked=card.revoked,
        reason=card.reason,
        replaced_by=card.replaced_by.hex(),
    )
    return msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n"


def card_from_json(raw: bytes) -> Card:
    """Faults: `malformed_facts`, `unsupported_version`."""
    try:
        stored = msgspec.json.decode(raw if len(raw) <= MAX_CARD else b"", type=_Stored)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SyncFault("malformed_facts") from None
    if stored.version != VERSION:
        raise SyncFault("unsupported_version")
    replaced_by = keys.box_from_text(stored.replaced_by) if stored.replaced_by else b""
    if replaced_by is None:
        raise SyncFault("malformed_facts")
    return Card(
        facts=keys.box_from_json(bytes(stored.facts)),
        name=stored.name,
        enrolled_at=stored.enrolled_at,
        certificate_serial=stored.certificate_serial,
        certificate_ends=stored.certificate_ends,
        revoked=stored.revoked,
        reason=stored.reason,
        replaced_by=replaced_by,
    )


def _path(box: bytes) -> str:
    return f"cards/{box.hex()}.json"
