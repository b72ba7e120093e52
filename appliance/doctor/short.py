"""`hearth doctor --short`: the numbered lines for a helper, beside a box that runs, is locked, or does not run at all.

And `--read CODE` at the helper's: the lines that the code stands for, with the same two words. Exit codes: 0 all is
well, 1 a line needs somebody, or the code is none.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Snapshot
from appliance.doctor import figures, looking
from appliance.doctor.figures import Figures
from appliance.doctor.told import Language, Told
from appliance.home import Home

GROUP = 4  # characters of the code that are read out together


def short(root: Path, language: Language, *, as_json: bool) -> int:
    """Look and say; writes nothing."""
    home = Home(root)
    told = asyncio.run(_snapshot(home.control_socket))
    parts: tuple[Any, ...] = (None,) * 4 if told is None else (told.box, told.health, told.sync, told.copies)
    return _say(looking.look(home, *parts), language, as_json=as_json)


def read_back(typed: str, language: Language, *, as_json: bool) -> int:
    """What somebody read out or photographed."""
    found = figures.read(typed)
    if found is None:
        sys.stderr.write("hearth doctor: that is no code, or a letter of it is wrong\n")
        return 1
    return _say(found, language, as_json=as_json)


def _say(found: Figures, language: Language, *, as_json: bool) -> int:
    told = Told(found, language)
    if as_json:
        whole = {"version": 1, "figures": found, "lines": told.lines, "bad": told.bad, "code": told.code}
        sys.stdout.write(msgspec.json.encode({**whole, "words": told.words}).decode() + "\n")
    else:
        groups = [told.code[at : at + GROUP] for at in range(0, len(told.code), GROUP)]
        half = (len(groups) + 1) // 2
        sys.stdout.write("\n".join([*told.lines, "", " ".join(groups[:half]), " ".join(groups[half:])]) + "\n")
        sys.stdout.write(" ".join(told.words) + "\n")
    return 1 if told.bad else 0


async def _snapshot(socket: Path) -> Snapshot | None:
    client = ControlClient(socket)
    try:
        return await client.snapshot()
    except ControlFault:
        return None
    finally:
        await client.close()
