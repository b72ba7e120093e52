"""What this process tells systemd (sd_notify(3)): that it listens, and that its event loop still turns.

`appliance/notify.py` and `media/notify.py` are the same thing again: the three
packages import nothing of each other, and a border is worth more than twenty lines. Without systemd nothing is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

PINGS = 3  # in each WatchdogSec: one may be late or lost


def tell(state: str) -> None:
    """One datagram, such as READY=1. Never fails and never waits: nobody's service hangs on its supervisor's ear."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify,
    ):
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.send(state.encode())


def watchdog_seconds() -> float:
    """Within how many seconds systemd wants to hear from this process; 0.0 for never."""
    pid, within = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
    if not within.isdigit() or pid not in ("", str(os.getpid())):
        return 0.0
    return int(within) / 1e6


async def ping() -> None:
    """Until cancelled, from the event loop itself: one that hangs falls silent, and systemd starts the process anew."""
    within = watchdog_seconds()
    while within:
        tell("WATCHDOG=1")
        await asyncio.sleep(within / PINGS)
