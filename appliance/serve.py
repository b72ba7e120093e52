"""The appliance process, `hearth appliance`: starts, says `ready`, serves until SIGTERM or SIGINT, closes the store."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from appliance import listening, logs, notify, settings
from appliance.assemble import Appliance
from appliance.clock import now_seconds
from appliance.faults import Fault
from appliance.home import Home
from appliance.store.files import HomeLock

log = logging.getLogger(__name__)

MAX_PASSPHRASE = 4096  # bytes


def serve(root: Path, passphrase_fd: int | None) -> int:
    """Run until told to end; 0. Faults are the caller's to print."""
    logs.to()
    home = Home(root)
    secret = _read_secret(passphrase_fd) if passphrase_fd is not None else ""
    with HomeLock.take(home.root):  # first of all: a second one touches nothing
        home.make()
        asyncio.run(_serve(home, secret))
    return 0


async def _serve(home: Home, passphrase: str) -> None:
    end = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(logs.forgotten)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    sockets = listening.inherited()
    appliance = Appliance(home, settings.load(home.settings), feed_start=now_seconds() * 1000, sockets=sockets)
    pinging = asyncio.create_task(notify.ping())
    try:
        await appliance.start()
        notify.tell("READY=1")  # it listens; a store that is checked or moved to a new schema may take longer
        if passphrase:
            await appliance.unlock(passphrase)
        else:
            await _by_itself(appliance)
        _tell_ready()
        await end.wait()
    finally:
        notify.tell("STOPPING=1")
        await appliance.close()
        pinging.cancel()


async def _by_itself(appliance: Appliance) -> None:
    """By the machine's own key slot. What is wrong with it is told, and the box waits for a passphrase as any other."""
    try:
        await appliance.unlock_by_machine()
    except Fault as fault:
        log.warning("the machine's own key slot did not open the box: %s", fault.code)


def _read_secret(fd: int) -> str:
    with os.fdopen(fd, "rb") as file:
        return file.read(MAX_PASSPHRASE).decode().removesuffix("\n")


def _tell_ready() -> None:
    """To `hearth up`, on stdout."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
