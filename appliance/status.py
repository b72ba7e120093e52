"""`hearth status`: what the running box says of itself over the control socket. No names."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Copies, Health, Snapshot
from appliance.faults import BY_CODE

_SYNC = {
    "not_enrolled": "no headquarters is known here",
    "up_to_date": "headquarters has everything",
    "sending": "records are on their way",
    "hq_unreachable": "headquarters cannot be reached",
}


_CARD = {
    "": "",
    "worn": "; THE CARD IS NEARLY WORN OUT: copy it to a new one",
    "failing": "; THE CARD HAS ERRORS: copy it to a new one",
}
_THROTTLED = {"before": "was slowed down since its start", "now": "IS SLOWED DOWN: heat, or a weak power supply"}


def status(socket: Path, *, as_json: bool) -> int:
    """Print it; 0, or 1 if no box runs there."""
    try:
        snapshot = asyncio.run(_ask(socket))
    except ControlFault as fault:
        sys.stderr.write(f"hearth: no box is running there. [{fault.code}]\n")
        return 1
    facts = {"box": snapshot.box, "health": snapshot.health, "sync": snapshot.sync, "copies": snapshot.copies}
    if as_json:
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        sys.stdout.write(_text(snapshot))
    return 0


async def _ask(socket: Path) -> Snapshot:
    client = ControlClient(socket)
    try:
        return await client.snapshot()
    finally:
        await client.close()


def _heat(health: Health) -> str:
    """Of the processor, where the machine tells."""
    degrees = "" if health.temperature is None else f", {health.temperature:.0f} °C"
    slowed = _THROTTLED.get(health.throttled or "", "")
    return degrees + (f", {slowed}" if slowed else "")


def _rooms(health: Health) -> str:
    people = f"{health.people} people"
    if health.carried is None:
        return f"{people}; what this box carries of picture and sound is not known"
    return f"{people}, {health.carried:.0%} of what this box carries of picture and sound ({health.capacity})"


def _backup(copies: Copies) -> str:
    if copies.state == "unknown":
        return "not known while the box is locked"
    said = f"the newest is of {copies.last_at}" if copies.last_at else "none yet"
    said += ", on the box's own disk" if copies.same_disk else ""
    said += ": OLD" if copies.state == "old" else ""
    said += f"; the last try failed [{copies.fault}]" if copies.fault else ""
    return said + (f"; {copies.step} one, {copies.percent} %" if copies.step else "")


def _text(snapshot: Snapshot) -> str:
    box, health, sync = snapshot.box, snapshot.health, snapshot.sync
    gib = 1024**3
    state = {"locked": "locked: unlock it at the console", "new": "being set up at the console"}.get(
        box.state, "unlocked"
    )
    if box.state == "unlocked":
        state += ", picture and sound ready" if box.relay_connected else ", picture and sound starting"
    ailing = BY_CODE[health.store].sentence if health.store in BY_CODE else health.store
    return (
        f"{box.clinic}, version {box.version}: {state}\n"
        f"portal  {'  '.join(box.addresses)}\n"
        f"health  load {health.load:.2f} on {health.cores} cores, memory {health.memory_used / gib:.1f} of"
        f" {health.memory_total / gib:.1f} GiB, disk {health.disk_used / gib:.1f} of {health.disk_total / gib:.1f}"
        f" GiB{_heat(health)}\n"
        f"store   {ailing or 'well'}{_CARD[health.card]}\n"
        f"rooms   {_rooms(health)}\n"
        f"sync    {_SYNC[sync.state]}; {sync.queued} records wait, last receipt {sync.last_receipt_at or 'none yet'}\n"
        f"backup  {_backup(snapshot.copies)}\n"
    )
