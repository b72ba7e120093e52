"""HQ as a process that kills itself right at a named step. Run by test_outbox_kill.py.

python hq_child.py STEP FOLDER PORT      STEP is one of STEPS or "none"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sync import receipt
from sync.hq.objects import LocalObjects
from sync.hq.serve import serve
from tests.fault.dying import after, before

# In the order in which an envelope meets them.
STEPS: dict[str, Callable[[], None]] = {
    "hq_before_create": lambda: before(LocalObjects, "_create"),
    "hq_after_create": lambda: after(LocalObjects, "_create"),
    "hq_after_fsync": lambda: after(LocalObjects, "make_durable"),
    "hq_after_signing": lambda: after(receipt, "issue"),
}


async def run(step: str, folder: Path, port: int) -> None:
    def ready(bound: int) -> None:
        sys.stdout.write(f"{bound}\n")
        sys.stdout.flush()
        if step != "none":  # HQ's own look at its store at the start is no step
            STEPS[step]()

    await serve(folder, "127.0.0.1", port, ready, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
