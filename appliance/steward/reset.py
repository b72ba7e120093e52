"""The errand `reset`: make a box that holds nothing any more, the key first. A power cut in between changes nothing.

    what   {"do": "everything"}

1. The marker `system/reset` is on the disk: from here on there is no way back, whatever happens.
2. Everything that opens the store is overwritten, cut to nothing and deleted, each step on the disk before the next:
   all copies of the key slots, the key of a request to HQ, the machine's own slot and what that is sealed with. From
   then on the store is noise, whoever has a passphrase.
3. The answer, and systemd restarts the machine. Nothing may write into a box that is being deleted, so the rest happens
   at the next start, before anything of ours runs (`--finish`): 2. again, all the rest, the marker last.

What stays belongs to the machine and to nobody who used it: its id, the version floor, which slot started well, what
time it is. An SD card may keep older blocks where only its maker can reach them; at the end it is asked to discard all
that is free, and a slot in such a block still wants its passphrase or sheet.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from appliance.steward import errand, power
from appliance.steward.erasing import erase, sync
from appliance.steward.errand import Refused, Tell

DATA = Path("/data")
MARKER = "system/reset"
# In the order in which they go, as patterns under the data partition. First what every way in hangs on.
KEYS = (
    "hearth/store/slots*",
    "hearth/store/spare/*",
    "hearth/recovery.key",
    "system/credstore.encrypted/*",
    "system/systemd/credential.secret",
)
# Of `system`, beside the marker: what stays as it is, and folders that stay for those that are mounted on them.
STAYS = ("machine-id", "version-floor", "update.json", "rauc", "reset")
FOLDERS = ("systemd", "credstore.encrypted")
DEEP = 8  # folders in each other: a path of them is short enough, and ours go no deeper
_FITRIM = 0xC0185879  # linux/fs.h: _IOWR('X', 121, struct fstrim_range)


def begin(data: Path) -> None:
    """1. and 2.: when this returns, nothing opens the store any more. OSError where the marker cannot be written."""
    marker = data / MARKER
    marker.parent.mkdir(exist_ok=True)
    marker.write_bytes(b"")
    sync(marker)
    sync(marker.parent)
    destroy_keys(data)


def destroy_keys(data: Path) -> None:
    """Every file of KEYS, one after the other. What a disk refuses for one keeps none of the others.

    Below `hearth` whoever took the appliance over may have put links in the place of folders: behind those nothing is
    destroyed, or the version floor would go with the keys.
    """
    whole = data.resolve()
    for pattern in KEYS:
        with contextlib.suppress(OSError, RuntimeError):  # a folder that cannot be read, or links in a circle
            for path in sorted(data.glob(pattern)):
                if path.parent.resolve() == whole / path.parent.relative_to(data):
                    erase(path)


def finish(data: Path) -> bool:
    """3.: delete the rest; whether there was anything begun. Again from its beginning after a power cut."""
    if not (data / MARKER).exists():
        return False
    destroy_keys(data)
    for path in _the_rest(data):
        _remove(path)
    os.sync()
    _discard(data)
    (data / MARKER).unlink()
    sync((data / MARKER).parent)
    return True


def _the_rest(data: Path) -> Iterator[Path]:
    for top in sorted(data.iterdir()):
        if top.name == "system":
            yield from (path for path in sorted(top.iterdir()) if path.name not in (*STAYS, *FOLDERS))
            for folder in FOLDERS:
                yield from (path for path in _inside(top / folder) if path.name != "timesync")
        elif _is_folder(top):
            # The folder itself may be mounted somewhere. In `lost+found` lies what a check of the disk saved.
            yield from _inside(top)
        else:
            yield top


def _inside(folder: Path) -> list[Path]:
    """What is in it; nothing where the disk refuses, so that all the rest goes."""
    with contextlib.suppress(OSError):
        return sorted(folder.iterdir()) if _is_folder(folder) else []
    return []


def _is_folder(path: Path) -> bool:
    """And no link to one. What the disk does not tell of, or has too long a name for that, is none."""
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114 - Path's own raise for both


def _remove(path: Path) -> None:
    """A folder with all that is in it, or a file. Small files are overwritten: keys of TLS, Wi-Fi passwords.

    No recursion, and no list of everything: whoever took the appliance over may have put folders into folders until a
    stack or a path ends. What lies deep is moved up first.
    """
    folders = [path]
    while folders:
        one = folders.pop()
        if len(one.parts) - len(path.parts) > DEEP:
            with contextlib.suppress(OSError):
                one = one.rename(path / secrets.token_hex(16))
        if not _is_folder(one):
            erase(one)
            continue
        with contextlib.suppress(OSError), os.scandir(one) as inside:
            for found in inside:
                if found.is_dir(follow_symlinks=False):
                    folders.append(Path(found.path))
                else:
                    erase(Path(found.path))
    if os.path.lexists(path):
        shutil.rmtree(path, ignore_errors=True)


def _discard(data: Path) -> None:
    """Tell the card that what is free is of no use any more. It, or the right to, may not be there."""
    with contextlib.suppress(OSError):
        handle = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, _FITRIM, bytearray(struct.pack("QQQ", 0, 2**64 - 1, 0)))
        finally:
            os.close(handle)


def resetting(data: Path, call: power.Call) -> Callable[[dict[str, Any], Tell], dict[str, Any]]:
    """What the errand does. Refused: bad_request; home_read_only: the marker could not be written, nothing was done."""

    def do(what: dict[str, Any], _tell: Tell) -> dict[str, Any]:
        if what != {"do": "everything"}:
            raise Refused("bad_request")
        try:
            begin(data)
        except OSError:
            raise Refused("home_read_only") from None
        with contextlib.suppress(Refused):  # whoever pulls the plug instead gets the same
            call(power.command({"do": "restart"}, ""))
        return {"key": "destroyed"}

    return do


def main(arguments: list[str]) -> int:
    """The program. `--finish`: at the start of the machine. Exit code 0 or 1."""
    if arguments == ["--finish"]:
        finish(DATA)
        return 0
    return errand.run("reset", resetting(DATA, power.order))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
