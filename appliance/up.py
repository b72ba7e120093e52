"""`hearth up`: the whole box under one parent, for development and demos. On the image each process is a systemd unit.

The parent holds no open store. It starts relay, courier, appliance (and for the demo an HQ), prints what to open, opens
the console where there is a terminal, restarts what crashes, and ends everything within 3 s of Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from appliance import banner, carrying, demo, settings
from appliance.faults import Fault
from appliance.home import Home
from appliance.network import portal_urls
from appliance.processes import FD, Child, trim_log
from appliance.store import birth, keyslots
from appliance.store.files import HomeLock
from appliance.store.trouble import Trouble

CONSOLE_AFTER_SECONDS = 30  # time to read the block before the console covers it; Enter opens it at once


def up(root: Path, *, with_demo: bool, passphrase_file: Path | None) -> int:
    """Run until Ctrl-C: 0, or 1 if a part would not start. Faults are the caller's to print."""
    home = Home(root)
    with HomeLock.take(home.root):  # held only while preparing: the appliance takes it next
        home.make()
        facts = _prepare_demo(home) if with_demo else None
    passphrase = facts.passphrase if facts else _passphrase(home, passphrase_file)
    return asyncio.run(_Up(home, settings.load(home.settings), facts, passphrase).run())


def _prepare_demo(home: Home) -> demo.Demo:
    if not (home.demo_hq / "hq-public.json").exists():
        port = settings.load(home.settings).hq.demo_port
        _sync("hq", "init", str(home.demo_hq), "--url", f"https://127.0.0.1:{port}")
    elif not (home.demo_hq / "keys" / "boxes-ca.pem").exists():  # of an older version
        _sync("hq", "upgrade", str(home.demo_hq))
    facts = demo.prepare(home)
    _sync("hq", "enroll", str(home.demo_hq), str(home.box_facts))
    return facts


def _sync(*arguments: str) -> None:
    """Run a command of the sync package, which this process may not import (import borders)."""
    done = subprocess.run([sys.executable, "-m", "sync", *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise Fault("internal", done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "sync")


def _passphrase(home: Home, file: Path | None) -> str:
    """From the file, from the person at the terminal, or "": then the box stays locked until the console unlocks it."""
    if not birth.present(home.store):
        raise Fault("slots_missing", "no clinic here yet: run `hearth init`, or `hearth up --demo` to look around")
    if file is not None:
        try:
            passphrase = file.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise Fault("bad_request", "the passphrase file cannot be read") from None
    elif sys.stdin.isatty():
        passphrase = getpass.getpass("Passphrase of this box: ")
    else:
        return ""
    with HomeLock.take(home.root):  # opening puts slots in order, which must not be beside somebody's rekey
        keyslots.unlock(home.store, passphrase)  # a wrong one is told before anything starts
    return passphrase


class _Up:
    def __init__(self, home: Home, chosen: settings.Settings, facts: demo.Demo | None, passphrase: str) -> None:
        self._home, self._settings, self._demo = home, chosen, facts
        relay = ["-m", "media", "--socket", str(home.relay_socket), "--udp-port", str(chosen.media.port)]
        for address in chosen.media.addresses:
            relay += ["--address", address]
        relay += carrying.options(carrying.of_this_box(home, chosen.media))
        relay += ["--last-n", str(chosen.media.last_n)]
        serve = ["-m", "appliance", "appliance", "--home", str(home.root)]
        self._locked = not passphrase
        self._children = [
            self._child("relay", relay),
            self._child("courier", ["-m", "sync", "courier", "--spool", str(home.spool)]),
        ]
        if facts:
            port = str(chosen.hq.demo_port)
            hq = ["-m", "sync", "hq", "serve", str(home.demo_hq), "--host", "127.0.0.1", "--port", port]
            self._children.append(self._child("hq", hq))
        if passphrase:
            serve += ["--passphrase-fd", FD]
        self._children.append(self._child("appliance", serve, passphrase.encode()))
        self._end = asyncio.Event()

    def _child(self, name: str, command: list[str], secret: bytes = b"") -> Child:
        return Child(name, command, self._home.log / f"{name}.log", secret)

    async def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._end.set)
        for child in self._children:
            trim_log(child.log)
        starting = asyncio.ensure_future(asyncio.gather(*(child.start() for child in self._children)))
        ending = asyncio.ensure_future(self._end.wait())
        first: list[asyncio.Future[Any]] = [starting, ending]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        try:
            if self._end.is_set():
                starting.cancel()
                return 0
            return await self._serve(starting.result())
        finally:
            ending.cancel()
            await self._end_children()

    async def _serve(self, started: list[bool]) -> int:
        for child, is_ready in zip(self._children, started, strict=True):
            if not is_ready:
                words = child.last_words()
                if not words:
                    self._look_at_the_disk()
                sys.stderr.write(f"hearth: {child.name} did not start. {words}\n")
                return 1
        clinic = self._settings.clinic.name
        urls = portal_urls(self._settings.portal.host, self._settings.portal.name, self._settings.portal.port)
        sys.stdout.write(banner.block(clinic, urls, self._demo, self._home.root, locked=self._locked))
        sys.stdout.flush()
        watching = [asyncio.ensure_future(child.watch(_say)) for child in self._children]
        try:
            if sys.stdin.isatty() and sys.stdout.isatty():
                await self._console()
            await self._end.wait()
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
        return 0

    def _look_at_the_disk(self) -> None:
        """Its last words are in its log, unless the disk took none. Faults: disk_full, home_read_only."""
        fault = Trouble(self._home.root).explain(Fault("store_failed"))
        if fault.code != "store_failed":
            raise fault

    async def _console(self) -> None:
        """Open the console in this terminal; when the person leaves it, the box goes on."""
        _say(f"The console opens in {CONSOLE_AFTER_SECONDS} seconds, or press Enter. Ctrl-C ends everything.")
        if await self._ended_while_waiting():
            return
        console = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui", "--socket", str(self._home.control_socket)
        )
        waiting, ending = asyncio.ensure_future(console.wait()), asyncio.ensure_future(self._end.wait())
        first: list[asyncio.Future[Any]] = [waiting, ending]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if console.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                console.terminate()
            await waiting
        else:
            _say(
                "The console is closed; the box goes on. `hearth console` opens it again, Ctrl-C here ends everything."
            )

    async def _ended_while_waiting(self) -> bool:
        """Wait for Enter or the time; True if the box is to end instead."""
        pressed = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), pressed.set)
        try:
            done = [asyncio.ensure_future(event.wait()) for event in (pressed, self._end)]
            await asyncio.wait(done, timeout=CONSOLE_AFTER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.cancel()
        finally:
            loop.remove_reader(sys.stdin.fileno())
        if pressed.is_set() and select.select([sys.stdin], [], [], 0)[0]:
            os.read(sys.stdin.fileno(), 1024)
        return self._end.is_set()

    async def _end_children(self) -> None:
        """The appliance first: it closes the store. Then the others at once."""
        await self._children[-1].end()
        await asyncio.gather(*(child.end() for child in self._children[:-1]))


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
