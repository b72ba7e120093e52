"""Recovery by headquarters, when a clinic has lost every passphrase and every sheet.

`hearth keys request FILE` hands HQ its own slot and a one-time public key, whose private half stays here. HQ opens the
slot and seals the store's key to that one-time key. `hearth keys answer FILE` opens the box and asks for a passphrase.
Somebody who gets hold of either file learns nothing from it. The check code, read out by telephone, tells HQ that it
was this clinic that asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path

import msgspec

from appliance import terminal
from appliance.faults import Fault
from appliance.home import Home
from appliance.keys.beside import beside
from appliance.keys.command import new_passphrase
from appliance.outbox import headquarters
from appliance.store import keyslots, slotfile, slotpair, slots
from appliance.store.files import HomeLock, write_atomically
from appliance.store.keyslots import Opened
from appliance.store.slotfile import MAX_BYTES, Request, Slot, Slots

_SEED = 32  # bytes


def request(root: Path, file: str) -> int:
    """Write the request, and the one-time key into the home; 0. Works beside a box that runs locked.

    Faults: not_found (HQ has no slot here), bad_request (no file named), slots_missing, home_not_writable.
    """
    home = Home(root)
    if not file:
        raise Fault("bad_request", "name the file for the request")
    slot = _hq_slot(home)
    seed = secrets.token_bytes(_SEED)
    asked = msgspec.json.format(msgspec.json.encode(Request(slot=slot, public=slots.public_of(seed)))) + b"\n"
    write_atomically(home.recovery, seed + hashlib.sha256(asked).digest())
    write_atomically(Path(file), asked)
    terminal.say(f"Send {file} to headquarters. Then call them, and read them this check code:")
    terminal.say(f"\n    {check_code(asked)}\n")
    terminal.say("When their answer has come: hearth keys answer FILE")
    return 0


def answer(root: Path, file: str) -> int:
    """Open the box by HQ's answer and give it a new passphrase at once; 0.

    Faults: wrong_answer, home_in_use (stop the box first), those of the store.
    """
    home = Home(root)
    try:
        lock = HomeLock.take(home.root)
    except Fault as fault:
        raise Fault(fault.code, "stop the box, then give the answer again") from None
    with lock:
        opened = opened_by(home, _read(Path(file)))
        asyncio.run(_new_passphrase(home, opened))
    home.recovery.unlink(missing_ok=True)
    terminal.say("The new passphrase opens the box from now on. Make a recovery sheet too: hearth keys add sheet")
    terminal.say("Headquarters has held the key for a moment. If that must not be: hearth keys rekey")
    return 0


def opened_by(home: Home, content: bytes) -> Opened:
    """The store's key out of an answer. Fault("wrong_answer") if it is not the answer to the last request."""
    found = slotfile.parse_answer(content)
    try:
        kept = home.recovery.read_bytes()
    except OSError:
        raise Fault("wrong_answer", "no request was made here") from None
    if len(kept) != _SEED + 32 or kept[_SEED:].hex() != found.request or _hq_slot(home).id != found.slot:
        raise Fault("wrong_answer", "another request")
    keys = slots.answered(kept[:_SEED], found)
    if not keys:
        raise Fault("wrong_answer", "cannot be opened")
    right = keyslots.right_one(home.store, keys)
    return Opened(right.key, right.number, found.slot)


def check_code(asked: bytes) -> str:
    """SLOTS.md section 7: 16 letters, four at a time."""
    return headquarters.check_code(b"hearth slot check 1\n", asked)


async def _new_passphrase(home: Home, opened: Opened) -> None:
    async with beside(home, opened) as way:
        terminal.say("The box is open. Choose a new passphrase.")
        await way.add_passphrase(await asyncio.to_thread(new_passphrase))


def _hq_slot(home: Home) -> Slot:
    file = slotpair.load(home.store)
    for slot in file.slots if isinstance(file, Slots) else ():
        if slot.kind == "hq":
            return slot
    raise Fault("not_found", "headquarters has no key slot here")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError:
        raise Fault("bad_request", "the answer cannot be read") from None
