"""Makes a box misbehave: every Python that is started with this folder on PYTHONPATH loads it, and HEARTH_RIG says how.
So the programs themselves carry no switch that could be left on.

HEARTH_RIG holds names of rigs, with commas. What each does stands at its function: those of the appliance are in
`lying_appliance.py`, those of the relay in `lying_relay.py`.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

# Name of the rig: the program that it is for (the word after -m), and the file with a function of the rig's name.
RIGS = {
    "forwards_everything": ("appliance", "lying_appliance"),
    "false_leader": ("appliance", "lying_appliance"),
    "swaps_offers": ("appliance", "lying_appliance"),
    "swaps_streams": ("media", "lying_relay"),
}


def _process() -> str:
    """Which of the box's programs this is."""
    words = sys.orig_argv
    return words[words.index("-m") + 1] if "-m" in words[:-1] else ""


for _name in filter(None, os.environ.get("HEARTH_RIG", "").split(",")):
    _where, _file = RIGS[_name]
    if _where == _process():
        getattr(import_module(_file), _name)()
