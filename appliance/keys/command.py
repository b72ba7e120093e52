"""`hearth keys`: the ways into the box, from a terminal.

A box that runs does it itself, for an administrator who signs in; where none runs, a passphrase or a sheet opens the
store. Secrets are asked for, never taken from the command line, and wiped from the terminal where they had to be shown.
"""

from __future__ import annotations

import asyncio
import getpass
import io
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import segno

from appliance import terminal
from appliance.control.client import ControlClient
from appliance.control.types import Keys, KeySlot, Sheet
from appliance.faults import Fault
from appliance.home import Home
from appliance.keys.beside import Beside, beside
from appliance.store import birth, machine
from appliance.store.files import HomeLock
from appliance.store.sheet import Language
from appliance.store.slots import MIN_PASSPHRASE

Way = ControlClient | Beside

_OPENING = "Passphrase of the box, or the words of its recovery sheet: "
_STATES = {
    "works": "works",
    "untried": "NOT TRIED, does not count",
    "elsewhere": "held elsewhere",
    "foreign": "NOT OURS: try it, or remove it",
}
_KINDS = {"passphrase": "passphrase", "sheet": "recovery sheet", "hq": "headquarters", "machine": "this machine"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line. `which`: a kind for `add`, a slot's id (or its beginning) for the others."""

    what: str
    which: str = ""
    label: str = ""
    language: Language = "en"
    passphrase_file: Path | None = None
    credential: Path | None = None
    as_json: bool = False
    yes: bool = False


def keys(root: Path, asked: Asked) -> int:
    """Do it; 0. Faults are the caller's to print."""
    home = Home(root)
    if not birth.present(home.store):
        raise Fault("slots_missing")
    asyncio.run(_run(home, asked))
    return 0


async def _run(home: Home, asked: Asked) -> None:
    async with _way(home, asked.passphrase_file) as way:
        await _DOING[asked.what](way, home, asked)


@asynccontextmanager
async def _way(home: Home, file: Path | None) -> AsyncIterator[Way]:
    try:
        lock = HomeLock.take(home.root)
    except Fault as fault:
        if fault.code != "home_in_use":
            raise
        async with terminal.signed_in(home.control_socket) as client:
            yield client
        return
    with lock:
        opened = await asyncio.to_thread(terminal.opened, home.store, file, _OPENING)
        async with beside(home, opened) as found:
            yield found


# -- what can be done ------------------------------------------------------------------------------------------------


async def _list(way: Way, _: Home, asked: Asked) -> None:
    found = await way.keys()
    if asked.as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.writelines(_line(slot) for slot in found.slots)


async def _add(way: Way, home: Home, asked: Asked) -> None:
    add = {"passphrase": _add_passphrase, "sheet": _add_sheet, "hq": _add_hq, "machine": _add_machine}.get(asked.which)
    if add is None:
        raise Fault("bad_request", "add passphrase, sheet, hq or machine")
    await add(way, home, asked)


async def _add_passphrase(way: Way, _: Home, asked: Asked) -> None:
    made = await way.add_passphrase(new_passphrase(), asked.label)
    terminal.say(f"The new passphrase opens the box from now on. Slot {made}.")


async def _add_sheet(way: Way, _: Home, asked: Asked) -> None:
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Fault("bad_request", "a sheet is shown on a terminal, once, and typed back there")
    made = await way.add_sheet(asked.language, asked.label)
    sys.stdout.write(paper(made))
    try:
        _wait("Write the words down. Then press Enter: they are wiped from the screen and asked for. ")
    finally:
        sys.stdout.write("\x1b[2J\x1b[3J\x1b[H")  # the screen and what scrolled off it
        sys.stdout.flush()
    await _try_until(way, made.id, "The words, one after the other: ", terminal.TRIES)
    terminal.say("The sheet works. Keep it where no stranger and no fire gets at it, apart from the box.")


async def _add_hq(way: Way, _: Home, asked: Asked) -> None:
    code = (await way.keys()).hq_code
    if not code:
        raise Fault("not_enrolled")
    terminal.say(f"The code of headquarters' key:\n\n    {code}\n")
    terminal.say("Call headquarters under a number that you know, and have theirs read to you: `hearth hq code`.")
    _sure(asked, "Is it the same?")
    made = await way.add_hq(code)
    terminal.say(f"Headquarters can open this box from now on, when the clinic asks for it. Slot {made}.")


async def _add_machine(way: Way, home: Home, asked: Asked) -> None:
    if not await asyncio.to_thread(machine.guarded):
        terminal.say(
            "This machine has no TPM that systemd can use. The credential then lies on the same disk as the store:\n"
            "whoever takes the box or its card can open it. With it the box only starts by itself after a power cut."
        )
        _sure(asked, "Do it all the same?")
    public = await asyncio.to_thread(machine.make, asked.credential or machine.default_file(home.store))
    made = await way.add_machine(public, asked.label)
    terminal.say(f"The box opens by itself on this machine from its next start on. Slot {made}.")


async def _try(way: Way, _: Home, asked: Asked) -> None:
    slot = await _slot(way, asked.which)
    await _try_until(way, slot.id, "Its words or passphrase: ", terminal.TRIES)
    terminal.say("That works.")


async def _rotate(way: Way, _: Home, asked: Asked) -> None:
    slot = await _slot(way, asked.which)
    if slot.kind != "passphrase":
        raise Fault("wrong_state", "only a passphrase is changed; make a new sheet and remove the old one")
    await way.rotate_key(slot.id, new_passphrase())
    terminal.say("The new passphrase opens the box from now on, the old one does not any more.")
    terminal.say("If somebody else knows the old one and may have a copy of the store, run: hearth keys rekey")


async def _remove(way: Way, _: Home, asked: Asked) -> None:
    slot = await _slot(way, asked.which)
    _sure(asked, f"Remove this? {_line(slot).strip()}")
    await way.remove_key(slot.id)
    terminal.say("Removed. If somebody else may have it and a copy of the store, run: hearth keys rekey")


async def _rekey(way: Way, _: Home, asked: Asked) -> None:
    found = await way.keys()
    terminal.say(
        f"The store gets a new key. That takes about {found.rekey_seconds:.0f} s, on a small box up to"
        f" {found.rekey_seconds_slow:.0f} s. Whoever is using the box waits that long.\n"
        "Every passphrase, sheet and other slot in the list opens the box as before. Older backups keep their old key."
    )
    lost = [slot for slot in found.slots if slot.state == "foreign"]
    for slot in lost:
        terminal.say(f"This one is not ours and will not open the box any more: {_line(slot).strip()}")
    _sure(asked, "Go on?")
    terminal.say(f"Done in {await way.rekey():.1f} s.")


_DOING: Mapping[str, Callable[[Way, Home, Asked], Awaitable[None]]] = {
    "list": _list,
    "add": _add,
    "try": _try,
    "rotate": _rotate,
    "remove": _remove,
    "rekey": _rekey,
}
WHAT = tuple(_DOING)


# -- words -----------------------------------------------------------------------------------------------------------


def new_passphrase() -> str:
    """Typed twice: there is no way round a passphrase with a typing mistake in it."""
    while True:
        first = getpass.getpass(f"New passphrase of the box (at least {MIN_PASSPHRASE} characters): ")
        if len(first) < MIN_PASSPHRASE:
            terminal.say(Fault("weak_passphrase").kind.sentence)
        elif getpass.getpass("Once more: ") != first:
            terminal.say("The two were not the same. Please try again.")
        else:
            return first


def _wait(words: str) -> None:
    input(words)


def paper(sheet: Sheet) -> str:
    """What is written down or printed: the words in two columns, and a QR code of them."""
    half = len(sheet.words) // 2
    lines = [f"  Recovery sheet of this box, slot {sheet.id}", ""]
    for place in range(half):
        left, right = sheet.words[place], sheet.words[place + half]
        lines.append(f"    {place + 1:>2}. {left:<14} {place + half + 1:>2}. {right}")
    code = io.StringIO()
    segno.make(sheet.code, error="l", micro=False).terminal(code, compact=True, border=2)
    return "\n".join([*lines, "", code.getvalue()])


def _line(slot: KeySlot) -> str:
    when = f"made {slot.made_at[:10]}" + (f", tried {slot.tried_at[:10]}" if slot.tried_at else "")
    label = f"  {slot.label}" if slot.label else ""
    return f"{slot.id}  {_KINDS[slot.kind]:<14}  {_STATES[slot.state]:<14}  {when}{label}\n"


async def _slot(way: Way, which: str) -> KeySlot:
    """By its id or the beginning of it, where only one fits. Faults: not_found, bad_request."""
    found: Keys = await way.keys()
    fitting = [slot for slot in found.slots if which and slot.id.startswith(which)]
    if len(fitting) != 1:
        raise Fault("not_found" if not fitting else "bad_request", "which slot: see hearth keys list")
    return fitting[0]


async def _try_until(way: Way, slot: str, words: str, tries: int) -> None:
    for left in reversed(range(tries)):
        try:
            await way.try_key(slot, getpass.getpass(words))
            return
        except Exception as problem:
            code = getattr(problem, "code", "")
            if code not in ("wrong_sheet", "wrong_passphrase") or not left:
                raise
            terminal.say(Fault(code).kind.sentence)


def _sure(asked: Asked, question: str) -> None:
    """Asked unless --yes was given. Fault("bad_request") for a no."""
    if not asked.yes and input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Fault("bad_request", "nothing was done")
