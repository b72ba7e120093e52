"""A whole box as a user starts it: `hearth up --demo` in a process of its own, on ports and a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from appliance.network import lan_addresses

START_SECONDS = 90.0
RIGS = Path(__file__).parents[1] / "rigs"


@dataclass
class Box:
    """A running demo box. `demo` is its demo.json."""

    home: Path
    portal: str
    process: asyncio.subprocess.Process
    demo: dict[str, Any]

    def link(self, number: int) -> str:
        return f"{self.portal}/join#{self.demo['tickets'][number]['code']}"

    def pin(self, number: int) -> str:
        return str(self.demo["tickets"][number]["pin"])

    def name(self, number: int) -> str:
        return str(self.demo["tickets"][number]["name"])

    def pid(self, *words: str) -> int:
        """Of the box's process whose command line has all these words: "appliance", "media", "sync"."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child.pid for child in children if set(words) <= set(child.cmdline())]
        return int(found)

    @property
    def media_port(self) -> int:
        """The relay's UDP port."""
        return int(tomllib.loads((self.home / "hearth.toml").read_text())["media"]["port"])

    async def records_at_hq(self) -> list[dict[str, Any]]:
        """The records of care that HQ can open with its key; no trouble found on the way."""
        output = await hearth(self.home, "hq", "open", str(self.home / "demo-hq"), "--json")
        findings = [json.loads(line) for line in output.splitlines()]
        assert not [finding for finding in findings if "trouble" in finding]
        records = [finding for finding in findings if "body" in finding]
        return [record for record in records if record["class"] != "audit_checkpoint"]

    async def sessions_at_hq(self) -> list[dict[str, Any]]:
        """Of those, the records of sessions that are over."""
        return [record for record in await self.records_at_hq() if record["class"] == "session_ended"]


def free_ports(count: int) -> list[int]:
    """Ports that were free on TCP and UDP a moment ago."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in ports:
                ports.append(port)
    return ports


def settings(home: Path, host: str = "", media: str = "") -> str:
    """On free ports, announced nowhere, at `host` alone if one is given. Written to the box's settings file.

    Returns the portal's address.

    The relay also offers this machine's own address: Firefox makes no ICE candidate for loopback alone. The packets
    stay on the machine all the same.
    """
    portal, relay, hq = free_ports(3)
    addresses = json.dumps([host] if host else ["127.0.0.1", *lan_addresses()])
    host = host or "127.0.0.1"
    home.mkdir(parents=True, exist_ok=True)
    (home / "hearth.toml").write_text(
        f'[clinic]\nname = "Riverbend House"\nphone = "555 0142"\n'
        f'[portal]\nhost = "{host}"\nport = {portal}\nannounce = false\n'
        f"[media]\nport = {relay}\naddresses = {addresses}\n{media}\n[hq]\ndemo_port = {hq}\n"
    )
    return f"https://{host}:{portal}"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "appliance", *arguments]


async def hearth(home: Path, *arguments: str) -> str:
    """Run one `hearth` command to its end; what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        env={**os.environ, "HEARTH_HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return output.decode()


@asynccontextmanager
async def running_box(home: Path, rig: str = "", host: str = "", media: str = "") -> AsyncIterator[Box]:
    """`hearth up --demo` until its block is printed; Ctrl-C at the end. `rig`: what it does wrong (tests/rigs).

    `host`: the address of portal and relay, if it is not this machine alone that is to reach them. `media`: more lines
    of that section of its settings.
    """
    portal = settings(home, host, media)
    process = await asyncio.create_subprocess_exec(
        *command("up", "--demo"),
        env={**os.environ, "HEARTH_HOME": str(home), **(_rigged(home, rig) if rig else {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed = await asyncio.wait_for(_until(process, b"Ctrl-C ends everything"), START_SECONDS)
        assert process.returncode is None, printed.decode()
        yield Box(home, portal, process, json.loads((home / "demo.json").read_text()))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _rigged(home: Path, rig: str) -> dict[str, str]:
    return {"PYTHONPATH": str(RIGS), "HEARTH_RIG": rig, "HEARTH_RIG_FLAG": str(rig_flag(home))}


def rig_flag(home: Path) -> Path:
    """The file that lets a rig begin, where it waits for one."""
    return home / "rig"


async def _until(process: asyncio.subprocess.Process, words: bytes) -> bytes:
    assert process.stdout is not None
    printed = b""
    while words not in printed:
        line = await process.stdout.readline()
        if not line:
            await process.wait()
            break
        printed += line
    return printed
