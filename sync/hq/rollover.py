"""`hq rotate`: a key of HQ's is exchanged in two acts, with time between them for every box to hear of the new one.

First the next key is made and listed, and boxes hear of it. Then, by --finish, it is put in use; the old ones stay
listed, so what they signed and what was sealed to them still counts. Each act is found again when it was cut short.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sync import keys, suite
from sync.faults import SyncFault
from sync.hq import certificate, chain
from sync.hq import folder as hq_folder
from sync.hq.objects import open_objects
from sync.keys import HqFacts
from sync.spool import read_bounded, sync_folder, write_whole


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of key: the files NAME.key …, the list in HqFacts, and the public part as it is listed."""

    name: str
    files: tuple[str, ...]
    listed: str
    public: Callable[[Path], bytes]
    make: Callable[[HqFacts, datetime], tuple[bytes, ...]]


def rotate(folder: Path, kind: str, now: datetime, *, finish: bool) -> HqFacts:
    """HQ's new public facts. Faults: `rotation_open`, `rotation_none`, `bad_key_file`, `hq_missing`."""
    hq_folder.upgrade(folder, now)
    chosen = KINDS[kind]
    with hq_folder.alone(folder):
        hq_folder.waited_for(chain.keep(folder, open_objects(folder)))
        facts = _finish(folder, chosen) if finish else _begin(folder, chosen, now)
        hq_folder.publish(folder, facts)
        hq_folder.waited_for(chain.keep(folder, open_objects(folder)))
    return facts


def _begin(folder: Path, kind: Kind, now: datetime) -> HqFacts:
    facts, there = hq_folder.public(folder), folder / "keys"
    listed: tuple[bytes, ...] = getattr(facts, kind.listed)
    upcoming = [there / _upcoming(name) for name in kind.files]
    if not upcoming[-1].exists():  # the last file says that all are there
        for path, content in zip(upcoming, kind.make(facts, now), strict=True):
            write_whole(path, content, mode=0o600)
    public = kind.public(upcoming[-1])
    if public in listed:
        raise SyncFault("rotation_open")
    return _with(facts, kind, (listed[0], public, *listed[1:]))


def _finish(folder: Path, kind: Kind) -> HqFacts:
    facts, there = hq_folder.public(folder), folder / "keys"
    for name in kind.files:
        if (there / _upcoming(name)).exists():
            _put_in_use(there, name)
    sync_folder(there)
    public = kind.public(there / kind.files[-1])
    listed: tuple[bytes, ...] = getattr(facts, kind.listed)
    if listed[0] == public:
        raise SyncFault("rotation_none")
    return _with(facts, kind, (public, *(one for one in listed if one != public)))


def _put_in_use(there: Path, name: str) -> None:
    """NAME.next takes the place of NAME, which is kept under the next free number."""
    stem, _, ending = name.partition(".")
    number = 1
    while (there / f"{stem}.{number}.{ending}").exists():
        number += 1
    before = there / f"{stem}.{number - 1}.{ending}"
    if not (before.exists() and before.samefile(there / name)):  # a finish that was cut short has kept it already
        os.link(there / name, there / f"{stem}.{number}.{ending}")
    (there / _upcoming(name)).rename(there / name)


def _with(facts: HqFacts, kind: Kind, listed: tuple[bytes, ...]) -> HqFacts:
    changed: dict[str, Any] = {kind.listed: listed[: keys.MAX_LISTED]}
    return replace(facts, serial=facts.serial + 1, **changed)


def _upcoming(name: str) -> str:
    stem, _, ending = name.partition(".")
    return f"{stem}.next.{ending}"


def _seed(path: Path) -> bytes:
    return read_bounded(path, hq_folder.MAX_KEY) or b""


def _der(path: Path) -> bytes:
    try:
        return ssl.PEM_cert_to_DER_cert((read_bounded(path, hq_folder.MAX_KEY) or b"").decode("ascii"))
    except ValueError:
        raise SyncFault("bad_key_file") from None


def _new_seed(_: HqFacts, __: datetime) -> tuple[bytes, ...]:
    return (suite.new_seed(),)


def _new_tls(facts: HqFacts, now: datetime) -> tuple[bytes, ...]:
    return certificate.self_signed(urlsplit(facts.url).hostname or "", now)


def _verify_key(path: Path) -> bytes:
    return suite.SigningKey(_seed(path)).public


KINDS = {
    "tls": Kind("tls", ("tls.key", "tls.pem"), "tls_certificates", _der, _new_tls),
    "receipts": Kind("receipts", ("receipts.key",), "receipt_keys", _verify_key, _new_seed),
    "packs": Kind("packs", ("packs.key",), "pack_keys", _verify_key, _new_seed),
    "record": Kind(
        "record", ("record.key",), "record_keys", lambda path: suite.RecordKey(_seed(path)).public, _new_seed
    ),
}
