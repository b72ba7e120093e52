"""What each process tells systemd, over a real datagram socket: that it listens, not before; that its loop turns."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

import appliance.notify
import media.notify
import sync.notify
from tests.fakes.waiting import until

MODULES = pytest.mark.parametrize(
    "notify", [appliance.notify, media.notify, sync.notify], ids=["appliance", "media", "sync"]
)


class Supervisor:
    """systemd's end: what it has heard so far."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        while True:
            try:
                self.heard.append(self._socket.recv(1000).decode())
            except BlockingIOError:
                return self.heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = Supervisor(tmp_path)
    yield made
    made.close()


@MODULES
async def test_a_hanging_loop_falls_silent(
    notify: ModuleType, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    pinging = asyncio.create_task(notify.ping())
    await until(lambda: len(supervisor.listen()) >= 3)
    before = len(supervisor.listen())
    time.sleep(0.2)  # noqa: ASYNC251 - this is the hanging loop
    assert len(supervisor.listen()) == before
    await until(lambda: len(supervisor.listen()) > before)  # it turns again
    pinging.cancel()
    assert set(supervisor.heard) == {"WATCHDOG=1"}


@MODULES
@pytest.mark.parametrize(("within", "pid"), [("", ""), ("x", ""), ("1000", "1")])
async def test_nobody_is_pinged_who_did_not_ask(
    notify: ModuleType, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, within: str, pid: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    monkeypatch.setenv("WATCHDOG_USEC", within)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    await asyncio.wait_for(notify.ping(), 5)
    assert supervisor.listen() == []


@MODULES
def test_a_supervisor_that_is_gone_or_deaf_stops_nobody(
    notify: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify.tell("READY=1")
    deaf = Supervisor(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", deaf.address)
    for _ in range(2000):  # more than its buffer holds
        notify.tell("WATCHDOG=1")
    assert deaf.listen()
    deaf.close()


def test_the_three_are_the_same_but_for_what_they_say_of_each_other() -> None:
    texts = [Path(str(one.__file__)).read_text() for one in (appliance.notify, media.notify, sync.notify)]
    assert len({text.partition('"""\n\n')[2] for text in texts}) == 1


async def _start(supervisor: Supervisor, command: Sequence[str], **more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env={**os.environ, "NOTIFY_SOCKET": supervisor.address, **more},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_the_appliance_is_ready_when_portal_and_socket_listen(supervisor: Supervisor, tmp_path: Path) -> None:
    port = _free_port(socket.SOCK_STREAM)
    home = tmp_path / "home"
    home.mkdir()
    (home / "hearth.toml").write_text(f'[portal]\nhost = "127.0.0.1"\nport = {port}\nannounce = false\n')
    process = await _start(supervisor, ["-m", "appliance", "appliance", "--home", str(home)], WATCHDOG_USEC="300000")
    await until(lambda: "READY=1" in supervisor.listen(), 30)
    _tcp(port).close()
    _unix(home / "run" / "control.sock").close()
    await _ends(supervisor, process)
    assert "WATCHDOG=1" in supervisor.heard


async def test_the_relay_is_ready_when_port_and_socket_listen(supervisor: Supervisor, tmp_path: Path) -> None:
    port, path = _free_port(socket.SOCK_DGRAM), tmp_path / "relay.sock"
    process = await _start(supervisor, ["-m", "media", "--socket", str(path), "--udp-port", str(port)])
    await until(lambda: "READY=1" in supervisor.listen(), 30)
    _unix(path).close()
    with pytest.raises(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
    await _ends(supervisor, process)


async def test_the_courier_is_ready_when_the_spool_is_its_own(supervisor: Supervisor, tmp_path: Path) -> None:
    process = await _start(supervisor, ["-m", "sync", "courier", "--spool", str(tmp_path / "spool")])
    await until(lambda: "READY=1" in supervisor.listen(), 30)
    second = await _start(supervisor, ["-m", "sync", "courier", "--spool", str(tmp_path / "spool")])
    assert await second.wait() == 1
    assert supervisor.listen().count("READY=1") == 1
    await _ends(supervisor, process)


async def _ends(supervisor: Supervisor, process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert "STOPPING=1" in supervisor.listen()


def _tcp(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5)


def _unix(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(path))
    return made
