"""What the steward asks of RAUC, which checks signatures and writes slots: fixed arguments, bounded answers.

RAUC's service does the work with its own rights; this side only speaks to it. Its words for what went wrong are put
into codes of ours; what it prints is never passed on, since it may quote a file's name.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from appliance.steward.errand import Refused

LOOK_SECONDS = 120.0  # a signature, over a slow stick
MARK_SECONDS = 60.0
INSTALL_SECONDS = 7200  # a slow card; timeout(1) ends it, so that it counts while nothing is printed too
MAX_ANSWER = 1024 * 1024
_PERCENT = re.compile(r"\s*([0-9]{1,3})% ")
# Words in RAUC's messages, first match first.
_CODES: Sequence[tuple[str, str]] = (
    ("bundle format", "update_damaged"),  # before the next: what is no bundle has no signature that could be read
    ("signature", "update_unsigned"),
    ("compatible", "update_other_box"),
    ("no space", "update_no_room"),
    ("verity", "update_damaged"),
    ("checksum", "update_damaged"),
    ("input/output", "update_damaged"),
    ("no such file:", "update_missing"),
)


class Bundle(msgspec.Struct, frozen=True):
    """What a bundle says of itself; its signature was found good."""

    compatible: str
    version: str


class _Slots(msgspec.Struct, frozen=True):
    booted: str | None = None
    boot_primary: str | None = None
    slots: list[dict[str, dict[str, Any]]] = []


class Rauc:
    """`command`: rauc itself, or a stand-in in tests."""

    def __init__(self, command: Sequence[str] = ("rauc",)) -> None:
        self._command = tuple(command)

    def info(self, path: Path) -> Bundle:
        """Refused: update_unsigned, update_damaged, update_missing."""
        said = self._run(("info", "--output-format=json", str(path)), LOOK_SECONDS)
        try:
            return msgspec.json.decode(said, type=Bundle)
        except msgspec.DecodeError:
            raise Refused("update_damaged") from None

    def install(self, path: Path, percent: Callable[[int], None]) -> None:
        """Write the release to the slot that does not run and have it started next. Refused: by what RAUC says."""
        words: list[str] = []
        with subprocess.Popen(  # noqa: S603 - fixed words, and a path that was checked
            ("/usr/bin/timeout", str(INSTALL_SECONDS), *self._command, "install", str(path)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_plain(),
            text=True,
            errors="replace",
        ) as running:
            assert running.stdout is not None  # noqa: S101 - it was asked for
            while line := running.stdout.readline(4096):
                found = _PERCENT.match(line)
                if found:
                    percent(min(100, int(found[1])))
                words = [*words[-40:], line]
        if running.returncode != 0:
            raise Refused(code_of("\n".join(word for word in words if not _PERCENT.match(word)), "update_failed"))

    def next_slot(self) -> str:
        """The boot name of what the boot loader takes next, "" when RAUC does not know."""
        slots = self._slots()
        names = (str(of.get("bootname") or "") for name, of in _each(slots) if name == slots.boot_primary)
        return next(names, "").lower()

    def installed_version(self) -> str:
        """What RAUC wrote to the slot that does not run, by the bundle that it read."""
        for _, of in _each(self._slots()):
            if of.get("bootname") and of.get("state") != "booted":
                bundle = (of.get("slot_status") or {}).get("bundle") or {}
                return str(bundle.get("version") or "")
        return ""

    def mark(self, word: Literal["good", "bad", "active"], which: Literal["booted", "other"]) -> None:
        """`good`: the box's own from now on; `active`: tried at the next start; `bad`: not tried any more."""
        self._run(("status", f"mark-{word}", which), MARK_SECONDS)

    def _slots(self) -> _Slots:
        said = self._run(("status", "--detailed", "--output-format=json"), MARK_SECONDS)
        try:
            return msgspec.json.decode(said, type=_Slots)
        except msgspec.DecodeError:
            raise Refused("update_failed") from None

    def _run(self, arguments: Sequence[str], seconds: float) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - as above
                (*self._command, *arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                env=_plain(),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise Refused("update_failed") from None
        if done.returncode != 0:
            raise Refused(code_of(done.stderr.decode("utf-8", "replace"), "update_failed"))
        return done.stdout[:MAX_ANSWER]


def code_of(said: str, otherwise: str) -> str:
    """A fault's code for what RAUC printed. Its own log lines tell what it does, not what went wrong."""
    told = "\n".join(line for line in said.lower().splitlines() if not line.startswith(("rauc-message", "(rauc")))
    return next((code for word, code in _CODES if word in told), otherwise)


def _each(slots: _Slots) -> list[tuple[str, dict[str, Any]]]:
    return [pair for one in slots.slots for pair in one.items()]


def _plain() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
