"""The box's side of sync as one process that kills itself right after a named step. Run by test_outbox_kill.py.

python outbox_child.py STEP STORE_KEY_HEX HOME ADD      STEP is one of STEPS or "none"; ADD records are put in first
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from appliance.outbox import actions, pinned, rows
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.lives import rows as log
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import keys, outbox
from sync.__main__ import hold
from sync.courier.run import Courier
from sync.spool import Spool
from tests.fault.dying import after, after_commit, before, die

WHY = "the store is an older one"

# In the order in which a record meets them. Before a step and after the one before it are the same moment.
STEPS: dict[str, Callable[[], None]] = {
    "before_seal_commit": lambda: after(outbox, "seal_next"),
    "after_seal_commit": lambda: after_commit(actions, "seal_next"),
    "half_in_spool": lambda: before(Path, "rename", lambda beside, *_: ".segment" in beside.name),
    "after_spool_write": lambda: after(Spool, "put_segment"),
    "after_post_before_receipt_stored": lambda: before(Spool, "put_receipt"),
    "after_receipt_stored": lambda: after(Spool, "put_receipt"),
    "before_settle_commit": lambda: after(outbox, "settle"),
    "after_settle_commit": lambda: after_commit(actions, "settle"),
    "before_spool_tidied": lambda: before(Spool, "drop_segment"),
    "after_spool_tidied": lambda: after(Spool, "drop_settled"),
}
# The same for HQ's keys, which the box is told as it starts.
PIN_STEPS: dict[str, Callable[[], None]] = {
    "before_pin_commit": lambda: after(pinned, "pin"),
    "after_pin_commit": lambda: after_commit(pinned, "pin"),
    "after_hq_json": lambda: after(Spool, "put_hq_json"),
}
# And for the way out of a store that is an older one.
ADOPT_STEPS: dict[str, Callable[[], None]] = {
    "after_head_asked": lambda: after(Spool, "ask_head"),
    "after_trouble_commit": lambda: after_commit(log, "note_trouble"),
    "after_heard_commit": lambda: after_commit(log, "note_heard"),
    "before_adopt_commit": lambda: after(log, "go_on_after"),
    "after_adopt_commit": lambda: after_commit(actions, "adopt"),
    "after_withdrawing": lambda: after(Forwarder, "_withdraw"),
    "sealed_in_the_new_life": lambda: after_commit(outbox, "seal_next"),
}


async def run(step: str, key: bytes, home: Path, count: int) -> None:
    db = await Database.open(home / "store", StoreKey(key))
    await db.write(log.skip_numbers)
    for _ in range(count):
        add = partial(rows.add, record_class="session_ended", body=_body(home), at="2026-01-02T03:04:05Z")
        await db.write(add)
    if step == "after_outbox_row":
        die()
    if step != "none":
        {**STEPS, **PIN_STEPS, **ADOPT_STEPS}[step]()
    await _pin(db, home)
    spool = Spool(home / "spool")
    spool.prepare("in")
    held = await hold(spool)
    settled, changed = asyncio.Event(), asyncio.Event()
    running = Forwarder(db, spool.root, changed.set)
    tasks = [asyncio.create_task(work) for work in (running.run(), Courier(spool, jitter=lambda: 0.0).run())]
    while not settled.is_set():
        await changed.wait()
        changed.clear()
        if running.state().trouble == "set_back":
            await running.adopt(BOX, WHY)
        if running.state().state == "up_to_date" and not running.state().trouble:
            settled.set()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await db.close()
    assert held is not None


def _body(home: Path) -> bytes:
    """Each record is another one, and written down before it is put in: a test then knows what may have been kept."""
    said = home / "bodies"
    body = json.dumps({"record": said.stat().st_size if said.exists() else 0}).encode()
    with said.open("ab") as file:
        file.write(body + b"\n")
    return body


async def _pin(db: Database, home: Path) -> None:
    facts = keys.hq_from_json((home / "hq.json").read_bytes())
    await db.write(lambda tx: pinned.pin(tx, decide(BOX, "enrol_box", Facts()), facts, "2026-01-02T03:04:05Z"))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], bytes.fromhex(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
