"""`python image/pi/within.py COMMAND…`: run a command that may in turn run programs for arm64, on a PC.

The kernel starts them with QEMU's user emulation. It is told so in a user namespace of its own, which ends with the
command: nothing is registered for the rest of the machine, and nothing must be undone after a crash. Every user and
group is the same inside, so files keep their owners. Needs root, Linux 6.7 and /usr/bin/qemu-aarch64-static (Debian:
qemu-user-static). Standard library alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NEW_MOUNTS, NEW_USERS = 0x0002_0000, 0x1000_0000  # unshare(2)
RECURSIVE, PRIVATE = 0x4000, 0x4_0000  # mount(2)
TABLE = Path("/proc/sys/fs/binfmt_misc")
# The head of every 64-bit little-endian Linux program for AArch64, and which of its bits count.
# F: the emulator is opened now, so a changed root finds it. O and C: it gets the program opened, with its rights.
EMULATOR = "/usr/bin/qemu-aarch64-static"
HEAD = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
BITS = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
ENTRY = f":hearth-aarch64:M::{HEAD}:{BITS}:{EMULATOR}:FOC"
EVERYBODY = "0 0 4294967295"


def _call(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), what)


def _enter(parted: int, mapped: int) -> None:
    """In the child: namespaces first, then wait until the parent has said who is who in them."""
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.unshare(NEW_USERS | NEW_MOUNTS), "unshare")
    os.write(parted, b"1")
    if not os.read(mapped, 1):
        raise OSError("who is who was never said")
    os.setgid(0)
    os.setuid(0)
    _call(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None), "mount")
    _call(libc.mount(b"binfmt_misc", os.fsencode(TABLE), b"binfmt_misc", 0, None), "mount binfmt_misc")
    (TABLE / "register").write_text(ENTRY)


def main(command: list[str]) -> int:
    """The command's exit code; 128 and the signal when one ended it."""
    (parted, says_parted), (mapped, says_mapped) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(says_mapped)
        _enter(says_parted, mapped)
        os.execvp(command[0], command)  # noqa: S606 - this is what it is for
    os.close(says_parted)
    if os.read(parted, 1):
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{kind}").write_text(EVERYBODY)
        os.write(says_mapped, b"1")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
