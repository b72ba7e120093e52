"""Sockets that systemd opened: taken by name, once, and only by the process that they are for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from appliance import listening
from appliance.portal import tls
from appliance.portal.listener import PortalListener, application
from tests.fakes.portal import Behind


def _taken(handed: socket.socket, pid: str) -> str:
    """What a process finds that was started as systemd does it."""
    code = (
        f"import os; os.dup2({handed.fileno()}, 3); os.environ['LISTEN_PID'] = {pid};"
        "from appliance.listening import inherited;"
        "print({name: one.getsockname()[1] for name, one in inherited().items()},"
        " 'LISTEN_FDS' in os.environ, inherited())"
    )
    env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "https"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, pass_fds=[handed.fileno()], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_socket_is_taken_by_its_name_and_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        assert _taken(opened, "str(os.getpid())") == f"{{'https': {opened.getsockname()[1]}}} False {{}}"


def test_what_is_meant_for_another_process_is_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        assert _taken(opened, "'1'") == "{} False {}"


def test_without_systemd_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN_PID", raising=False)
    assert listening.inherited() == {}


async def test_the_portal_serves_on_the_socket_that_was_opened_for_it(behind: Behind, tmp_path: Path) -> None:
    opened = socket.create_server(("127.0.0.1", 0))
    app = application(behind, ("Riverbend House", "555 0142"), tmp_path / "tls" / tls.CA_FILE)
    listener = PortalListener(app)
    port = await listener.start("192.0.2.1", 1, tls.context(tmp_path / "tls"), opened)
    assert port == opened.getsockname()[1]
    async with aiohttp.ClientSession() as client, client.get(f"https://127.0.0.1:{port}/help", ssl=False) as told:
        assert told.status == 200
    await listener.close()
