"""The errand `update`: look at a release, install it on the other slot, go back; and what each start does about it.

    what   {"do": "look", "path"}              facts {"version", "compatible", "refused": a code or ""}
           {"do": "install", "path", "repair"} writes the other slot, to be tried at the next start
           {"do": "back"}                      has the other slot tried at the next start
           {"do": "seen"}                      somebody has read that a release failed
    facts  of all but `look`: `facts()` below, which also stand in told/slots.json

`slot` runs at each start before the appliance, `good` beside it. Checked here whoever asks: where the file lies, that
it is for this box, and that it is not older than what may be gone back to; signature and content are RAUC's. Each write
is in image/UPDATES.md with what a power cut after it leaves.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from appliance.steward import errand, health, pi, releases
from appliance.steward.errand import Refused, Tell
from appliance.steward.rauc import Bundle, Rauc
from appliance.steward.releases import Standing

MAX_BUNDLE = 4 * 1024**3  # bytes
ENDING = ".raucb"
_ROOT = re.compile(r"\broot=PARTLABEL=root-([ab])\b")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where everything lies; other places in tests. `sources`: folders in which a bundle may lie, `*` any name."""

    standing: Path = Path("/data/system/update.json")
    floor: Path = Path("/data/system/version-floor")
    release: Path = Path("/usr/lib/hearth/release")
    epoch: Path = Path("/usr/lib/clock-epoch")
    system: Path = Path("/etc/rauc/system.conf")
    command_line: Path = Path("/proc/cmdline")
    tree: Path = pi.TREE
    errands: Path = errand.FOLDER
    sources: Sequence[str] = ("/data/update", "/data/hearth/spool/update", "/media/*")
    # The appliance's folder as it sees it, and where that lies: the steward's units see no more of it than this.
    aliases: Sequence[tuple[str, str]] = (("/var/lib/hearth/", "/data/hearth/"),)
    rauc: Rauc = field(default_factory=Rauc)

    def running(self) -> str:
        """The version of the release that runs, "" on no box of ours."""
        return _text(self.release)

    def slot(self) -> str:
        """`a` or `b`, as the boot loader said; "" on no box of ours."""
        found = _ROOT.search(_text(self.command_line))
        return found[1] if found else ""

    def compatible(self) -> str:
        """Which boxes this image is for."""
        return self._configured("compatible")

    def _configured(self, name: str) -> str:
        read = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            read.read_string(_text(self.system))
            return read.get("system", name, fallback="")
        except configparser.Error:
            return ""

    def now(self) -> Standing:
        """What is remembered; nothing where it cannot be read."""
        try:
            return msgspec.json.decode(_text(self.standing), type=Standing)
        except msgspec.DecodeError:
            return Standing()

    def remember(self, standing: Standing) -> Standing:
        """Kept over a power cut, whole or as before."""
        write_whole(self.standing, msgspec.json.encode(standing))
        return standing

    def tell(self, now: Standing | None = None) -> dict[str, Any]:
        """Say how the slots are, for whoever asks at any time. `now`: where the disk may not have taken it."""
        told = facts(self, now)
        (self.errands / "told").mkdir(parents=True, exist_ok=True)
        answer = {"id": "slots", "state": "done", "percent": 100, "facts": told}
        beside = self.errands / "told" / ".slots.json"
        beside.write_bytes(msgspec.json.encode(answer))
        beside.chmod(0o644)
        beside.rename(self.errands / "told" / "slots.json")
        return told


def facts(machine: Machine, now: Standing | None = None) -> dict[str, Any]:
    """How the slots are. `installed`: waits for its trial; `failed_version`: did not come up (`fell_back`), or was cut.

    `made_at`: when this release was built, so how old its patches are. Both times in Unix seconds, 0 for not known.
    """
    now, running, slot = now or machine.now(), machine.running(), machine.slot()
    trial = releases.on_trial(now, slot, running)
    return {
        "slot": slot,
        "version": running,
        "trial": trial,
        "installed": now.version if now.phase == "installed" and not trial else "",
        "other_version": now.other if now.phase == "" else "",
        "floor": _text(machine.floor),
        "fell_back": bool(now.failed) and not now.cut,
        "failed_version": now.failed,
        "since": now.since,
        "made_at": _made_at(machine.epoch),
    }


Do = Callable[[dict[str, Any], Tell], dict[str, Any]]


# -- the errand --------------------------------------------------------------------------------------------------------


def doing(machine: Machine) -> Do:
    """What `errand.run` is to do."""

    def do(what: dict[str, Any], tell: Tell) -> dict[str, Any]:
        match what:
            case {"do": "look", "path": str(path), **more} if not more:
                return look(machine, path)
            case {"do": "install", "path": str(path), "repair": bool(repair), **more} if not more:
                return install(machine, path, tell, repair=repair)
            case {"do": "install", "path": str(path), **more} if not more:
                return install(machine, path, tell)
            case {"do": "back", **more} if not more:
                return back(machine)
            case {"do": "seen", **more} if not more:
                return seen(machine)
        raise Refused("bad_request")

    return do


def look(machine: Machine, path: str) -> dict[str, Any]:
    """What a bundle is, and whether it may be installed. Refused: update_missing, update_unsigned, update_damaged."""
    found = machine.rauc.info(bundle_at(machine, path))
    return {"version": found.version, "compatible": found.compatible, "refused": _refusal(machine, found)}


def install(machine: Machine, path: str, tell: Tell, *, repair: bool = False) -> dict[str, Any]:
    """Write it to the other slot. A release on trial proves itself first: its slot is not the box's own yet."""
    if releases.on_trial(machine.now(), machine.slot(), machine.running()):
        raise Refused("update_trial")
    place = bundle_at(machine, path)
    wanted = machine.rauc.info(place)
    code = _refusal(machine, wanted, repair=repair)
    if code:
        raise Refused(code)
    now = machine.now()
    planned = msgspec.structs.replace(
        Standing(phase="installing", version=wanted.version, slot=_other(machine), before=machine.running()),
        since=now.since,
        own=now.own,
        own_version=now.own_version,
    )
    machine.remember(planned)
    machine.tell()
    try:
        machine.rauc.install(place, lambda percent: tell(percent, {"version": wanted.version}))
        if machine.rauc.installed_version() != wanted.version:  # somebody put another bundle into its place
            machine.rauc.mark("bad", "other")
            raise Refused("update_damaged")
    except Refused:
        machine.remember(Standing(since=now.since, own=now.own, own_version=now.own_version))
        machine.tell()
        raise
    machine.remember(msgspec.structs.replace(planned, phase="installed"))
    return machine.tell()


def back(machine: Machine) -> dict[str, Any]:
    """Have the release on the other slot tried at the next start: a trial as any other. Refused: update_no_other, …"""
    now = machine.now()
    if now.phase:
        raise Refused("update_no_other")
    code = releases.refusal_back(now.other, _text(machine.floor))
    if code:
        raise Refused(code)
    machine.remember(
        Standing(
            phase="installed",
            version=now.other,
            slot=_other(machine),
            before=machine.running(),
            since=now.since,
            own=now.own,
            own_version=now.own_version,
        )
    )
    machine.rauc.mark("active", "other")
    return machine.tell()


def seen(machine: Machine) -> dict[str, Any]:
    """Nobody needs to be told of the failed release any more."""
    now = machine.now()
    if now.failed:
        machine.remember(msgspec.structs.replace(now, failed="", cut=False))
    return machine.tell()


def bundle_at(machine: Machine, path: str) -> Path:
    """The file, if it lies where bundles may lie, and not through a link. Refused: update_missing, too_large."""
    for shown, lies in machine.aliases:
        path = lies + path[len(shown) :] if path.startswith(shown) else path
    place = Path(path)
    if not place.is_absolute() or place.suffix != ENDING or len(path) > 1024 or "\0" in path:
        raise Refused("update_missing")
    try:
        real = place.resolve(strict=True)
        about = real.lstat()
    except (OSError, RuntimeError):
        raise Refused("update_missing") from None
    if not any(_in(real.parent, one) for one in machine.sources) or not stat.S_ISREG(about.st_mode):
        raise Refused("update_missing")
    if not 0 < about.st_size <= MAX_BUNDLE:
        raise Refused("update_damaged")
    return real


def _other(machine: Machine) -> releases.Slot:
    return "b" if machine.slot() == "a" else "a"


def _in(folder: Path, source: str) -> bool:
    """`*` is one name of a folder, and no link: the path was resolved before."""
    if not source.endswith("/*"):
        return folder == Path(source).resolve()
    return folder.parent == Path(source[:-2]).resolve()


def _refusal(machine: Machine, found: Bundle, *, repair: bool = False) -> str:
    if found.compatible != machine.compatible():
        return "update_other_box"
    if code := pi.refusal(pi.read(machine.tree)):
        return code
    return releases.refusal(found.version, machine.running(), _text(machine.floor), repair=repair)


# -- at each start -----------------------------------------------------------------------------------------------------


def at_start(machine: Machine) -> dict[str, Any]:
    """Before the appliance: see what became of an update, and tell. RAUC is asked only when that is in doubt.

    A disk that takes nothing keeps nobody from being told of a trial: the store would be opened by a release on trial.
    """
    now, slot, running = machine.now(), machine.slot(), machine.running()
    in_doubt = now.phase == "installed" and not releases.on_trial(now, slot, running)
    next_slot = ""
    if in_doubt:
        try:
            next_slot = machine.rauc.next_slot()
        except Refused:
            next_slot = ""
    became = releases.at_boot(now, slot, running, next_slot)
    if became != now:
        with contextlib.suppress(OSError):  # the next start sees the same, and does it
            machine.remember(became)
    told = machine.tell(became)
    answer = {"id": "boot", "state": "done", "percent": 100, "facts": told}
    (machine.errands / "told" / "update.json").write_bytes(msgspec.json.encode(answer))
    (machine.errands / "told" / "update.json").chmod(0o644)
    return told


def prove(machine: Machine, healthy: health.Healthy) -> bool:
    """Beside the appliance: make a release on trial the box's own once it answers. False: it did not; start anew.

    The floor goes first: after a power cut right behind it the release before still may run, and is tried again.
    """
    now, slot, running = machine.now(), machine.slot(), machine.running()
    if not releases.on_trial(now, slot, running):
        return True
    # Another version: exchanged on the stick, and the power cut before that was seen.
    if running != now.version or not healthy():
        with contextlib.suppress(Refused):  # the boot loader finds out by itself, only later
            machine.rauc.mark("bad", "booted")
        return False
    floor = releases.raised(_text(machine.floor), now.before, running)
    if floor != _text(machine.floor):
        write_whole(machine.floor, floor.encode() + b"\n")
    machine.rauc.mark("good", "booted")
    became = releases.proved(now, int(time.time()))
    with contextlib.suppress(OSError):  # full or worn out: it is the box's own now, and starting anew would never end
        machine.remember(became)
    machine.tell(became)
    return True


# -- files -------------------------------------------------------------------------------------------------------------


def write_whole(path: Path, content: bytes) -> None:
    """There whole or not at all, after a power cut too."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")[:65_536].strip()
    except OSError:
        return ""


def _made_at(path: Path) -> int:
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0


def main(arguments: list[str], machine: Machine | None = None) -> int:
    """The program: without a word the errand, else `slot` or `good`. Exit code 0; 1: failed, for `good` start anew."""
    machine = machine or Machine()
    if arguments == ["slot"]:
        at_start(machine)
        return 0
    if arguments == ["good"]:
        return 0 if prove(machine, health.wait) else 1
    code = errand.run("update", doing(machine), machine.errands)
    machine.tell()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
