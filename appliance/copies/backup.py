"""Makes one copy of the box in a folder: whole, checked by opening it, and named only then.

    hearth-backup-<box>-<number>-<day>.part   built here; what a stick keeps that was pulled out
    hearth-backup-<box>-<number>-<day>        renamed to this once every byte was read back and the store was opened

Order: store, slots and inside are written and fsynced; the manifest over them is signed; everything is read again from
the disk itself; the folder is renamed and its parent fsynced; the store notes it; older copies go. `build` and `prune`
block: for a thread. Nothing waits for the writer or makes it wait.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from appliance.copies import inside, manifest, reading, rows, rules
from appliance.copies.manifest import Manifest, Part
from appliance.faults import Fault
from appliance.home import Home
from appliance.outbox import signing
from appliance.store import backup, ledger, slotfile, slotfile1, slotpair
from appliance.store.backup import fault_of_copy
from appliance.store.database import Database, Transaction, store_path
from appliance.store.files import sync_file, sync_folder
from appliance.store.key import StoreKey
from appliance.store.ledger import Ledger
from appliance.store.slotfile import Slots
from appliance.store.slotfile1 import Slot1

Step = Literal["copying", "checking"]
Tell = Callable[[Step, int], None]  # and percent of that step; may raise to break off

SPARE = 4 << 20  # bytes beside the store: slots, manifest, and what the WAL adds meanwhile
ALONG = ("hearth.toml", "spool/hq.json")  # below the home; settings, and who HQ is

_README = """\
This is the backup of a Hearth box.
It is encrypted: it opens with the passphrase of that box or with its recovery sheet, and with nothing else.
To bring it back onto an empty box:   hearth restore THIS-FOLDER

Esto es la copia de seguridad de una caja Hearth.
Está cifrada: se abre con la contraseña de esa caja o con su hoja de recuperación, y con nada más.
Para restaurarla en una caja vacía:   hearth restore ESTA-CARPETA
"""


@dataclass(frozen=True, slots=True)
class Source:
    """The open box that is copied. `key` opens its store; key and slots stay as they are while it is copied."""

    home: Home
    db: Database
    key: StoreKey


@dataclass(frozen=True, slots=True)
class Made:
    """A copy that is there: its folder and its manifest."""

    folder: Path
    manifest: Manifest


async def box_id(db: Database) -> str:
    """The box's id in hex; the box's identity is made if there is none yet."""
    return await db.write(lambda tx: signing.box(tx).box.hex())


def check_place(place: Path, home: Home) -> None:
    """Faults: backup_no_place (no folder there), bad_request (within the store itself)."""
    if not place.is_absolute() or not place.is_dir():
        raise Fault("backup_no_place")
    if place.resolve().is_relative_to(home.store.resolve()):
        raise Fault("bad_request", "a backup within the store")


def build(source: Source, place: Path, box: str, last: int, at: str, tell: Tell) -> Made:
    """Write, check and name the copy. `last`: the number of the newest copy that the store knows.

    Faults: backup_no_place, backup_full, backup_failed, store_damaged. What was begun is removed, if it still can be.
    """
    check_place(place, source.home)
    try:
        names = [path.name for path in place.iterdir()]
        _sweep(place, names, box)
        _check_room(place, source.home)
        number = rules.next_number(last, names, box)
        name = rules.name_for(box, number, at)
        part = place / f"{name}.part"
        part.mkdir(mode=0o700)
        try:
            found = _write(source, part, number, at, tell)
            _check(part, found, source.key, tell)
            os.rename(part, place / str(name))  # noqa: PTH104 - must fail where a copy of that name is, as it does
            sync_folder(place)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as error:
        raise fault_of_copy(error) from error
    return Made(place / str(name), found)


def prune(place: Path, box: str, keep: int) -> int:
    """Remove the oldest copies of this box so that `keep` stay (0: all); how many went. Never fails: next time, then.

    Each is renamed first, so that half of one never looks whole.
    """
    gone = 0
    try:
        for name in rules.superfluous([path.name for path in place.iterdir()], box, keep):
            part = place / f"{name}.part"
            (place / name).rename(part)
            shutil.rmtree(part, ignore_errors=True)
            gone += 1
    except OSError:
        return gone
    return gone


def note(made: Made, place: Path) -> rows.Copy:
    """What the store remembers of it."""
    found = made.manifest
    return rows.Copy(found.number, found.at, made.folder.name, str(place), found.size(), found.entries)


def last_number(tx: Transaction) -> int:
    """The number of the newest copy that the store knows, 0 for none."""
    newest = rows.last(tx)
    return newest.number if newest else 0


def _sweep(place: Path, names: list[str], box: str) -> None:
    """Away with what copies of this box left that were cut short."""
    for name in names:
        if rules.is_left_over(name, box):
            shutil.rmtree(place / name, ignore_errors=True)


def _check_room(place: Path, home: Home) -> None:
    if shutil.disk_usage(place).free < store_path(home.store).stat().st_size + SPARE:
        raise Fault("backup_full", "before it began")


def _write(source: Source, part: Path, number: int, at: str, tell: Tell) -> Manifest:
    """All files of the copy but none of them checked. Returns what the manifest says."""
    whole = slotpair.load(source.home.store)
    store = part / manifest.STORE
    who: list[signing.Identity] = []
    known: list[Ledger | None] = []

    def look(tx: Transaction) -> reading.Seen:
        who.append(signing.box(tx))
        known.append(ledger.read(tx))
        return reading.look(tx)

    found = backup.copy(
        store_path(source.home.store),
        source.key,
        store,
        look,
        lambda done, total: tell("copying", 100 * done // max(total, 1)),
    )
    sealed = inside.seal(inside.Inside(counts=found.counts, files=_along(source.home)), source.key)
    written = {manifest.SLOTS: _slots(whole, known[0]), manifest.INSIDE: sealed, manifest.README: _README.encode()}
    for name, content in written.items():
        _write_file(part / name, content)
    parts = [_part(store), *(_part(part / name) for name in written)]
    told = Manifest(
        box=found.seen.box,
        number=number,
        at=at,
        version=version("hearth"),
        schema=found.schema,
        entries=found.seen.entries,
        root=found.seen.root,
        public=found.seen.public,
        files=tuple(parts),
    )
    content = manifest.serialise(told)
    _write_file(part / manifest.SIGNATURE, who[0].signing_key.sign(manifest.LABEL, content))
    _write_file(part / manifest.MANIFEST, content)
    sync_folder(part)
    return told


def _check(part: Path, written: Manifest, key: StoreKey, tell: Tell) -> None:
    """Read it all back from where it lies, as a restoration would.

    Faults: backup_failed (other bytes than were written), store_damaged (the same bytes, so they came like that).
    """
    for name in (*(one.name for one in written.files), manifest.MANIFEST, manifest.SIGNATURE):
        reading.drop_from_memory(part / name)
    try:
        found = reading.outside(part, lambda done, total: tell("checking", 50 * done // max(total, 1)))
    except Fault as fault:
        raise Fault("backup_failed", f"{fault.code} {fault.detail}") from None
    if found != written:
        raise Fault("backup_failed", "another manifest")
    tell("checking", 50)
    try:
        reading.within(part, found, key)
    except Fault as fault:
        raise Fault("store_damaged", f"{fault.code} {fault.detail}") from None
    tell("checking", 100)


def _slots(whole: Slots | Slot1, known: Ledger | None) -> bytes:
    """The slots that open the copy: those of the store's file that its ledger knows as they stand."""
    if isinstance(whole, Slot1):
        return slotfile1.serialise(whole)
    ours = tuple(slot for slot in whole.slots if known is None or known.knows(slot))
    if not ours:
        raise Fault("slots_missing", "none of them is ours")
    return slotfile.serialise(replace(whole, slots=ours, checksum=""))


def _along(home: Home) -> dict[str, bytes]:
    """Small files beside the store that a restored box needs, those that are there."""
    found = {}
    for name in ALONG:
        path = home.root / name
        if path.is_file() and path.stat().st_size <= inside.MAX_FILE:
            found[name] = path.read_bytes()
    return found


def _write_file(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    sync_file(path)


def _part(path: Path) -> Part:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(reading.CHUNK):
            digest.update(chunk)
    return Part(name=path.name, size=path.stat().st_size, sha256=digest.hexdigest())
