"""One box's chain of packs in HQ's store: its newest, one of them, the next. For all who make or carry packs.

A power cut between an object's making and its flush may leave other bytes under its name. So nobody is given a pack
that is not durable, and none is made on top of one: only the last can be torn, no box has seen it, and the next
publisher sets it aside and gives its number away anew. What is torn deeper down was damaged later, maybe after its box
had it: that is told and never written over (the way out is in appliance/packs/ITEMS.md).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sync import pack, suite
from sync.envelope import NO_PREVIOUS
from sync.faults import SyncFault
from sync.hq.objects import Objects, numbered_path
from sync.pack import Pack

_log = logging.getLogger("hearth.hq")


async def newest(objects: Objects, box: bytes, pack_keys: Sequence[bytes]) -> tuple[int, bytes]:
    """Number and hash of the newest whole pack; 0 and zeros for none. It survives a power cut from now on: whoever made
    it may have died before that, and what follows it names its hash. `malformed_pack`: the chain is damaged."""
    paths = [entry.path async for entry in objects.entries(f"packs/{box.hex()}")]
    for path in reversed(paths[-2:]):
        found = whole(await objects.get(path) or b"", box, _number(path), pack_keys)
        if found is not None:
            await objects.make_durable(path)
            return found.number, found.hash
    if len(paths) > 1:
        raise SyncFault("malformed_pack")
    return 0, NO_PREVIOUS


async def fetch(objects: Objects, box: bytes, number: int, pack_keys: Sequence[bytes]) -> bytes | None:
    """One of them, to be given to its box: durable and whole. None where there is none."""
    path = numbered_path("packs", box, number)
    raw = await objects.get(path)
    try:
        if raw is None or whole(raw, box, number, pack_keys) is None:
            return None
    except SyncFault:  # made by a newer HQ; the box may be newer than this server too
        pass
    await objects.make_durable(path)
    return raw


async def add(objects: Objects, box: bytes, number: int, raw: bytes, pack_keys: Sequence[bytes]) -> bool:
    """Make pack `number`; False when another is there, who won the race. What a power cut tore gives way."""
    path = numbered_path("packs", box, number)
    there = await objects.create(path, raw)
    if there is not None:
        if whole(there, box, number, pack_keys) is not None:
            return False
        _log.error("set aside a torn pack of box %s", box.hex()[:8])
        await objects.replace(f"torn/{path}-{suite.digest(there).hex()[:8]}", there)
        if not await objects.swap(path, raw, there):
            return False
    await objects.make_durable(path)
    return True


def whole(raw: bytes, box: bytes, number: int, pack_keys: Sequence[bytes]) -> Pack | None:
    """The pack, or None for bytes that are none of this box and number. One of a newer version, or signed with a key
    that is no longer listed, is not torn: what cannot be checked is not given away."""
    try:
        found = pack.parse(raw)
        pack.verify(found, pack_keys, box)
    except SyncFault as fault:
        if fault.code == "unsupported_version":
            raise
        if fault.code != "pack_other_key":
            return None
    return found if (found.box, found.number) == (box, number) else None


def _number(path: str) -> int:
    name = path.rpartition("/")[2]
    return int(name) if name.isascii() and name.isdecimal() else 0
