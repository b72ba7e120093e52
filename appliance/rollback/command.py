"""`hearth accept-rollback`: where the store is older than its witness and nobody can put back what is missing.

Works on a box that does not run, and through the control socket on one that runs locked.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from pathlib import Path

from appliance.control.client import ControlClient, ControlFault
from appliance.faults import BY_CODE, Fault
from appliance.home import Home
from appliance.rollback.actions import accept, reason_of
from appliance.store import keyslots
from appliance.store.files import HomeLock


def accept_rollback(root: Path, reason: str, passphrase_file: Path | None) -> int:
    """Do it; 0. Faults are the caller's to print."""
    home, reason = Home(root), reason_of(reason)
    passphrase = _passphrase(passphrase_file)
    try:
        lock = HomeLock.take(home.root)
    except Fault as fault:
        if fault.code != "home_in_use":
            raise
        asyncio.run(_ask_the_box(home.control_socket, passphrase, reason))
    else:
        with lock:
            accepted = asyncio.run(accept(home.store, keyslots.open_with(home.store, passphrase), reason))
        _say(f"The audit had {accepted.had} entries, this store has {accepted.has}.")
    _say("This store is the one that counts from now on. The audit says so, with your reason.")
    _say("Headquarters may hold more than this box remembers: tell the administrator.")
    return 0


async def _ask_the_box(socket: Path, passphrase: str, reason: str) -> None:
    client = ControlClient(socket)
    try:
        await client.accept_rollback(passphrase, reason)
    except ControlFault as fault:
        if fault.code in BY_CODE:
            raise Fault(fault.code) from None
        raise Fault("home_in_use") from None  # somebody has the home, and no box answers there
    finally:
        await client.close()


def _passphrase(file: Path | None) -> str:
    if file is None:
        return getpass.getpass("Passphrase of this box: ")
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise Fault("bad_request", "the passphrase file cannot be read") from None


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
