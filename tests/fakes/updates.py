"""A box's releases over a steward that does at once what is asked, for tests of who may ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.errands import Told, Word
from appliance.updates.actions import Found, Updates
from tests.fakes.steward import Obedient

STICK = Found(path="/media/blue/hearth-0.7.1.raucb", where="blue", size=312_000_000, version="0.7.1")
SLOTS: dict[str, Any] = {"slot": "a", "version": "0.7.0", "other_version": "0.6.9", "made_at": 1_780_000_000}


class Slotted(Obedient):
    """With two slots. `slots`: what the steward says of them, once it is not `looking` any more."""

    def __init__(self, refuses: str = "", **slots: Any) -> None:
        super().__init__(refuses)
        self.slots = {**SLOTS, **slots}
        self.looking = False
        self.looks = 0

    def told(self, word: Word) -> Told | None:
        self.looks += 1
        if self.looking:
            return None
        return Told(id="slots", state="done", facts=self.slots) if word == "slots" else None


def updates(folder: Path, errands: Slotted | None = None, found: tuple[Found, ...] = (STICK,)) -> Updates:
    """With a stick in."""
    made = Updates(
        errands or Slotted(),
        folder / "spool",
        folder / "restart.json",
        lambda: None,
        media=folder / "media",
        system=folder / "system.conf",
    )
    made._told = replace(made._told, found=found)
    return made
