"""`hearth`: reads the command line, runs one command, turns a fault into one sentence and an exit code.

0 done, 1 failed, 2 bad usage or input.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

from appliance import commands
from appliance.faults import Fault

_BAD_INPUT = frozenset({"bad_settings", "bad_request", "store_exists", "backup_foreign", "backup_no_place"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a memory image on disk could hold the store's key
    asked = commands.parse(sys.argv[1:] if argv is None else argv)
    try:
        return int(asked.run(asked))
    except Fault as fault:
        detail = f" ({fault.detail})" if fault.detail else ""
        sys.stderr.write(f"hearth: {fault.kind.sentence}{detail} [{fault.code}]\n")
        return 2 if fault.code in _BAD_INPUT else 1
    except EOFError:
        sys.stderr.write("hearth: that needs an answer, and there is nobody to give it. [bad_request]\n")
        return 2
    except KeyboardInterrupt:
        return 1  # broken off: `up` catches Ctrl-C by itself once there is something to end


if __name__ == "__main__":
    sys.exit(main())
