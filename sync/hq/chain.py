"""The signed steps of HQ's public facts, `facts/<serial>.json`: what leads a box that was away to the keys of today.

Made by the commands that change keys, with the pack key at hand; servers only hand them out.
"""

from __future__ import annotations

from pathlib import Path

from sync import keys, rollover, suite
from sync.hq import folder as hq_folder
from sync.hq.objects import Objects
from sync.rollover import Step
from sync.spool import DIGITS, read_bounded


async def keep(folder: Path, objects: Objects) -> None:
    """Sign the facts as they are now, if nobody has yet. Doing it twice changes nothing.

    Every pack key here signs, so that it does not matter at which step of a rollover this was cut short; and the
    receipt keys, for boxes of 0.4.0 that know no pack key yet.
    """
    facts = hq_folder.public(folder)
    await objects.create(_path(facts.serial), rollover.step_to_json(rollover.sign(facts, _signers(folder))))


async def after(objects: Objects, serial: int, limit: int) -> tuple[list[Step], bool]:
    """At most `limit` steps after `serial`, in order, and whether there are more."""
    steps: list[Step] = []
    async for entry in objects.entries("facts", _path(serial)):
        if len(steps) == limit:
            return steps, True
        raw = await objects.get(entry.path)
        if raw is not None:
            steps.append(rollover.step_from_json(raw))
    return steps, False


def _signers(folder: Path) -> list[suite.SigningKey]:
    files = [path for kind in ("packs", "receipts") for path in sorted((folder / "keys").glob(f"{kind}*.key"))]
    seeds = (read_bounded(path, hq_folder.MAX_KEY) or b"" for path in files)
    return [suite.SigningKey(seed) for seed in seeds][: 2 * keys.MAX_LISTED]


def _path(serial: int) -> str:
    return f"facts/{serial:0{DIGITS}d}.json"
