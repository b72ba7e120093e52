"""HQ's side of releases: from files on its disk to objects in its store, and a part of one for a box that asks.

updates/<SHA-256>/<8 digits>    1 MiB of a bundle or list, made once. Any server serves any part; nothing is remembered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from sync import releases
from sync.faults import SyncFault
from sync.hq.objects import Objects
from sync.releases import PART, Bundle, List

_PART = re.compile(r"^[0-9]{1,4}\Z")
_RANGE = re.compile(r"^bytes=([0-9]{1,7})-\Z")


def part_path(digest: str, number: int) -> str:
    return f"updates/{digest}/{number:08d}"


# -- publishing


def from_fields(path: Path, fields: dict[str, Any]) -> tuple[List, list[Path]] | None:
    """The list of the bundles that an update's description names, and where they lie; None when it names none.

    `file` with `compatible`, or `files`: a table of these. ValueError names what is missing.
    """
    named = fields.pop("files", None)
    one = {key: fields.pop(key) for key in ("file", "compatible") if key in fields}
    rows = [*(named if isinstance(named, list) else []), *([one] if one else [])]
    if not rows:
        return None
    places, bundles = [], []
    for row in rows:
        name, kind = (row.get("file"), row.get("compatible")) if isinstance(row, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(kind, str):
            raise ValueError(f"{path.name}: each file needs `file` and `compatible`, the kind of box as RAUC has it")
        place = path.parent / name
        if not place.is_file():
            raise ValueError(f"there is no file {name}")
        places.append(place)
        bundles.append(_described(place, kind))
    try:
        found = List(release=str(fields.get("release", "")), files=tuple(bundles))
        releases.to_json(found)
    except SyncFault as fault:
        raise ValueError(f"{path.name}: a file is not as ITEMS.md describes it ({fault.code})") from None
    return found, places


def _described(place: Path, compatible: str) -> Bundle:
    whole, hashes, size = hashlib.sha256(), [], 0
    for raw in _parts(place):
        whole.update(raw)
        hashes.append(releases.part_hash(raw))
        size += len(raw)
        if size > releases.MAX_BUNDLE:
            raise ValueError(f"{place.name} is larger than {releases.MAX_BUNDLE} bytes")
    return releases.described(compatible, whole.hexdigest(), size, hashes)


def _parts(place: Path) -> Iterator[bytes]:
    with place.open("rb") as file:
        while raw := file.read(PART):
            yield raw


async def keep(objects: Objects, found: List, places: list[Path]) -> None:
    """Everything into the store, before any box is told of it. Done before: nothing is written. `hq_failed`."""
    for bundle, place in zip(found.files, places, strict=True):
        for number, raw in enumerate(_parts(place)):
            await _keep_part(objects, part_path(bundle.digest, number), raw)
    raw = releases.to_json(found)
    await _keep_part(objects, part_path(hashlib.sha256(raw).hexdigest(), 0), raw)


async def _keep_part(objects: Objects, path: str, raw: bytes) -> None:
    """A power cut may have torn what is there: what differs is written anew, since its name says what it must be."""
    before = await objects.create(path, raw)
    if before is not None and before != raw:
        await objects.replace(path, raw)
    await objects.make_durable(path)


# -- serving


async def part(objects: Objects, request: web.Request) -> web.Response:
    """One part, from the byte that `Range` asks for (RFC 9110 section 14.2); 404 for what is not here."""
    digest, number = request.match_info["digest"], request.match_info["part"]
    if not releases.is_digest(digest) or not _PART.match(number):
        return web.Response(status=404)
    raw = await objects.get(part_path(digest, int(number)))
    if raw is None:
        return web.Response(status=404)
    wanted = _RANGE.match(request.headers.get("Range", ""))
    if wanted is None:
        return web.Response(body=raw)
    start = int(wanted[1])
    if start >= len(raw):
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(raw)}"})
    held = {"Content-Range": f"bytes {start}-{len(raw) - 1}/{len(raw)}"}
    return web.Response(status=206, body=raw[start:], headers=held)
