"""`hq publish`: plain files to sealed, signed packs, one chain for each box. ITEMS.md describes the files.

Needs the pack key and the boxes' cards, not the record key: it may run where nothing can be opened. All is checked
with the box's own decoder before the first pack is made. Two who publish at once: the number is decided by conditional
create, and who comes second seals anew on top.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import datetime
import hashlib
import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from sync import items, keys, pack, suite
from sync.content import Record
from sync.faults import SENTENCES, SyncFault
from sync.hq import folder as hq_folder
from sync.hq import packs, releases
from sync.hq.cards import Cards
from sync.hq.objects import Objects, open_objects
from sync.items import Item
from sync.keys import BoxFacts
from sync.releases import to_json as list_json
from sync.spool import read_bounded
from sync.terminal import DONE, FAILED, tell

MAX_LIST = 1_000_000  # bytes of a file of box ids: 30,000 of them
MAX_INPUT = 131_072  # bytes of a description
AT_ONCE = 16  # boxes in work: the store answers several at once
TRIES = 20  # against others who publish to the same box; each of theirs that wins makes one of ours lose
NO_INBOX = "it has told no key for packs yet: it runs an older version"


@dataclass(frozen=True, slots=True)
class Ready:
    """An item as it will be sent. `auto`: its version is the number of the pack that carries it, which always rises."""

    item: Item
    auto: bool = False


Head = tuple[int, bytes]  # number and hash of a box's newest pack
Planned = Sequence[tuple[Ready, str]]  # the items of one pack, each with the time that its record carries


@dataclass(frozen=True, slots=True)
class Published:
    """What one box will get: pack numbers, first to last; or why it will get nothing."""

    box: bytes
    first: int = 0
    last: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One pack that waits for its box or was taken, as far as HQ can see without opening it: it cannot."""

    number: int
    at: int
    size: int
    kind: int


# -- from files to items -----------------------------------------------------------------------------------------------


def policy(path: Path) -> list[Ready]:
    return [_described(path, items.Policy)]


def roster(path: Path) -> list[Ready]:
    return [_described(path, items.Roster)]


def update(path: Path) -> list[Ready]:
    """Files that are named go to the store first (`_keep_releases`); the item names their list."""
    fields = _fields(path)
    found = releases.from_fields(path, fields)
    if found is not None:
        raw = list_json(found[0])
        fields |= {"digest": hashlib.sha256(raw).hexdigest(), "size": len(raw), "url": ""}
    return [_checked(path, fields, items.Update)]


def agreement(path: Path) -> list[Ready]:
    """`file` in a text names a file beside the description: its first line is the title, the rest the body."""
    fields = _fields(path)
    for text in fields.get("texts", ()):
        if isinstance(text, dict) and isinstance(text.get("file"), str):
            title, _, body = _beside(path, text.pop("file"), MAX_INPUT).decode("utf-8").partition("\n")
            text["title"], text["body"] = title.strip(), body.strip()
    return [_checked(path, fields, items.Agreement)]


def resource(path: Path) -> list[Ready]:
    """`file` names what is shown, beside the description: a text, or a document or recording that goes in parts."""
    fields = _fields(path)
    name = fields.pop("file", None)
    if name is None:
        return [_checked(path, fields, items.Resource)]
    raw = _beside(path, str(name), items.MAX_FILE)
    if fields.get("kind", "text") == "text":
        return [_checked(path, {**fields, "text": raw.decode("utf-8").strip()}, items.Resource)]
    parts = items.parts_of(raw, 1)
    whole = _checked(path, {**fields, "digest": parts[0].digest if parts else "", "size": len(raw)}, items.Resource)
    return [*(Ready(part) for part in parts), whole]


def certificate(path: Path, now: datetime.datetime) -> list[Ready]:
    """A chain in PEM, the box's own certificate first. ValueError for one that has ended."""
    chain = _beside(path, path.name, items.MAX_CHAIN).decode("ascii", "replace")
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode("ascii", "replace"))[0]
    except ValueError:
        raise ValueError(f"{path.name} holds no certificate in PEM") from None
    if leaf.not_valid_after_utc <= now:
        raise ValueError(f"the certificate in {path.name} has ended")
    return [_auto(items.TlsCertificate(version=items.MAX_VERSION, chain=chain))]


def tls_name(name: str) -> list[Ready]:
    return [_auto(items.TlsName(version=items.MAX_VERSION, name=name.lower()))]


def revocations(accounts: Sequence[str], everybody: bool) -> list[Ready]:
    return [_auto(items.Revocations(version=items.MAX_VERSION, accounts=tuple(accounts), everybody=everybody))]


def void(numbers: Sequence[int]) -> list[Ready]:
    return [_auto(items.Void(version=items.MAX_VERSION, numbers=tuple(numbers)))]


def hq_facts(folder: Path) -> list[Ready]:
    """HQ's keys as they stand in hq-public.json."""
    facts = hq_folder.public(folder)
    text = base64.b64encode(keys.hq_to_json(facts)).decode("ascii")
    return [Ready(items.HqKeys(version=facts.serial, facts=text))]


def _described(path: Path, kind: type[Item]) -> Ready:
    return _checked(path, _fields(path), kind)


def _checked(path: Path, fields: dict[str, Any], kind: type[Item]) -> Ready:
    """ValueError names the file and what is wrong in it: here somebody can mend it."""
    try:
        item = msgspec.convert(fields, type=kind)
        items.encode(item)
    except msgspec.ValidationError as problem:
        raise ValueError(f"{path.name}: {problem}") from None
    except SyncFault as fault:
        if fault.code not in ("malformed_item", "too_large"):
            raise
        raise ValueError(f"{path.name}: a value is not as ITEMS.md describes it ({fault.code})") from None
    return Ready(item)


def _auto(item: Item) -> Ready:
    try:
        items.encode(item)
    except SyncFault as fault:
        raise ValueError(f"{items.kind_of(item)}: not as ITEMS.md describes it ({fault.code})") from None
    return Ready(item, auto=True)


def _fields(path: Path) -> dict[str, Any]:
    raw = _beside(path, path.name, MAX_INPUT)
    try:
        found = json.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as problem:  # both parsers' faults are ValueErrors
        raise ValueError(f"{path.name}: {problem}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path.name}: not a table")
    return found


def _beside(path: Path, name: str, limit: int) -> bytes:
    raw = read_bounded(path.parent / name, limit)
    if raw is None:
        raise ValueError(f"there is no file {name}")
    if len(raw) > limit:
        raise ValueError(f"{name} is larger than {limit} bytes")
    return raw


# -- from items to packs -----------------------------------------------------------------------------------------------


def recipients(folder: Path, to: str) -> list[BoxFacts]:
    """`to`: a box's id, "all", or a file with one id a line. ValueError for a box that is not enrolled or shut out."""
    if not to:
        raise ValueError("say who gets it: --to BOX, --to all, or --to FILE with one id a line")
    if to == "all":
        found = hq_folder.waited_for(_all(hq_folder.cards(folder)))
        if not found:
            raise ValueError("no box is enrolled here yet")
        return found
    listed = read_bounded(Path(to), MAX_LIST) if keys.box_from_text(to) is None else to.encode("ascii")
    if listed is None or len(listed) > MAX_LIST:
        raise ValueError("--to is a box's id, all, or a file with one id a line")
    return hq_folder.waited_for(_named(hq_folder.cards(folder), listed.decode("ascii", "replace").split()))


async def _all(cards: Cards) -> list[BoxFacts]:
    """Every box that is not shut out, by id."""
    return sorted([card.facts async for card in cards.all() if not card.revoked], key=lambda facts: facts.box)


async def _named(cards: Cards, lines: Sequence[str]) -> list[BoxFacts]:
    found: dict[bytes, BoxFacts] = {}
    for line in lines:
        box = keys.box_from_text(line)
        card = None if box is None else await cards.get(box)
        if card is None:
            raise ValueError(f"box {line[:8]} is not enrolled here")
        if card.revoked:
            raise ValueError(f"box {line[:8]} is shut out")
        found[card.facts.box] = card.facts
    return list(found.values())


async def publish(
    folder: Path, to: Sequence[BoxFacts], ready: Sequence[Ready], at: Callable[[], datetime.datetime]
) -> list[Published]:
    """Make the next packs of each of those boxes. A box that cannot get packs is told of, the others get theirs."""
    objects, signing = open_objects(folder), hq_folder.pack_signing_key(folder)
    pack_keys = hq_folder.public(folder).pack_keys
    if signing.public not in pack_keys:
        raise SyncFault("bad_key_file")  # no box would believe it
    plan, stamp = planned(ready, at().strftime("%Y-%m-%dT%H:%M:%SZ")), int(at().timestamp())
    desk = _Desk(objects, signing, pack_keys, stamp)
    made: list[Published] = []
    for start in range(0, len(to), AT_ONCE):
        made += await asyncio.gather(*(_publish_one(desk, box, plan) for box in to[start : start + AT_ONCE]))
    return made


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all packs of one run are made with. `at`: Unix seconds."""

    objects: Objects
    signing: suite.SigningKey
    pack_keys: Sequence[bytes]
    at: int


async def _publish_one(desk: _Desk, box: BoxFacts, plan: Sequence[Planned]) -> Published:
    if not box.inbox_key:
        return Published(box.box, fault="no_inbox_key")
    try:
        heads: list[Head] = []
        for some in plan:
            heads.append(await _add(desk, box, some, heads[-1] if heads else None))
    except SyncFault as fault:
        if fault.code == "hq_failed":
            raise
        return Published(box.box, fault=fault.code)
    return Published(box.box, heads[0][0], heads[-1][0])


def planned(ready: Sequence[Ready], at: str) -> list[Planned]:
    """The items by pack. A version that is not known yet takes as much room as the largest."""
    by_item = {id(one.item): one for one in ready}
    cut = items.cut([one.item for one in ready], at)
    return [[(by_item[id(item)], at) for item in some] for some in cut]


def _records(planned_pack: Planned, number: int) -> list[Record]:
    records = []
    for place, (one, at) in enumerate(planned_pack, 1):
        item = msgspec.structs.replace(one.item, version=number) if one.auto else one.item
        records.append(Record(place, items.kind_of(item), at, items.encode(item)))
    return records


async def _add(desk: _Desk, box: BoxFacts, some: Planned, head: Head | None) -> Head:
    """The next pack of that box, made on top of `head` if that still is the newest. `busy` when others win again and
    again."""
    for _ in range(TRIES):
        number, previous = head or await packs.newest(desk.objects, box.box, desk.pack_keys)
        raw = pack.seal(
            _records(some, number + 1),
            kind=pack.ITEMS,
            box=box.box,
            number=number + 1,
            previous=previous,
            inbox_key=box.inbox_key,
            signing_key=desk.signing,
            at=desk.at,
        )
        if await packs.add(desk.objects, box.box, number + 1, raw, desk.pack_keys):
            return number + 1, suite.digest(raw)
        head = None
    raise SyncFault("busy")


async def listed(folder: Path, box: bytes) -> list[Listed]:
    """The packs that were made for a box. One that is torn or damaged has kind 0."""
    objects, found = open_objects(folder), []
    async for entry in objects.entries(f"packs/{box.hex()}"):
        raw = await objects.get(entry.path) or b""
        try:
            one = pack.parse(raw)
        except SyncFault:
            name = entry.path.rpartition("/")[2]
            found.append(Listed(int(name) if name.isdecimal() else 0, 0, len(raw), 0))
            continue
        found.append(Listed(one.number, one.at, len(one.raw), one.kind))
    return found


# -- from the command line ---------------------------------------------------------------------------------------------


def wanted(chosen: argparse.Namespace, now: datetime.datetime) -> list[Ready]:
    """Everything that the command line asks for, in the order in which a box applies it. ValueError for nothing."""
    found: list[Ready] = []
    for read, paths in (
        (policy, chosen.policy),
        (agreement, chosen.agreement),
        (resource, chosen.resource),
        (roster, chosen.roster),
        (update, chosen.update),
    ):
        for path in paths:
            found += read(path)
    if chosen.revoke or chosen.sign_out_everybody:
        found += revocations(chosen.revoke, chosen.sign_out_everybody)
    if chosen.tls_name:
        found += tls_name(chosen.tls_name)
    if chosen.certificate:
        found += certificate(chosen.certificate, now)
    if chosen.hq_keys:
        found += hq_facts(chosen.folder)
    if chosen.void:
        found += void(chosen.void)
    if not found:
        raise ValueError("nothing to publish was named")
    return found


def run(chosen: argparse.Namespace) -> int:
    """`hq publish`. Exit code 1 when a box got nothing."""
    if chosen.list:
        return _run_list(chosen)
    now = datetime.datetime.now(datetime.UTC)
    ready, to = wanted(chosen, now), recipients(chosen.folder, chosen.to)
    if len(to) > 1 and (chosen.tls_name or chosen.certificate):
        raise ValueError("a name or a certificate is for one box")
    asyncio.run(_keep_releases(chosen))
    code = DONE
    for one in asyncio.run(publish(chosen.folder, to, ready, lambda: datetime.datetime.now(datetime.UTC))):
        code = FAILED if one.fault else code
        facts = {"box": one.box.hex(), "first": one.first, "last": one.last, "fault": one.fault}
        text = f"pack {one.first}" if one.first == one.last else f"packs {one.first} to {one.last}"
        text = (NO_INBOX if one.fault == "no_inbox_key" else SENTENCES[one.fault]) if one.fault else text
        tell(json.dumps(facts) if chosen.json else f"box {one.box.hex()[:8]}: {text}")
    return code


async def _keep_releases(chosen: argparse.Namespace) -> None:
    """The files first: a box that is told of a release finds it."""
    for path in chosen.update:
        found = releases.from_fields(path, _fields(path))
        if found is not None:
            await releases.keep(open_objects(chosen.folder), *found)


_KINDS = {0: "damaged", pack.ITEMS: "items", pack.RETURNED: "returned records"}


def _run_list(chosen: argparse.Namespace) -> int:
    box = keys.box_from_text(chosen.list)
    if box is None:
        raise ValueError("--list needs a box's id, 32 hexadecimal digits")
    for one in asyncio.run(listed(chosen.folder, box)):
        at = datetime.datetime.fromtimestamp(one.at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        kind = _KINDS[one.kind]
        facts = {"number": one.number, "at": at, "bytes": one.size, "kind": kind}
        tell(json.dumps(facts) if chosen.json else f"{one.number:6}  {at}  {one.size:8} bytes  {kind}")
    return DONE
