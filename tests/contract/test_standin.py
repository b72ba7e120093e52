"""What answers while the box cannot run: over real sockets, handed over as systemd does it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance import standin
from appliance.portal import certificates

CONTACTS = [{"name": "Night <line>", "phone": "555 0199", "about": "at any time"}]


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "portal").write_bytes(certificates.stand_in(("hearth.local",), (), datetime.now(UTC)))
    (folder / "contacts").write_text(json.dumps(CONTACTS))
    (folder / "settings").write_text('[clinic]\nname = "Riverbend House"\nphone = "555 0142"\n')
    return folder


def listening() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


class Ports:
    """The stand-in on two ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.sockets = {"https": listening(), "http": listening()}
        self.ports = {name: opened.getsockname()[1] for name, opened in self.sockets.items()}
        self.folder = folder

    async def ask(self, name: str, request: str) -> str:
        tls = None
        if name == "https":
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[name], ssl=tls)
        writer.write(request.replace("\n", "\r\n").encode())
        try:
            return (await reader.read()).decode()
        finally:
            writer.close()


@pytest.fixture
async def ports(credentials: Path) -> AsyncIterator[Ports]:
    made = Ports(credentials)
    standing = standin.Standin(standin.read(credentials))
    await standing.start(made.sockets, standin.certificate(credentials))
    yield made
    await standing.close()


@pytest.mark.parametrize("name", ["https", "http"])
@pytest.mark.parametrize("asked", ["GET /", "GET /join#x", "POST /staff/sign-in", "GET /../../etc/passwd"])
async def test_whatever_is_asked_whom_to_call_is_answered(ports: Ports, name: str, asked: str) -> None:
    told = await ports.ask(name, f"{asked} HTTP/1.1\nHost: hearth.local\n\n")
    assert told.startswith("HTTP/1.1 503 ")
    assert 'href="tel:5550199"' in told and "Night &lt;line&gt;" in told
    assert "Riverbend House" in told and 'href="tel:5550142"' in told
    assert ("Refresh:" in told) == asked.startswith("GET")


async def test_the_page_speaks_the_browsers_language_and_leads_to_the_other(ports: Ports) -> None:
    told = await ports.ask("http", "GET / HTTP/1.1\nAccept-Language: fr,es-MX;q=0.8\n\n")
    assert '<html lang="es"' in told and 'href="/?lang=en"' in told
    assert '<html lang="en"' in await ports.ask("http", "GET /?lang=en HTTP/1.1\nAccept-Language: es\n\n")


async def test_the_page_needs_no_script_and_nothing_that_is_not_here(ports: Ports) -> None:
    told = await ports.ask("http", "GET / HTTP/1.1\n\n")
    assert "<script" not in told and " style=" not in told and "<form" not in told
    for path in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', told)):
        assert (await ports.ask("http", f"GET {path} HTTP/1.1\n\n")).startswith("HTTP/1.1 200 ")


async def test_a_request_without_an_end_is_not_kept(ports: Ports) -> None:
    assert await ports.ask("http", "GET /" + "x" * standin.HEAD_BYTES * 3) == ""


async def test_what_cannot_be_read_is_left_out_and_the_rest_is_said(tmp_path: Path) -> None:
    (tmp_path / "contacts").write_text("[")
    (tmp_path / "settings").write_text("# nothing\n")
    assert standin.read(tmp_path) == standin.Said()
    assert standin.certificate(tmp_path) is None
    for code, sentence in (("en", "Call the emergency number"), ("es", "Llame al número de emergencias")):
        assert sentence in standin.page(standin.Said(), code).decode()


async def test_it_takes_the_sockets_of_systemd_and_ends_when_it_is_told(credentials: Path) -> None:
    made = Ports(credentials)
    heard = credentials / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(heard))
        supervisor.setblocking(False)
        process = await _as_systemd_does(made, credentials, heard)
        loop = asyncio.get_running_loop()
        assert await asyncio.wait_for(loop.sock_recv(supervisor, 100), 20) == b"READY=1"
        assert "555 0199" in await made.ask("https", "GET / HTTP/1.1\n\n")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_it_ends_by_itself_so_that_the_box_is_tried_again(credentials: Path) -> None:
    process = await _as_systemd_does(Ports(credentials), credentials, credentials / "nobody", minutes="0.001")
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def _as_systemd_does(
    made: Ports, credentials: Path, heard: Path, minutes: str = "1"
) -> asyncio.subprocess.Process:
    """Its own pid in LISTEN_PID, descriptors from 3 on: a shell that becomes the program knows its pid."""
    fds = [opened.fileno() for opened in made.sockets.values()]
    handed = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid());" + "".join(
        f"os.dup2({fd}, {100 + number});" for number, fd in enumerate(fds)
    )
    handed += "".join(f"os.dup2({100 + number}, {3 + number});" for number in range(len(fds)))
    handed += "os.execv(sys.executable, [sys.executable, '-m', 'appliance.standin', '--minutes', '" + minutes + "'])"
    known = {"LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(made.sockets)}
    known |= {"CREDENTIALS_DIRECTORY": str(credentials), "NOTIFY_SOCKET": str(heard)}
    return await asyncio.create_subprocess_exec(sys.executable, "-c", handed, env={**os.environ, **known}, pass_fds=fds)
