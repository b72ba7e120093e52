"""The box's side of packs as one process that kills itself right after a named step. Run by test_packs_kill.py.

python packs_child.py STEP STORE_KEY_HEX HOME      STEP is one of STEPS or "none"
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from appliance.packs import actions, effects, rows
from appliance.packs.actions import Applier
from appliance.store.database import Database
from appliance.store.key import StoreKey
from tests.fault.dying import after, before, die


def after_commit(name: str) -> None:
    """Die when the store has committed a work that did what `actions.NAME` does."""
    real, write = getattr(actions, name), Database.write
    done = []

    def noted(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        done.append(True)
        return result

    async def killed(self: Database, work: Callable[..., Any]) -> Any:
        result = await write(self, work)
        if done:
            die()
        return result

    setattr(actions, name, noted)
    Database.write = killed  # type: ignore[method-assign]


# In the order in which a pack meets them.
STEPS: dict[str, Callable[[], None]] = {
    "before_taken": lambda: after(rows, "keep"),
    "after_taken": lambda: after_commit("take"),
    "before_file_dropped": lambda: before(Path, "unlink"),
    "after_file_dropped": lambda: after(Path, "unlink"),
    "amid_items": lambda: after(rows, "hold_back"),
    "after_items": lambda: after(effects, "apply"),
    "before_answer": lambda: after(rows, "end"),
    "before_applied_commit": lambda: after(actions, "apply_next"),
    "after_applied_commit": lambda: after_commit("apply_next"),
    "before_courier_told": lambda: before(actions, "write_whole"),
    "after_courier_told": lambda: after(actions, "write_whole"),
}


async def run(step: str, key: bytes, home: Path) -> None:
    db = await Database.open(home / "store", StoreKey(key))
    if step != "none":
        STEPS[step]()
    running = Applier(db, home / "spool")
    await running.look()
    print(running.told().applied, flush=True)
    await db.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], bytes.fromhex(sys.argv[2]), Path(sys.argv[3])))
