"""The box's side of sync as one process that kills itself right after a named step. Run by test_outbox_kill.py.

python outbox_child.py STEP STORE_KEY_HEX HOME ADD      STEP is one of STEPS or "none"; ADD records are put in first
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from appliance.outbox import actions, rows
from appliance.outbox.forwarder import Forwarder
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import outbox
from sync.__main__ import hold
from sync.courier.run import Courier
from sync.spool import Spool


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def killed(*arguments: Any, **named: Any) -> Any:
        die()
        return real(*arguments, **named)

    setattr(owner, name, killed)


def after(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def killed(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        die()
        return result

    setattr(owner, name, killed)


def after_commit(name: str) -> None:
    """Die when the store has committed a work that did what `actions.NAME` does."""
    real, write = getattr(actions, name), Database.write
    done = []

    def noted(*arguments: Any) -> Any:
        result = real(*arguments)
        done.append(result)
        return result

    async def killed(self: Database, work: Callable[..., Any]) -> Any:
        result = await write(self, work)
        if any(done):
            die()
        return result

    setattr(actions, name, noted)
    Database.write = killed  # type: ignore[method-assign]


# In the order in which a record meets them. Before a step and after the one before it are the same moment.
STEPS: dict[str, Callable[[], None]] = {
    "before_seal_commit": lambda: after(outbox, "seal_next"),
    "after_seal_commit": lambda: after_commit("seal_next"),
    "half_in_spool": lambda: before(Path, "rename"),
    "after_spool_write": lambda: after(Spool, "put_segment"),
    "after_post_before_receipt_stored": lambda: before(Spool, "put_receipt"),
    "after_receipt_stored": lambda: after(Spool, "put_receipt"),
    "before_settle_commit": lambda: after(outbox, "settle"),
    "after_settle_commit": lambda: after_commit("settle"),
    "before_spool_tidied": lambda: before(Spool, "drop_segment"),
    "after_spool_tidied": lambda: after(Spool, "drop_settled"),
}


async def run(step: str, key: bytes, home: Path, count: int) -> None:
    db = await Database.open(home / "store", StoreKey(key))
    for _ in range(count):
        await db.write(lambda tx: rows.add(tx, "session_ended", b"{}", "2026-01-02T03:04:05Z"))
    if step == "after_outbox_row":
        die()
    if step != "none":
        STEPS[step]()
    spool = Spool(home / "spool")
    spool.prepare("in")
    held = await hold(spool)
    settled = asyncio.Event()
    running = Forwarder(db, home / "spool", lambda: settled.set() if running.state().state == "up_to_date" else None)
    tasks = [asyncio.create_task(work) for work in (running.run(), Courier(spool).run())]
    await settled.wait()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await db.close()
    assert held is not None


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], bytes.fromhex(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
