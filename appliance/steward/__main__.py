"""`python -m appliance.steward WORD …`: one row a program, each imported only when it is its turn.

Exit code: the program's own; 2 for a word that is none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

# Word on the command line → module with `main(arguments) -> exit code`.
PROGRAMS: Mapping[str, str] = {
    "clock": "appliance.steward.clock",
    "power": "appliance.steward.power",
    "reset": "appliance.steward.reset",
    "credential": "appliance.steward.credential",
    "network": "appliance.steward.network",
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in PROGRAMS:
        sys.stderr.write(f"usage: python -m appliance.steward {'|'.join(PROGRAMS)}\n")
        return 2
    return int(import_module(PROGRAMS[arguments[0]]).main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
