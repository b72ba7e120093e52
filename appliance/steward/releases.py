"""Which release may follow which: versions, the floor below which nothing is installed, how an update stands. Pure.

A release is signed for ever, so an old one with a known hole is signed too: RAUC takes it, these rules do not. The
floor rises, when a release has proved itself, to the one before it: one can go back one release, never further.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

_VERSION = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})")

Version = tuple[int, int, int]
Slot = Literal["a", "b", ""]
Phase = Literal["", "installing", "installed"]


class Standing(msgspec.Struct, frozen=True):
    """What the machine remembers of its newest update, in `/data/system/update.json`.

    `version`, `slot`: what is being installed, or is and waits for its trial. `before`: the release that ran then.
    `other`: what is whole on the slot that does not run, "" for nothing. `failed`: a release that was tried and did not
    come up, or whose installation was cut, until a person has read so; `cut`: it was the latter. `since`: Unix seconds
    at which the release that runs had proved itself, 0 for the one that the box came with. `own`, `own_version`: what
    proved itself last.
    """

    phase: Phase = ""
    version: str = ""
    slot: Slot = ""
    before: str = ""
    other: str = ""
    failed: str = ""
    cut: bool = False
    since: int = 0
    own: Slot = ""
    own_version: str = ""


def parse(text: str) -> Version | None:
    """MAJOR.MINOR.PATCH and nothing else; None for what is none."""
    found = _VERSION.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def refusal(version: str, running: str, floor: str, *, repair: bool = False) -> str:
    """Why this release is not installed over the running one: a fault's code, or "". `repair`: the same one again."""
    wanted, present = parse(version), parse(running)
    if wanted is None or present is None:
        return "update_damaged"
    lowest = parse(floor) or (0, 0, 0)
    if wanted < lowest or wanted < present:
        return "update_older"
    return "update_same" if wanted == present and not repair else ""


def refusal_back(other: str, floor: str) -> str:
    """Why the release on the other slot is not gone back to: a fault's code, or ""."""
    wanted = parse(other)
    if wanted is None:
        return "update_no_other"
    return "update_older" if wanted < (parse(floor) or (0, 0, 0)) else ""


def raised(floor: str, before: str, version: str) -> str:
    """The floor when `version` has proved itself after `before`. It never sinks, also when one goes back."""
    lowest = min(parse(before) or (0, 0, 0), parse(version) or (0, 0, 0))
    highest = max(parse(floor) or (0, 0, 0), lowest)
    return ".".join(map(str, highest))


def on_trial(now: Standing, slot: str, running: str) -> bool:
    """Whether the release that runs has yet to prove itself. Of another version than was looked at, it never can."""
    return now.phase == "installed" and now.slot == slot and running != ""


def at_boot(now: Standing, slot: str, running: str, next_slot: str) -> Standing:
    """What became of it over a restart. `next_slot`: what the boot loader would take next.

    An installation that was cut leaves half a release on the other slot: nothing to go back to any more, nothing lost.
    If the power went just after RAUC had it tried, it is whole and on trial.
    """
    begun = now if now.phase == "" else msgspec.structs.replace(now, phase="installed")
    if on_trial(begun, slot, running):
        return begun
    if now.phase == "installing":
        return _keeping(now, slot, running, failed=now.version, cut=True)
    if now.phase == "installed" and next_slot in ("", slot):
        return _keeping(now, slot, running, failed=now.version)
    if now.phase == "" and now.own != slot:
        # The first start of all; or the boot loader gave the box's own release up, which stands whole where it was.
        return _keeping(now, slot, running, failed=now.own_version, other=now.own_version)
    return now


def _keeping(now: Standing, slot: str, running: str, *, failed: str, cut: bool = False, other: str = "") -> Standing:
    own: Slot = "a" if slot == "a" else "b" if slot == "b" else ""
    return Standing(failed=failed, cut=cut, other=other, since=now.since, own=own, own_version=running)


def proved(now: Standing, at: int) -> Standing:
    """The release on trial is the box's own; what ran before it stays on the other slot. `at`: Unix seconds."""
    return Standing(other=now.before, since=at, own=now.slot, own_version=now.version)
