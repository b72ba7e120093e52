"""What ails the store's disk right now, as the code of a fault, and the reserve that a full one is given back."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.faults import Fault
from appliance.store.files import give_to_owner, read_only, sync_folder

# The WAL takes 4 MiB until it is moved into the store and used again, so some 12 MiB are left for rows: an action with
# its audit entry needs 1 KiB or less of them for good. Enough to sign in, end the day's sessions and make room.
RESERVE = 16 * 1024 * 1024  # bytes
_LEAST = 64 * 1024  # bytes: the -shm file takes 32 KiB
_AMPLE = 4 * RESERVE  # free bytes from which on the reserve is put aside (again)


@dataclass(slots=True)
class Reserve:
    """A file beside the store that holds room and nothing else. One thread frees it, another makes it."""

    path: Path

    @classmethod
    def of(cls, folder: Path) -> Reserve:
        return cls(folder.with_name(folder.name + ".reserve"))

    @property
    def there(self) -> bool:
        return self.path.exists()

    def make(self) -> bool:
        """Put the room aside if there is ample; whether it is there now. Never fails."""
        with suppress(OSError):
            if self.there:
                return True
            found = os.statvfs(self.path.parent)
            if found.f_bavail * found.f_frsize < _AMPLE:
                return False
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                give_to_owner(descriptor, self.path.parent)
                os.posix_fallocate(descriptor, 0, RESERVE)
                os.fsync(descriptor)
            except OSError:
                self.path.unlink()
                raise
            finally:
                os.close(descriptor)
            return True
        return False

    def free(self) -> bool:
        """Give the room back to the disk; whether there was any."""
        with suppress(OSError):
            self.path.unlink()
            sync_folder(self.path.parent)
            return True
        return False


@dataclass(slots=True)
class Trouble:
    """Told by the store's threads, asked by anybody: each field is one word, replaced at once."""

    folder: Path
    reserve: Reserve | None = None
    writing: str = ""  # the code of the last write that the disk refused; "" again after one that it took
    damaged: bool = False  # a page was found damaged since the start
    audit: bool = False  # the last look at every entry of the audit found something

    @property
    def code(self) -> str:
        """The fault that a person must know of, or "". What keeps the box from keeping anything comes first."""
        if self.writing:
            return self.writing
        if self.reserve is not None and not self.reserve.there:
            return "disk_full"  # the box lives on its reserve
        return "store_damaged" if self.damaged else "audit_broken" if self.audit else ""

    def explain(self, fault: Fault) -> Fault:
        """The fault by what the disk says of itself: SQLite tells a read-only or full one as any other error."""
        if fault.code != "store_failed":
            return fault
        code = "home_read_only" if read_only(self.folder) else "disk_full" if _no_room(self.folder) else ""
        if not code:
            return fault
        told = Fault(code, fault.detail)
        told.__cause__ = fault.__cause__
        return told


def _no_room(folder: Path) -> bool:
    """Whether not even SQLite's lock file and a page of the WAL fit."""
    with suppress(OSError):
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize < _LEAST
    return False
