"""A box in a virtual machine: boots an image under QEMU with EFI, no acceleration, and a network of its own.

The image itself is never written: the machine has an overlay over it, or a copy behind an NBD server. Host's ports on
loopback lead to the portal, the plain port and the relay; the machine reaches this one at 10.0.2.2. It is waited for by
conditions with generous limits: a start takes 45 s here when all is quiet, several times that when it is not.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.boxes import free_ports
from tests.fakes.waiting import until
from tests.image.screen import Screen

FIRMWARE = (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd"))
BOOT = 900.0  # seconds at most until the portal answers
HOST = "10.0.2.2"  # this machine as the box sees it


class Qmp:
    """QEMU's own socket: one command at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def connect(self, path: Path) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(path, limit=2**22)
        await self._reader.readline()
        await self.do("qmp_capabilities")

    async def do(self, command: str, **arguments: Any) -> Any:
        """What it answers; events that come in between are nobody's."""
        async with self._lock:
            self._writer.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
            await self._writer.drain()
            while line := await self._reader.readline():
                answer = json.loads(line)
                if "error" in answer:
                    raise RuntimeError(f"{command}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        raise ConnectionError("the machine has ended")

    async def monitor(self, line: str) -> str:
        """The human monitor's commands, for what has no other."""
        return str(await self.do("human-monitor-command", **{"command-line": line}))


@dataclass
class Ports:
    """Of this machine, on loopback."""

    portal: int
    plain: int
    relay: int


@dataclass
class Machine:
    """`async with Machine(folder, disk):` runs it; leaving the block ends it, as if the plug were pulled.

    `disk`: a qcow2 or raw file that is written to (see `overlay`), or an NBD server's socket. `sticks`: files that are
    plugged in as USB sticks from the start; `plug` does it later.
    """

    folder: Path
    disk: Path
    memory: int = 1024  # MiB
    sticks: Sequence[Path] = ()
    direct: tuple[str, ...] = ()  # -kernel ... instead of EFI and GRUB
    name: str = "box"
    relay_port: int = 0  # the relay's port on this machine, where a setting of the box names it
    ports: Ports = field(init=False)
    screen: Screen = field(init=False)
    qmp: Qmp = field(default_factory=Qmp)
    process: asyncio.subprocess.Process = field(init=False)

    @property
    def portal(self) -> str:
        return f"https://127.0.0.1:{self.ports.portal}"

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = Ports(*free_ports(3))
        self.ports.relay = self.relay_port or self.ports.relay
        self.screen = Screen(self.folder / "serial.log")
        for socket in ("qmp", "serial"):
            (self.folder / socket).unlink(missing_ok=True)
        log = (self.folder / "qemu.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(*self._command(), stdout=log, stderr=log)
        try:
            await until(
                lambda: ((self.folder / "qmp").exists() and (self.folder / "serial").exists()) or self.ended, 30.0
            )
            if self.ended:
                raise RuntimeError((self.folder / "qemu.log").read_text()[-2000:])
            await self.screen.connect(self.folder / "serial")
            await self.qmp.connect(self.folder / "qmp")
        except BaseException:
            await self.pull()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pull()
        await self.screen.close()

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    async def pull(self) -> None:
        """Pull the plug."""
        if not self.ended:
            with suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()

    async def reset(self) -> None:
        """The reset button."""
        await self.qmp.do("system_reset")

    async def off(self, seconds: float = 300.0) -> None:
        """Press the power button and wait until the machine is off."""
        await self.qmp.do("system_powerdown")
        await asyncio.wait_for(self.process.wait(), seconds)

    async def answers(self, seconds: float = BOOT) -> float:
        """Wait until the portal answers; how long that took.

        Asked anew each second beside the questions before: to one that came before the box had its network, QEMU comes
        back only six seconds later.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        asked: set[asyncio.Task[bool]] = set()
        try:
            while True:
                asked.add(loop.create_task(asks(self.ports.portal)))
                done, asked = await asyncio.wait(asked, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                if any(one.result() for one in done):
                    return loop.time() - began
                if self.ended:
                    log = (self.folder / "qemu.log").read_text()
                    raise RuntimeError("the machine has ended: " + log[-500:])
                if loop.time() - began > seconds:
                    shown = "\n".join(self.screen.lines())
                    raise TimeoutError("the portal does not answer; the screen shows\n" + shown)
                if done:  # nobody listens yet: not at once again
                    await asyncio.sleep(0.25)
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def silent(self, seconds: float = 300.0) -> None:
        """Wait until the portal does not answer any more: a restart has begun."""
        async with asyncio.timeout(seconds):
            while await asks(self.ports.portal):
                await asyncio.sleep(0.5)

    async def plug(self, stick: Path) -> None:
        """A USB stick with this content."""
        await self.qmp.monitor(f"drive_add 0 if=none,id={stick.stem},format=raw,file={stick}")
        await self.qmp.do("device_add", driver="usb-storage", id=f"stick-{stick.stem}", drive=stick.stem, bus="usb.0")

    async def unplug(self, stick: Path) -> None:
        await self.qmp.do("device_del", id=f"stick-{stick.stem}")

    async def memory_to(self, path: Path) -> None:
        """All that is in the machine's memory, as a file; it stands still meanwhile."""
        await self.qmp.do("stop")
        await self.qmp.do("pmemsave", val=0, size=self.memory * 2**20, filename=str(path))
        await self.qmp.do("cont")

    async def used(self, seconds: float = 60.0) -> tuple[int, int]:
        """Bytes of memory that the box says are not available, and all it has (MemTotal less MemAvailable)."""
        where = {"path": "/machine/peripheral/balloon", "property": "guest-stats"}
        # What it knows before it is asked to look is from the driver's first moment, early in the start.
        before = (await self.qmp.do("qom-get", **where))["last-update"]
        await self.qmp.do("qom-set", **where | {"property": "guest-stats-polling-interval", "value": 2})
        async with asyncio.timeout(seconds):
            while (told := await self.qmp.do("qom-get", **where))["last-update"] in (0, before):
                await asyncio.sleep(1)
        total, available = (int(told["stats"][f"stat-{one}-memory"]) for one in ("total", "available"))
        return total - available, total

    def _command(self) -> list[str]:
        forwarded = ",".join(
            f"hostfwd={kind}:127.0.0.1:{outside}-:{inside}"
            for kind, outside, inside in (
                ("tcp", self.ports.portal, 443),
                ("tcp", self.ports.plain, 80),
                ("udp", self.ports.relay, 8443),
            )
        )
        command = [
            *self._board(),
            *("-accel", "tcg,thread=multi", "-smp", "2", "-m", str(self.memory), "-nodefaults", "-display", "none"),
            *self._firmware(),
            *self._disk(),
            *("-netdev", f"user,id=net,{forwarded}", "-device", "virtio-net-pci,netdev=net"),
            *("-device", "virtio-rng-pci", "-device", "virtio-balloon-pci,id=balloon", "-device", "qemu-xhci,id=usb"),
            *("-serial", f"unix:{self.folder}/serial,server=on,wait=off"),
            *("-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"),
        ]
        for number, stick in enumerate(self.sticks):
            command += ["-drive", f"if=none,id=s{number},format=raw,file={stick}"]
            command += ["-device", f"usb-storage,drive=s{number},bus=usb.0"]
        return command

    def _board(self) -> list[str]:
        return ["qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-vga", "std"]

    def _firmware(self) -> list[str]:
        if self.direct:
            return list(self.direct)
        variables = self.folder / "vars.fd"
        if not variables.exists():
            shutil.copy(FIRMWARE[1], variables)
        code = f"if=pflash,format=raw,readonly=on,file={FIRMWARE[0]}"
        return ["-drive", code, "-drive", f"if=pflash,format=raw,file={variables}"]

    def _disk(self) -> list[str]:
        if self.disk.is_socket():
            block = f"driver=nbd,node-name=disk,server.type=unix,server.path={self.disk}"
        else:
            kind = "qcow2" if self.disk.suffix == ".qcow2" else "raw"
            block = f"driver={kind},node-name=disk,file.driver=file,file.filename={self.disk}"
        return ["-blockdev", block, "-device", "virtio-blk-pci,drive=disk,write-cache=on,bootindex=1"]


def overlay(image: Path, path: Path, size: str = "4G") -> Path:
    """A disk that has the image's content and takes what is written; larger, as a real one is."""
    kind = "qcow2" if image.suffix == ".qcow2" else "raw"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", str(image.resolve()), str(path), size]
    subprocess.run(command, check=True)
    return path


def raw(disk: Path, path: Path) -> Path:
    """The disk as the machine sees it, as a plain sparse file."""
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(disk), str(path)], check=True)
    return path


async def asks(port: int) -> bool:
    """Whether anybody answers a request for the first page there, by TLS with whatever certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            try:
                writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                line = await reader.readline()
                return line.startswith(b"HTTP/1.1 ") and line.split()[1] in {b"200", b"302", b"303"}
            finally:
                writer.close()
    return False
