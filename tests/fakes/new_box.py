"""A box fresh from its image, as a process of its own that can be killed at any moment and started again at once.

`python -m tests.fakes.new_box HOME` loads the appliance once; each line on its input forks one off, told by its pid and
then by `ready`. Deriving keys costs nothing there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from appliance.assemble import Appliance
from appliance.errands import Errands
from appliance.home import Home
from appliance.identity import passwords
from appliance.settings import ControlSection, PortalSection, Settings
from appliance.store import birth
from tests.fakes.stores import CHEAP

SETTINGS = '[portal]\nhost = "127.0.0.1"\nport = 0\nannounce = false\n'


def cheap() -> None:
    """Keys and passwords by a derivation that costs nothing."""
    birth.give_birth.__defaults__ = (CHEAP,)
    passwords._MEMORY_KIB = 64


class Here:
    """The same box in this process, for what needs no power cut."""

    def __init__(self, home: Path, errands: Path | None = None) -> None:
        self.home = home
        self._errands = errands
        self._box: Appliance | None = None

    @property
    def socket(self) -> Path:
        return self.home / "run" / "control.sock"

    async def start(self) -> None:
        home = Home(self.home)
        home.make()
        self._box = Appliance(home, settings(), 0)
        if self._errands is not None:
            self._box._network._errands = Errands(self._errands)
        await self._box.start()

    async def end(self) -> None:
        if self._box is not None:
            await self._box.close()


class Steward:
    """What the machine would do, as `/run/hearth` sees it: one Wi-Fi in reach, whose password is known."""

    PASSWORD = "the router's own"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[dict[str, Any]] = []
        for name in ("ask", "told"):
            (folder / name).mkdir()

    async def run(self) -> None:
        """Answer, until cancelled."""
        while True:
            for file in (self.folder / "ask").glob("*.json"):
                self._answer(file)
            await asyncio.sleep(0.005)

    def _answer(self, file: Path) -> None:
        asked = json.loads(file.read_bytes())
        file.unlink()
        what = asked["what"]
        self.asked.append(what)
        wifi = what.get("network", {}).get("wifi") or {}
        failed = what["do"] == "set" and what["network"]["kind"] == "wifi" and wifi.get("password") != self.PASSWORD
        facts: dict[str, Any] = (
            {"networks": [{"name": "Riverbend", "strength": 71, "locked": True}]} if what["do"] == "scan" else {}
        )
        facts |= {"seconds_left": 60} if what["do"] == "set" else {}
        told = {"id": asked["id"], "state": "failed" if failed else "done", "facts": facts}
        if failed:
            told["code"] = "wifi_refused"
        beside = self.folder / "told" / "new"
        beside.write_text(json.dumps(told))
        beside.rename(self.folder / "told" / file.name)


def settings() -> Settings:
    """As in SETTINGS."""
    return Settings(portal=PortalSection(host="127.0.0.1", port=0, announce=False), control=ControlSection())


class NewBox:
    """The process; `start`, `kill` and `start` again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "hearth.toml").write_text(SETTINGS)
        command = [sys.executable, "-m", "tests.fakes.new_box", str(home)]
        self._nest = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._pid = 0

    @property
    def socket(self) -> Path:
        return self.home / "run" / "control.sock"

    async def start(self) -> None:
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        assert self._nest.stdin is not None
        assert self._nest.stdout is not None
        self._nest.stdin.write(b"go\n")
        self._nest.stdin.flush()
        self._pid = int(self._nest.stdout.readline())
        assert self._nest.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """As a power cut does it."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._pid = 0

    def end(self) -> None:
        self.kill()
        self._nest.kill()
        self._nest.wait()


def nest(home: Path) -> None:
    """Fork an appliance for each line."""
    from appliance.serve import serve

    cheap()
    for _ in sys.stdin:
        while True:  # the one before was killed: its place in the table, and its lock, are free
            try:
                if os.waitpid(-1, 0)[0] == 0:
                    break
            except ChildProcessError:
                break
        pid = os.fork()
        if pid == 0:
            os.write(1, f"{os.getpid()}\n".encode())
            os._exit(serve(home, None))


if __name__ == "__main__":
    nest(Path(sys.argv[1]))
