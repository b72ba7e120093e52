"""`hq open` that kills itself in the middle of its second batch: at three steps of each kind of target."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sync.hq import opening
from sync.hq.into import ledger
from sync.hq.into.postgres import Postgres
from sync.hq.open_command import target_of
from sync.hq.opening import Opener


class Deadly:
    """Lets some calls pass, then ends the process without a farewell."""

    def __init__(self, real: Any, left: int) -> None:
        self._real, self._left = real, left

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._real(*arguments, **named)


def arm(address: str, step: str) -> None:
    """Three steps: while rows or files are written, when they are there, and right before the commit."""
    if address.startswith("postgres"):
        name, left = {"writing": ("_copy", 7), "written": ("_note", 1), "commit": ("_envelopes", 1)}[step]
        deadly = Deadly(getattr(Postgres, name), left)
        setattr(Postgres, name, lambda *arguments: deadly(*arguments))
    elif step == "writing":
        os.fsync = Deadly(os.fsync, 5)
    elif step == "written":
        deadly = Deadly(Path.rename, 4)
        Path.rename = lambda *arguments: deadly(*arguments)  # type: ignore[method-assign]
    else:
        ledger.write_whole = Deadly(ledger.write_whole, 1)  # type: ignore[attr-defined]


def main(folder: str, address: str, step: str) -> None:
    """Never returns."""
    opening.BATCH_RECORDS = 2
    arm(address, step)
    opener = Opener(Path(folder))
    asyncio.run(opener.into(target_of(address, opener, {})))


if __name__ == "__main__":
    main(*sys.argv[1:])
