"""`hearth backup` and `hearth restore`.

A box that runs makes the copy itself, for an administrator who signs in; where none runs, the passphrase opens it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from appliance import settings, terminal
from appliance.clock import now_text
from appliance.control.client import ControlClient
from appliance.control.types import Copies
from appliance.copies import reading, restore
from appliance.copies.copier import Copier
from appliance.copies.manifest import Manifest
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.policy import BOX
from appliance.store import birth, keyslots
from appliance.store.database import Database
from appliance.store.files import HomeLock
from appliance.store.key import StoreKey

LOOK_SECONDS = 0.3  # between two looks at how far the running box is
_SECRET = "Passphrase of the box, or the words of its recovery sheet: "  # noqa: S105 - what is asked for


def back_up(root: Path, to: Path, passphrase_file: Path | None, *, as_json: bool) -> int:
    """`hearth backup --to`: make a copy in the folder `to`; 0. Faults are the caller's to print."""
    home, to = Home(root), to.resolve()
    if not birth.present(home.store):
        raise Fault("store_missing")
    try:
        lock = HomeLock.take(home.root)
    except Fault as fault:
        if fault.code != "home_in_use":
            raise
        made = asyncio.run(_at_the_running_box(home, to))
    else:
        with lock:
            made = asyncio.run(_without_a_box(home, to, passphrase_file))
    _say_made(to / made, as_json=as_json)
    return 0


def list_copies(folder: Path, *, as_json: bool) -> int:
    """`hearth backup --list`: the copies in a folder by their manifests, the newest last; 0, or 1 if there is none."""
    found = reading.in_folder(folder)
    if as_json:
        facts = [{"folder": path.name, **(_facts(one) if one else {"fault": "backup_damaged"})} for path, one in found]
        sys.stdout.write(json.dumps(facts) + "\n")
    else:
        sys.stdout.writelines(_line(path, one) for path, one in found)
        if not found:
            terminal.say("There is no backup of a Hearth box in that folder.")
    return 0 if found else 1


def verify(folder: Path, passphrase_file: Path | None, *, as_json: bool) -> int:
    """`hearth backup --verify`: compare a copy with its manifest, and open it where somebody gives the secret; 0."""
    if passphrase_file is None and not sys.stdin.isatty():
        found, opened = reading.outside(folder, _percent_of_bytes), False
    else:
        found, opened = restore.check(folder, lambda at: _unlock(at, passphrase_file), _percent).manifest, True
    if as_json:
        sys.stdout.write(json.dumps({"folder": folder.name, "opened": opened, **_facts(found)}) + "\n")
    elif opened:
        sys.stdout.write(f"{_words(found)}: whole. Every page was opened, and the audit in it verifies.\n")
    else:
        sys.stdout.write(f"{_words(found)}: every file is as it was made. Not opened: no passphrase was given.\n")
    return 0


def bring_back(copy: Path, root: Path, passphrase_file: Path | None) -> int:
    """`hearth restore`: onto an empty home; 0. Faults: store_exists, those of a copy, wrong_passphrase."""
    home, copy = Home(root), copy.resolve()
    _refuse_a_folder_of_copies(copy)
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with HomeLock.take(home.root):
        home.make()
        restore.refuse_a_store(home)
        terminal.say("Reading the backup from end to end. Nothing is written before that is done.")
        checked = restore.check(copy, lambda at: _unlock(at, passphrase_file), _percent)
        asyncio.run(restore.restore(checked, home, now_text()))
    sys.stdout.write(
        f"The box is back as it was at {checked.manifest.at}. What was done after that is not in it.\n"
        "Passphrases and sheets that were removed or changed after that open it again: see hearth keys list.\n"
        "Everybody has to sign in again. If the old box still exists, switch it off: there must be only one.\n"
        "Start it:   hearth up\n"
    )
    return 0


async def _at_the_running_box(home: Home, to: Path) -> str:
    async with terminal.signed_in(home.control_socket) as client:
        await client.back_up(str(to))
        await _watch(client)
        return (await client.backups()).last_name


async def _watch(client: ControlClient) -> None:
    while (copies := (await client.backups()).copies).step:
        _percent(_overall(copies))
        await asyncio.sleep(LOOK_SECONDS)
    if copies.fault:
        raise Fault(copies.fault)
    _percent(100)


async def _without_a_box(home: Home, to: Path, passphrase_file: Path | None) -> str:
    opened = await asyncio.to_thread(_open, home.store, passphrase_file)
    db = await Database.open(home.store, opened.key)
    logging.disable()  # the sentence of the fault is enough on a terminal
    try:
        keeper = Keeper(home.store, db, opened.key, opened.number)
        await keeper.reconcile(now_text(), opened.slot)
        copier = Copier(home, keeper, settings.load(home.settings).backup, lambda: None)
        copier.changed = lambda: _percent(_overall_of(copier))
        await copier.begin(BOX, to)
        await copier.finished()
    finally:
        await db.close()
        logging.disable(logging.NOTSET)
    newest = copier.last()
    if copier.told().fault or newest is None:
        raise Fault(copier.told().fault or "backup_failed")
    return newest.name


def _overall_of(copier: Copier) -> int:
    told = copier.told()
    return _overall(Copies(step=told.step, percent=told.percent)) if told.step else 100


def _overall(copies: Copies) -> int:
    """Copying and checking take about as long."""
    return copies.percent // 2 + (50 if copies.step == "checking" else 0)


def _unlock(folder: Path, file: Path | None) -> StoreKey:
    return _open(folder, file).key


def _open(folder: Path, file: Path | None) -> keyslots.Opened:
    """By the file, or by what is typed, three times over."""
    _end_line()
    return terminal.opened(folder, file, _SECRET)


def _refuse_a_folder_of_copies(copy: Path) -> None:
    """People name the stick and not the folder on it: then say which ones are there."""
    if (copy / "manifest.json").exists() or not copy.is_dir():
        return
    found = reading.in_folder(copy)
    if found:
        terminal.say("That folder holds several things. Name one of its backups, the newest is the last:")
        for path, one in found:
            terminal.say(f"  hearth restore {path}" + ("" if one else "   (damaged)"))
        raise Fault("backup_foreign", "the folder around it")


def _say_made(folder: Path, *, as_json: bool) -> None:
    found = reading.said(folder)
    if as_json:
        sys.stdout.write(json.dumps({"folder": str(folder), **_facts(found)}) + "\n")
    else:
        sys.stdout.write(
            f"{folder}\n{_words(found)}: made, read back and opened. It needs the passphrase or a sheet.\n"
        )


def _facts(found: Manifest) -> dict[str, Any]:
    return {
        "box": found.box,
        "number": found.number,
        "at": found.at,
        "version": found.version,
        "schema": found.schema,
        "entries": found.entries,
        "root": found.root,
        "bytes": found.size(),
    }


def _line(path: Path, found: Manifest | None) -> str:
    return f"{path.name}  {_words(found) if found else 'DAMAGED: its manifest cannot be read'}\n"


def _words(found: Manifest) -> str:
    return f"number {found.number}, {found.at}, {found.size() / 2**20:.1f} MiB, version {found.version}"


def _percent_of_bytes(done: int, total: int) -> None:
    _percent(100 * done // max(total, 1))


def _end_line() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r     \r")


def _percent(percent: int) -> None:
    """On one line that is written over, for a person only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{percent:3} %" + ("\n" if percent >= 100 else ""))
        sys.stderr.flush()
