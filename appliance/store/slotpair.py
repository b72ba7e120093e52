"""The slots on disk: two copies, slots.json and spare/slots.json, each replaced whole, one after the other.

A power cut between the two leaves an older and a newer one; the newer one counts. A copy that is damaged, missing or
older is written anew from the other. If both are gone nothing opens the store, and the fault is slots_missing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from appliance.faults import Fault
from appliance.store import slotfile
from appliance.store.files import fault_of_os, give_to_owner, sync_folder, write_atomically
from appliance.store.slotfile import Slot, Slots
from appliance.store.slotfile1 import Slot1


def copies(folder: Path) -> tuple[Path, Path]:
    """Where the two copies of the store in `folder` are: two folders, so that one damaged folder is not both."""
    return folder / "slots.json", folder / "spare" / "slots.json"


def present(folder: Path) -> bool:
    """Whether either copy is there."""
    return any(path.exists() for path in copies(folder))


def load(folder: Path) -> Slots | Slot1:
    """The newer of the two copies. Writes nothing. Fault("slots_missing") if neither is whole."""
    found = [file for file in map(_read, copies(folder)) if file is not None]
    newer = [file for file in found if isinstance(file, Slots)]
    if newer:
        return max(newer, key=lambda file: file.generation)
    if found:
        return found[0]
    raise Fault("slots_missing")


def slots_in(folder: Path) -> tuple[Slot, ...]:
    """The slots of `load`; none of a version 1, whose one slot no ledger knows. Faults as there."""
    found = load(folder)
    return found.slots if isinstance(found, Slots) else ()


def save(folder: Path, slots: Slots) -> Slots:
    """Write both copies, under the next generation; one of them is enough, since the newer one counts.

    Faults, if neither could be written and the slots are as before: disk_full, home_read_only, home_not_writable,
    store_failed.
    """
    files = [file for file in map(_read, copies(folder)) if isinstance(file, Slots)]
    newest = max((file.generation for file in files), default=0)
    # A doctored file may be at the limit already, which must not keep anybody from changing slots for ever.
    generation = min(max(newest, slots.generation) + 1, slotfile.MAX_NUMBER)
    written = msgspec.structs.replace(slots, generation=generation, checksum="")
    if not slotfile.within_limits(written):
        raise Fault("bad_request", "limits of the slots")
    try:
        _write(folder, written)
    except Fault:
        if not _counts(folder, written):
            raise
    return written


def _counts(folder: Path, written: Slots) -> bool:
    try:
        found = load(folder)
    except Fault:
        return False
    return isinstance(found, Slots) and (found.generation, found.slots) == (written.generation, written.slots)


def mend(folder: Path) -> bool:
    """Write the copy anew that is damaged, missing or older than the other; whether there was one."""
    whole = load(folder)
    if not isinstance(whole, Slots) or all(_read(path) == whole for path in copies(folder)):
        return False
    _write(folder, whole)
    return True


def made_at(folder: Path) -> str:
    """When the file of a version 1 was written, for the slot that takes its place."""
    moments = [path.stat().st_mtime for path in copies(folder) if path.exists()]
    return datetime.fromtimestamp(min(moments, default=0.0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(folder: Path, slots: Slots) -> None:
    """Each copy is tried; then the first fault."""
    content, faults = slotfile.serialise(slots), []
    for path in copies(folder):
        try:
            _write_copy(path, content)
        except Fault as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def _write_copy(path: Path, content: bytes) -> None:
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700)
            give_to_owner(path.parent, path.parent.parent)
            sync_folder(path.parent.parent)
    except OSError as error:
        raise fault_of_os(error) from error
    write_atomically(path, content)


def _read(path: Path) -> Slots | Slot1 | None:
    try:
        with path.open("rb") as file:
            return slotfile.parse(file.read(slotfile.MAX_BYTES + 1))
    except (OSError, Fault):
        return None
