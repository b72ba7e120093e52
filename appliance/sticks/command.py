"""`hearth sync status|now|export|import|adopt|returned`.

A box that runs does it itself, for a person who signs in; where none runs, the passphrase opens the store. `status` and
`now` need neither: they tell no name and move nothing that was not moving.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from appliance import terminal
from appliance.clock import now_text
from appliance.control.client import ControlClient, ControlFault
from appliance.control.sticks import stick
from appliance.control.types import ReturnedRecord, StickState, Sync
from appliance.faults import BY_CODE, Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.outbox.forwarder import Forwarder
from appliance.policy import BOX
from appliance.sticks.actions import NOW, Sticks
from appliance.store import birth
from appliance.store.database import Database
from appliance.store.files import HomeLock
from sync.faults import SENTENCES, SyncFault
from sync.spool import write_whole

What = Literal["status", "now", "export", "import", "adopt", "returned"]
LOOK_SECONDS = 0.3  # between two looks at how far the running box is
_SECRET = "Passphrase of the box, or the words of its recovery sheet: "  # noqa: S105 - what is asked for


@dataclass(frozen=True, slots=True)
class Asked:
    """`place`: the stick's folder, for export and import; `reason`: for adopt."""

    what: What
    place: Path | None
    reason: str
    passphrase_file: Path | None
    as_json: bool


def sync(root: Path, asked: Asked) -> int:
    """0; 1 when something on a stick was not taken; 2 for bad usage. Faults are the caller's to print."""
    if (asked.place is None) == (asked.what in ("export", "import")):
        sys.stderr.write("hearth sync export STICK, hearth sync import STICK; the others take no folder\n")
        return 2
    if asked.what == "adopt" and not asked.reason.strip():
        sys.stderr.write("hearth sync adopt --reason WHY: the reason stays in the audit\n")
        return 2
    home = Home(root)
    if asked.what == "status":
        return asyncio.run(_status(home, as_json=asked.as_json))
    if asked.what == "now":
        return _now(home)
    if asked.what == "returned":
        return asyncio.run(_returned(home, as_json=asked.as_json))
    if not birth.present(home.store):
        raise Fault("store_missing")
    return asyncio.run(_carry(home, asked))


# -- what needs nobody -------------------------------------------------------------------------------------------------


async def _status(home: Home, *, as_json: bool) -> int:
    client = ControlClient(home.control_socket)
    try:
        told = (await client.snapshot()).sync
    except ControlFault as problem:
        sys.stderr.write(f"hearth: no box is running there. [{problem.code}]\n")
        return 1
    finally:
        await client.close()
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n" if as_json else status_text(told))
    return 0


def status_text(told: Sync) -> str:
    """What a person should know, a line each, in English; no name and no content."""
    lines = [f"state    {_STATES[told.state]}"]
    waiting = f"{told.queued} records, {told.queued_bytes / 1024:.1f} KiB before sealing"
    since = f", the oldest from {told.oldest_at}" if told.oldest_at else ""
    lines.append(f"waiting  {waiting}{since}" if told.queued else "waiting  nothing")
    lines.append(f"receipt  the last from HQ at {told.last_receipt_at or 'never'}")
    lines.append(f"HQ       last heard {told.heard_at or 'never'}{'; TOO LONG AGO' if told.silent else ''}")
    if told.rate:
        lines.append(f"rate     {told.rate / 1024:.1f} KiB a second lately")
    if told.budget_left >= 0:
        lines.append(f"budget   {told.bytes_today / 1e6:.1f} MB went today, {told.budget_left / 1e6:.1f} MB are left")
    if told.waits_until:
        lines.append(f"waits    until {told.waits_until}")
    if told.exported_at:
        lines.append(f"stick    the oldest went on one at {told.exported_at}; its receipt is not back yet")
    if told.fault:
        lines.append(f"fault    {_sentence(told.fault)}")
    if told.trouble:
        lines.append(f"TROUBLE  {_sentence(told.trouble)} Nothing is sealed until: hearth sync adopt --reason WHY")
    if told.pack_fault:
        lines.append(f"packs    {told.packs_waiting} wait: {_sentence(told.pack_fault)}")
    return "\n".join(lines) + "\n"


_STATES = {
    "not_enrolled": "this box does not know an HQ yet; records wait safely on it",
    "up_to_date": "HQ has everything",
    "sending": "records are on their way",
    "hq_unreachable": "HQ cannot be reached; records wait safely on the box",
}


def _now(home: Home) -> int:
    """Wakes the courier. It may be in the middle of something, or away: status tells."""
    if not home.spool.is_dir():
        raise Fault("not_enrolled")
    try:
        write_whole(home.spool / NOW, b"", durable=False)
    except OSError:
        raise Fault("home_not_writable") from None
    sys.stdout.write("The courier tries now. How it goes:   hearth sync status\n")
    return 0


# -- what a person answers for -----------------------------------------------------------------------------------------


async def _carry(home: Home, asked: Asked) -> int:
    try:
        lock = HomeLock.take(home.root)
    except Fault as fault:
        if fault.code != "home_in_use":
            raise
        done = await _at_the_running_box(home, asked)
    else:
        with lock:
            done = await _without_a_box(home, asked)
    return _say(done, as_json=asked.as_json) if done else _say_adopted(as_json=asked.as_json)


async def _at_the_running_box(home: Home, asked: Asked) -> StickState | None:
    async with terminal.signed_in(home.control_socket) as client:
        if asked.what == "adopt":
            await client.adopt(asked.reason)
            return None
        before = (await client.snapshot()).sync.stick
        await client.carry_stick("export" if asked.what == "export" else "import", str(_place(asked)))

        async def told() -> StickState:
            return (await client.snapshot()).sync.stick

        return await _watched(told, before)


async def _watched(told: Callable[[], Awaitable[StickState]], before: StickState) -> StickState:
    while (now := await told()).step or now == before:
        terminal_percent(now.percent)
        await asyncio.sleep(LOOK_SECONDS)
    terminal_percent(100)
    return now


async def _without_a_box(home: Home, asked: Asked) -> StickState | None:
    opened = await asyncio.to_thread(terminal.opened, home.store, asked.passphrase_file, _SECRET)
    db = await Database.open(home.store, opened.key)
    logging.disable()  # the sentence of the fault is enough on a terminal
    try:
        await Keeper(home.store, db, opened.key, opened.number).reconcile(now_text(), opened.slot)
        sticks = Sticks(home, db, Forwarder(db, home.spool, lambda: None), lambda: None)
        sticks.changed = lambda: terminal_percent(sticks.told().percent if sticks.told().step else 100)
        if asked.what == "adopt":
            await sticks.adopt(BOX, asked.reason)
            return None
        await sticks.begin(BOX, "export" if asked.what == "export" else "import", _place(asked))
        await sticks.finished()
        return stick(sticks.told())
    except SyncFault as problem:
        raise Fault("wrong_state", problem.code) from None
    finally:
        await db.close()
        logging.disable(logging.NOTSET)


def _place(asked: Asked) -> Path:
    return (asked.place or Path()).resolve()


async def _returned(home: Home, *, as_json: bool) -> int:
    """Every record of a lost box that is here. Only the running box shows them, and only to a clinical lead."""
    after, total = "", 0
    async with terminal.signed_in(home.control_socket) as client:
        while True:
            some = await client.returned(after)
            total += len(some.records)
            sys.stdout.writelines(_record(one, as_json=as_json) for one in some.records)
            after = some.after
            if not after:
                break
    if not total:
        terminal.say("Headquarters has given no records back to this box.")
    return 0


def _record(one: ReturnedRecord, *, as_json: bool) -> str:
    if not as_json:
        return f"box {one.box[:8]}  record {one.number}  {one.at}  {one.record_class}  {len(one.body)} bytes\n"
    fields = {"box": one.box, "number": one.number, "at": one.at, "class": one.record_class}
    try:
        body: dict[str, object] = {"body": json.loads(one.body)}
    except (ValueError, RecursionError):
        body = {"body_base64": base64.b64encode(one.body).decode("ascii")}
    return json.dumps({**fields, **body}) + "\n"


# -- what is said ------------------------------------------------------------------------------------------------------


def _say(done: StickState, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
    else:
        sys.stdout.writelines(line + "\n" for line in lines_of(done))
    return 1 if done.fault or done.refused else 0


def lines_of(done: StickState) -> list[str]:
    """What came of a stick, for a person."""
    lines = []
    if done.way == "export" and (done.segments or done.there or not done.fault):
        lines.append(
            f"{done.segments} envelopes written ({done.bytes / 1024:.1f} KiB), {done.there} were there already."
        )
        lines.append("The box keeps everything until the stick has brought HQ's receipt back.")
    elif done.nothing:
        lines.append("There is nothing for this box on that stick.")
    elif not done.fault:
        lines.append(f"{done.settled} envelopes have HQ's receipt now; {done.packs} packs were taken.")
    if done.others:
        lines.append(f"It also carries something for {done.others} other boxes. That was left alone.")
    lines += [f"not taken: {one.name}: {_sentence(one.code)}" for one in done.refused]
    if done.fault:
        lines.append(_sentence(done.fault))
    return lines


def _say_adopted(*, as_json: bool) -> int:
    sys.stdout.write(
        '{"adopted": true}\n'
        if as_json
        else "The box goes on after what HQ has. What had no receipt is sealed again and goes out.\n"
    )
    return 0


def _sentence(code: str) -> str:
    if code in SENTENCES:
        return SENTENCES[code]
    return BY_CODE[code].sentence if code in BY_CODE else f"[{code}]"


def terminal_percent(percent: int) -> None:
    """On one line that is written over, for a person only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{percent:3} %" + ("\n" if percent >= 100 else ""))
        sys.stderr.flush()
