"""A machine with two slots in memory: a boot loader with `slot` and `try`, and a RAUC that writes one of them.

Its power can be cut after any step that lasts (`cut_after`): what was written until then stays, the rest never was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from appliance.steward import update
from appliance.steward.errand import Refused
from appliance.steward.rauc import Bundle, Rauc
from appliance.steward.update import Machine

OURS = "hearth-box-amd64"
HALF = "half"  # what a slot holds while it is written


class PowerCut(BaseException):
    """Everything ends here, without a word."""


class Slots(Rauc):
    """`bundles`: what a file is, by its content. `works`: releases that answer once they run."""

    def __init__(self) -> None:
        super().__init__()
        self.held = {"a": "0.7.0", "b": ""}
        self.slot, self.next_try, self.booted = "a", "", "a"
        self.bundles: dict[bytes, Bundle] = {}
        self.broken: set[str] = set()
        self.swapped: Bundle | None = None  # what RAUC finds in place of what was looked at
        self.steps = 0
        self.cut_after = -1
        self.looked = 0

    def step(self) -> None:
        """Something that lasts was done."""
        self.steps += 1
        if self.steps == self.cut_after:
            raise PowerCut

    # -- what the boot loader does

    def start(self) -> str:
        """Power on: the slot that runs, what is tried being taken away before it is."""
        self.booted, self.next_try = (self.next_try or self.slot), ""
        return self.booted

    # -- as RAUC

    def info(self, path: Path) -> Bundle:
        try:
            return self.bundles[path.read_bytes()]
        except KeyError:
            raise Refused("update_unsigned") from None

    def install(self, path: Path, percent: Callable[[int], None]) -> None:
        other = "b" if self.booted == "a" else "a"
        if self.next_try == other:
            self.next_try = ""
        self.held[other] = HALF
        percent(40)
        self.step()
        self.held[other] = (self.swapped or self.info(path)).version
        percent(100)
        self.step()
        self.next_try = other
        self.step()

    def next_slot(self) -> str:
        self.looked += 1
        return self.next_try or self.slot

    def installed_version(self) -> str:
        return self.held["b" if self.booted == "a" else "a"]

    def mark(self, word: Literal["good", "bad", "active"], which: Literal["booted", "other"]) -> None:
        slot = self.booted if which == "booted" else "b" if self.booted == "a" else "a"
        if word == "good":
            self.slot, self.next_try = slot, ""
        elif word == "active":
            self.next_try = slot
        elif self.next_try == slot:
            self.next_try = ""
        self.step()


class Box:
    """The steward over such a machine, with its files below `root`."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.slots = root, Slots()
        for folder in ("told", "ask", "update", "media/stick", "system"):
            (root / folder).mkdir(parents=True)
        (root / "system.conf").write_text(f"[system]\ncompatible={OURS}\n")
        self.machine = Machine(
            standing=root / "system" / "update.json",
            floor=root / "system" / "version-floor",
            release=root / "release",
            epoch=root / "release",
            system=root / "system.conf",
            command_line=root / "cmdline",
            errands=root,
            sources=(str(root / "update"), str(root / "media" / "*")),
            aliases=((f"{root}/home/", f"{root}/"),),
            rauc=self.slots,
        )
        writes = update.write_whole

        def write_whole(path: Path, content: bytes) -> None:
            writes(path, content)
            self.slots.step()

        monkeypatch.setattr(update, "write_whole", write_whole)
        self.boot()

    def bundle(self, version: str, compatible: str = OURS, place: str = "update") -> str:
        """A signed bundle's path."""
        path = self.root / place / f"{version}.raucb"
        path.write_bytes(f"{compatible} {version}".encode())
        self.slots.bundles[path.read_bytes()] = Bundle(compatible=compatible, version=version)
        return str(path)

    def boot(self) -> dict[str, object]:
        """Power on, up to where the appliance begins."""
        slot = self.slots.start()
        self.machine.command_line.write_text(f"quiet root=PARTLABEL=root-{slot} panic=10\n")
        self.machine.release.write_text(self.slots.held[slot] + "\n")
        return update.at_start(self.machine)

    def prove(self) -> bool:
        """What runs beside the appliance; a release that is broken answers nothing."""
        return update.prove(self.machine, lambda: self.running not in self.slots.broken)

    @property
    def running(self) -> str:
        return self.slots.held[self.slots.booted]

    @property
    def floor(self) -> str:
        return self.machine.floor.read_text().strip() if self.machine.floor.exists() else ""

    def do(self, **what: object) -> dict[str, object]:
        return update.doing(self.machine)(dict(what), lambda percent, facts: None)

    def install(self, version: str) -> None:
        """To the end: installed, started, proved."""
        self.do(do="install", path=self.bundle(version))
        self.boot()
        assert self.prove()

    def told(self) -> dict[str, object]:
        answer = msgspec.json.decode((self.root / "told" / "slots.json").read_bytes())
        facts: dict[str, object] = answer["facts"]
        return facts
