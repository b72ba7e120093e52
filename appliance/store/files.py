"""Small files that are whole or absent, whatever happens between two instructions; and the lock of the home folder."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from appliance.faults import Fault


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the bytes of `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_to_owner(made: Path | int, folder: Path) -> None:
    """What root makes in `folder` belongs to whoever the folder belongs to: the box's own user has to read it.

    Does nothing for others, nor where the file system knows no owners, as on a stick.
    """
    if os.geteuid() == 0:
        with suppress(OSError):
            owner = folder.stat()
            os.chown(made, owner.st_uid, owner.st_gid)


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `path` by `content`: a reader, or a power cut, finds all of the old or all of the new.

    Raises Fault("home_not_writable") or Fault("store_failed").
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            give_to_owner(descriptor, path.parent)
            os.fsync(descriptor)
        fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise fault_of_os(error) from error


def fault_of_os(error: OSError) -> Fault:
    """The fault for a refused file operation; the detail is the error's name, never a path."""
    name = errno.errorcode.get(error.errno or 0, "unknown")
    return Fault(_CODES.get(error.errno or 0, "store_failed"), name)


_CODES = {
    errno.EACCES: "home_not_writable",
    errno.EPERM: "home_not_writable",
    errno.ENOTDIR: "home_not_writable",
    errno.EEXIST: "home_not_writable",  # a file where a folder should be
    errno.EROFS: "home_read_only",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
}


def read_only(folder: Path) -> bool:
    """Whether the file system that holds `folder` can only be read, as after the kernel met an error of the disk.

    Newer kernels stop writing to an ext4 after an error without calling it read-only, so a small change is tried too.
    """
    try:
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return True
        os.utime(folder)
    except OSError as error:
        return error.errno == errno.EROFS
    return False


class HomeLock:
    """One Hearth a home: held from `take` to `release`, and let go by the kernel if the process dies.

    The descriptor is not inherited, so a relay or courier that outlives the appliance keeps nobody out. flock(2) goes
    by the file, not by its name: a link, a bind mount or another container of the same machine leads to the same lock.
    Another machine on a network file system may not see it: a store belongs on a disk of its own machine.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, home: Path) -> HomeLock:
        """Make `home` if it is missing, nothing else. Faults: home_in_use, and those of `fault_of_os`."""
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            give_to_owner(descriptor, home)
        except OSError as error:
            raise fault_of_os(error) from error
        return cls._lock(descriptor)

    @classmethod
    def of_store(cls, folder: Path) -> HomeLock:
        """The lock of a store's folder, which two homes can share by a link. Faults as `take`; writes nothing."""
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise fault_of_os(error) from error
        return cls._lock(descriptor)

    @classmethod
    def _lock(cls, descriptor: int) -> HomeLock:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Fault("home_in_use") from None
        return cls(descriptor)

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let the next one in. The file stays: removing it would let two processes lock two files."""
        os.close(self._descriptor)
