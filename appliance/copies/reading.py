"""Reads copies: which ones lie in a folder, and whether one is whole, from its outside and from within.

From its outside a copy shows damage: sizes, digests and the signature that its manifest carries. Only opening it with
the store's key shows that nobody put it together: the key opens every page, and inside is the box that signed.
Nothing is written. Blocking: for a thread.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from appliance.audit import rows as audit
from appliance.copies import inside, manifest, rules
from appliance.copies.inside import Inside
from appliance.copies.manifest import Manifest, Part
from appliance.faults import Fault
from appliance.outbox import signing
from appliance.store import backup, migrate, slotfile
from appliance.store.database import Transaction
from appliance.store.key import StoreKey

CHUNK = 1 << 20  # bytes
MAX_INSIDE = 1 << 20  # bytes of inside.sealed
MOST_LISTED = 1000  # copies of one folder

Tell = Callable[[int, int], None]  # bytes done, bytes in all; may raise to break off


def in_folder(folder: Path) -> list[tuple[Path, Manifest | None]]:
    """Every copy in a folder by name, oldest number first; None beside one whose manifest cannot be read.

    Fault("backup_no_place").
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if rules.parse_name(path.name))
    except OSError:
        raise Fault("backup_no_place") from None
    return [(folder / name, _manifest_or_none(folder / name)) for name in names[-MOST_LISTED:]]


def outside(folder: Path, tell: Tell = lambda _done, _total: None) -> Manifest:
    """The manifest, after every file was compared with it and its signature was checked.

    Faults: backup_foreign (no manifest at all), backup_damaged (the detail names the file), store_newer.
    """
    found = said(folder)
    done = 0
    for part in found.files:
        for read in compared(folder / part.name, part):
            done += read
            tell(done, found.size())
    return found


def within(folder: Path, found: Manifest, key: StoreKey) -> Inside:
    """What is sealed inside, after the store was opened and read from end to end, its audit and its box compared.

    Faults: backup_damaged, store_newer.
    """
    if found.schema > len(migrate.load()):
        raise Fault("store_newer", f"backup {found.schema}")
    told = inside.open_sealed(_small(folder / manifest.INSIDE, MAX_INSIDE), key)
    read = backup.check(folder / manifest.STORE, key, lambda tx: (look(tx), bool(audit.verify(tx))))
    seen, broken = read.seen
    if (read.schema, read.counts) != (found.schema, told.counts):
        raise Fault("backup_damaged", manifest.STORE)
    if seen != Seen(found.box, found.public, found.entries, found.root):
        raise Fault("backup_damaged", manifest.MANIFEST)
    if broken:
        raise Fault("backup_damaged", "audit")
    return told


def unlocked(folder: Path, unlock: Callable[[Path], StoreKey]) -> StoreKey:
    """The key of a copy as `unlock` finds it in a folder of a store: one that looks like the copy and is thrown away,
    since opening mends slots and notes which one was tried, and a copy stays as it was made.
    """
    with TemporaryDirectory(prefix="hearth-") as beside:
        content = _small(folder / manifest.SLOTS, slotfile.MAX_BYTES)
        (Path(beside) / manifest.SLOTS).write_bytes(content)
        (Path(beside) / manifest.STORE).symlink_to((folder / manifest.STORE).absolute())
        return unlock(Path(beside))


@dataclass(frozen=True, slots=True)
class Seen:
    """What manifest and store must agree on: the box, its verify key, the audit's size and head; binary in hex."""

    box: str
    public: str
    entries: int
    root: str


def look(tx: Transaction) -> Seen:
    """Reads it. The box's identity must be in the store already."""
    who = signing.box(tx)
    entries, root = audit.head(tx)
    return Seen(who.box.hex(), who.signing_key.public.hex(), entries, root.hex())


def regular(path: Path) -> BinaryIO:
    """A file of the copy, opened. OSError also for a link, a pipe or a device: a stranger's stick may hold anything,
    and a pipe would be waited for without end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file")
    return os.fdopen(descriptor, "rb")


def drop_from_memory(path: Path) -> None:
    """Let the next reading come from the disk or stick itself, not from what was just written to memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def said(folder: Path) -> Manifest:
    """The manifest and its signature alone. Faults: backup_foreign, backup_damaged, store_newer."""
    if not (folder / manifest.MANIFEST).is_file():
        raise Fault("backup_foreign")
    content = _small(folder / manifest.MANIFEST, manifest.MAX_BYTES)
    found = manifest.parse(content)
    signature = _small(folder / manifest.SIGNATURE, manifest.SIGNATURE_SIZE)
    if not signing.holds(bytes.fromhex(found.public), manifest.LABEL, content, signature):
        raise Fault("backup_damaged", manifest.SIGNATURE)
    return found


def _manifest_or_none(folder: Path) -> Manifest | None:
    try:
        return said(folder)
    except Fault:
        return None


def compared(path: Path, part: Part) -> Iterator[int]:
    """Read a file of the copy, yielding how much at a time. Fault("backup_damaged") unless size and digest fit."""
    digest, size = hashlib.sha256(), 0
    try:
        with regular(path) as file:
            if os.fstat(file.fileno()).st_size != part.size:
                raise Fault("backup_damaged", part.name)
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if size > part.size:
                    break
                yield len(chunk)
    except OSError:
        raise Fault("backup_damaged", part.name) from None
    if size != part.size or digest.hexdigest() != part.sha256:
        raise Fault("backup_damaged", part.name)


def _small(path: Path, most: int) -> bytes:
    """A file of at most `most` bytes. Fault("backup_damaged")."""
    try:
        with regular(path) as file:
            content = file.read(most + 1)
    except OSError:
        raise Fault("backup_damaged", path.name) from None
    if len(content) > most:
        raise Fault("backup_damaged", path.name)
    return content
