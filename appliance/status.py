"""`hearth status`: what the running box says of itself over the control socket. No names."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Snapshot


def status(socket: Path, *, as_json: bool) -> int:
    """Print it; 0, or 1 if no box runs there."""
    try:
        snapshot = asyncio.run(_ask(socket))
    except ControlFault as fault:
        sys.stderr.write(f"hearth: no box is running there. [{fault.code}]\n")
        return 1
    facts = {"box": snapshot.box, "health": snapshot.health, "sync": snapshot.sync}
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


def _text(snapshot: Snapshot) -> str:
    box, health, sync = snapshot.box, snapshot.health, snapshot.sync
    gib = 1024**3
    return (
        f"{box.clinic}, version {box.version}: {box.state}; relay {'ready' if box.relay_connected else 'away'}\n"
        f"portal  {'  '.join(box.addresses)}\n"
        f"health  load {health.load:.2f} on {health.cores} cores, memory {health.memory_used / gib:.1f} of"
        f" {health.memory_total / gib:.1f} GiB, disk {health.disk_used / gib:.1f} of {health.disk_total / gib:.1f}"
        " GiB\n"
        f"sync    {sync.state}, {sync.queued} waiting, last receipt {sync.last_receipt_at or 'none'}\n"
    )
