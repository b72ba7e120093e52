"""Brings a copy back onto an empty home: checked wholly before anything is written, there wholly or not at all.

    1. the copy is compared with its manifest, opened with its key, and read from end to end, where it lies
    2. store.restore is built beside the store's place from the copy's bytes, which are compared once more
    3. that store is opened, migrated, told that it came out of a copy; logins and visits in it end; it is closed
    4. settings and HQ's public facts are put in their place, where none are; what a witness knew of the store that was
       here before is forgotten
    5. store.restore is renamed to store: up to here the home is an empty one, whatever happened

Blocking parts run in threads. The caller holds the home's lock.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.copies import manifest, reading, rows
from appliance.copies.backup import ALONG
from appliance.copies.inside import Inside
from appliance.copies.manifest import Manifest
from appliance.copies.rows import Restoration
from appliance.faults import Fault
from appliance.home import Home
from appliance.policy import BOX, Facts, decide
from appliance.store import birth, witness
from appliance.store.database import Database
from appliance.store.files import fault_of_os, give_to_owner, sync_file, sync_folder, write_atomically
from appliance.store.key import StoreKey

Tell = Callable[[int], None]  # percent


@dataclass(frozen=True, slots=True)
class Checked:
    """A copy that was read from end to end: its folder, what it says, and the key that opens it."""

    folder: Path
    manifest: Manifest
    inside: Inside
    key: StoreKey


def refuse_a_store(home: Home) -> None:
    """Fault("store_exists") where a store or a part of one is."""
    if birth.present(home.store):
        raise Fault("store_exists")


def check(folder: Path, unlock: Callable[[Path], StoreKey], tell: Tell = lambda _percent: None) -> Checked:
    """Read the copy in `folder` wholly. `unlock` finds the key by the slots in it, after its bytes were compared.

    Blocking. Faults: backup_foreign, backup_damaged, store_newer, and those of `unlock`.
    """
    found = reading.outside(folder, lambda done, total: tell(50 * done // max(total, 1)))
    key = reading.unlocked(folder, unlock)
    told = reading.within(folder, found, key)
    tell(100)
    return Checked(folder, found, told, key)


async def restore(checked: Checked, home: Home, at: str) -> None:
    """Put it onto `home`, whose lock the caller holds. Faults: store_exists, backup_damaged, those of a full disk."""
    refuse_a_store(home)
    beside = home.root / "store.restore"
    try:
        await asyncio.to_thread(_lay_out, checked, beside)
        await _tell_the_store(checked, beside, at)
        await asyncio.to_thread(_settle, checked, beside, home)
    except BaseException as problem:
        await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)  # as large as the store, and of no use
        if isinstance(problem, OSError):
            raise fault_of_os(problem) from problem
        raise


def _lay_out(checked: Checked, beside: Path) -> None:
    shutil.rmtree(beside, ignore_errors=True)
    witness.reset(beside)  # of a restoration that was cut short
    beside.mkdir(mode=0o700)
    parts = {part.name: part for part in checked.manifest.files}
    for name in (manifest.STORE, manifest.SLOTS):
        _copy_file(checked.folder / name, beside / name)
        for _ in reading.compared(beside / name, parts[name]):
            pass


def _copy_file(source: Path, target: Path) -> None:
    """Bytes only, readable by the owner only, on disk when it returns."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with reading.regular(source) as read, os.fdopen(descriptor, "wb") as write:
        shutil.copyfileobj(read, write, reading.CHUNK)
    sync_file(target)


async def _tell_the_store(checked: Checked, beside: Path, at: str) -> None:
    db = await Database.open(beside, checked.key)
    name = checked.folder.name
    permit = decide(BOX, "restore", Facts(thing=name))
    restoration = Restoration(at=at, name=name, copied_at=checked.manifest.at)
    try:
        await db.write(lambda tx: rows.restored(tx, permit, restoration))
    finally:
        await db.close()


def _settle(checked: Checked, beside: Path, home: Home) -> None:
    """The last moments: whatever is cut short before the rename leaves a home without a store, to be tried again."""
    for name in ALONG:
        content, path = checked.inside.files.get(name), home.root / name
        if content is not None and not path.exists():
            write_atomically(path, content, 0o640 if path.parent == home.spool else 0o600)  # the courier reads HQ's
    for folder in (beside, home.store):
        witness.reset(folder)
    for path in (beside, *beside.iterdir()):
        give_to_owner(path, home.root)
    sync_folder(beside)
    beside.rename(home.store)  # an empty folder in its place is replaced
    sync_folder(home.root)
