"""Port 80, without TLS: sends whoever typed no https to https, and answers what telephones ask to see the internet.

On the box's own Wi-Fi every name leads here (`steward/network_files.py`). A telephone that gets the answers it knows
stays on that network; else it would leave for the mobile one, or open a window without camera and microphone. The
answers are in one literal table and given for those names alone, so on a clinic's network nothing here is ever said.

Nothing of a request is believed: a redirect leads to a name or address of the box, or to the one that was connected to.
No page, no cookie, no form and no HSTS (RFC 6797 section 7.2) over plain HTTP; one answer a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

HEAD_SECONDS = 5.0  # for the head of a request: one that dawdles is left
HEAD_BYTES = 8 * 1024
MOST_AT_ONCE = 64  # connections; each is over in a moment
MAX_TARGET = 1024  # characters of a path that is kept over the redirect

# A path with a query as browsers write it. No second slash at the beginning: that would be another host (RFC 3986
# section 4.2).
_TARGET = re.compile(r"/(?!/)[A-Za-z0-9/._~!$&'()*+,;=:@%?-]*")
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}?)\.?(?::[0-9]{1,5})?")

Known = tuple[HTTPStatus, str, bytes]
_NOTHING: Known = (HTTPStatus.NO_CONTENT, "", b"")


def _page(content: str) -> Known:
    return HTTPStatus.OK, "text/html; charset=utf-8", content.encode()


def _text(content: str) -> Known:
    return HTTPStatus.OK, "text/plain", content.encode()


_APPLE = _page("<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>\n")
_FIREFOX = _page('<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>')

# (host, path) → what that maker's systems expect where there is an internet.
PROBES: Mapping[tuple[str, str], Known] = {
    # Android, ChromeOS
    ("connectivitycheck.gstatic.com", "/generate_204"): _NOTHING,
    ("connectivitycheck.android.com", "/generate_204"): _NOTHING,
    ("clients1.google.com", "/generate_204"): _NOTHING,
    ("clients3.google.com", "/generate_204"): _NOTHING,
    ("clients4.google.com", "/generate_204"): _NOTHING,
    ("www.google.com", "/generate_204"): _NOTHING,
    ("www.google.com", "/gen_204"): _NOTHING,
    ("www.gstatic.com", "/generate_204"): _NOTHING,
    ("play.googleapis.com", "/generate_204"): _NOTHING,
    ("connect.rom.miui.com", "/generate_204"): _NOTHING,
    ("connectivitycheck.platform.hicloud.com", "/generate_204"): _NOTHING,
    ("conn1.oppomobile.com", "/generate_204"): _NOTHING,
    ("wifi.vivo.com.cn", "/generate_204"): _NOTHING,
    # iPhone, iPad, Mac
    ("captive.apple.com", "/"): _APPLE,
    ("captive.apple.com", "/hotspot-detect.html"): _APPLE,
    ("www.apple.com", "/library/test/success.html"): _APPLE,
    ("gsp1.apple.com", "/pep/gcc"): _APPLE,
    # Windows
    ("www.msftconnecttest.com", "/connecttest.txt"): _text("Microsoft Connect Test"),
    ("ipv6.msftconnecttest.com", "/connecttest.txt"): _text("Microsoft Connect Test"),
    ("www.msftncsi.com", "/ncsi.txt"): _text("Microsoft NCSI"),
    # Firefox
    ("detectportal.firefox.com", "/success.txt"): _text("success\n"),
    ("detectportal.firefox.com", "/canonical.html"): _FIREFOX,
    # Linux
    ("nmcheck.gnome.org", "/check_network_status.txt"): _text("NetworkManager is online\n"),
    ("network-test.debian.org", "/nm"): _text("NetworkManager is online\n"),
    ("connectivity-check.ubuntu.com", "/"): _NOTHING,
    ("networkcheck.kde.org", "/"): _text("OK\n"),
    ("fedoraproject.org", "/static/hotspot.txt"): _text("OK"),
    # Kindle
    ("spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html"): _page("81ce4465-7167-4dcb-835b-dcc9e44c112a"),
}


@dataclass(frozen=True, slots=True)
class Own:
    """What the box is asked for by: names in lower case, addresses; and the portal's port."""

    names: frozenset[str]
    addresses: frozenset[str]
    port: int = 443


def answered(request: bytes, own: Own, here: str) -> bytes:
    """The whole answer to a request's head. `here`: the address of the box that was connected to."""
    line, _, headers = request.decode("latin-1").partition("\r\n")
    method, target, version = [*line.split(" "), "", "", ""][:3]
    if not version.startswith("HTTP/1.") or len(line.split(" ")) != 3:
        return _answer(HTTPStatus.BAD_REQUEST)
    if method not in ("GET", "HEAD"):
        return _answer(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
    host = _host(headers)
    known = PROBES.get((host, target.partition("?")[0]))
    if known is not None:
        status, kind, body = known
        return _answer(status, {"Content-Type": kind} if kind else {}, body, head=method == "HEAD")
    return _answer(HTTPStatus.FOUND, {"Location": _place(host, target, own, here)})


def _host(headers: str) -> str:
    """The host asked for, without its port and in lower case; "" where there is none, or more than one."""
    found = [value for line in headers.split("\r\n") for name, _, value in [line.partition(":")] if _is_host(name)]
    matched = _HOST.fullmatch(found[0].strip()) if len(found) == 1 else None
    return matched[1].lower() if matched else ""


def _is_host(name: str) -> bool:
    return name.lower() == "host"


def _place(host: str, target: str, own: Own, here: str) -> str:
    """Where on the portal that is. A host that is not the box's own is never repeated."""
    port = "" if own.port == 443 else f":{own.port}"
    if host not in own.names and host not in own.addresses:
        return f"https://{here}{port}/"
    path = target if len(target) <= MAX_TARGET and _TARGET.fullmatch(target) else "/"
    return f"https://{host}{port}{path}"


def _answer(
    status: HTTPStatus, more: Mapping[str, str] | None = None, body: bytes = b"", *, head: bool = False
) -> bytes:
    headers = {"Cache-Control": "no-store", "Connection": "close", "X-Content-Type-Options": "nosniff", **(more or {})}
    if status is not HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode("latin-1") + (b"" if head else body)


class PlainListener:
    """`start` once with a listening socket, `close` once. `own` is asked each time: names and addresses change."""

    def __init__(self, own: Callable[[], Own]) -> None:
        self._own = own
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, opened: socket.socket) -> None:
        self._server = await asyncio.start_server(self._connected, sock=opened, limit=HEAD_BYTES)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if len(self._open) <= MOST_AT_ONCE:
                request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
                writer.write(answered(request, self._own(), str(writer.get_extra_info("sockname")[0])))
                await asyncio.wait_for(writer.drain(), HEAD_SECONDS)
        except asyncio.LimitOverrunError:
            writer.write(_answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # one that came and went
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()
