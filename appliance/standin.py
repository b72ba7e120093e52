"""`python -m appliance.standin --minutes N`: answers for a box that cannot run: whom to call now.

systemd starts it when the appliance has failed for good (hearth-help.service), hands it the portal's ports, and ends it
when the appliance starts again. After N minutes it ends by itself, which has the appliance tried once more.

It reads three files that systemd gives it (`LoadCredential=`), each of which may be missing or broken, since something
is wrong here: then it says less. No store, no log of who came; of a request only path and language are used.
"""

from __future__ import annotations

import argparse
import asyncio
import gettext
import logging
import os
import signal
import socket
import ssl
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

import jinja2
import msgspec

from appliance import listening, notify
from appliance.contacts.rules import MOST, Contact

log = logging.getLogger(__name__)

PORTAL = Path(__file__).parent / "portal"
LANGUAGES = {"en": "English", "es": "Español"}
FILES = {"/static/base.css": "text/css", "/static/icon.svg": "image/svg+xml"}
HEAD_BYTES = 16 * 1024  # of a request
HEAD_SECONDS = 10.0  # for a request to come whole
MOST_AT_ONCE = 64  # connections; further ones are closed
AGAIN_SECONDS = 60  # until the page looks again by itself
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none';"
    " base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "Connection": "close",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What there is to say: the clinic's name and phone, the emergency contacts; "" and () where nobody knows."""

    clinic: str = ""
    phone: str = ""
    emergency: tuple[Contact, ...] = ()


def read(folder: Path) -> Said:
    """From the credentials `settings` and `contacts`; what cannot be read is left out."""
    clinic: Mapping[str, object] = {}
    try:
        found = tomllib.loads((folder / "settings").read_text()).get("clinic", {})
        clinic = found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        log.warning("the settings cannot be read")
    try:
        contacts = tuple(msgspec.json.decode((folder / "contacts").read_bytes(), type=list[Contact])[:MOST])
    except (OSError, msgspec.DecodeError):
        log.warning("the emergency contacts cannot be read")
        contacts = ()
    return Said(str(clinic.get("name", "")), str(clinic.get("phone", "")), contacts)


def certificate(folder: Path) -> ssl.SSLContext | None:
    """TLS by the credential `portal`; None without one that can be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(folder / "portal")
    except (OSError, ssl.SSLError):
        return None
    return made


@cache
def _template(language: str) -> jinja2.Template:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PORTAL / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = gettext.translation("portal", PORTAL / "locale", [language], fallback=True)
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    return made.get_template("_standin.html")


def page(said: Said, language: str) -> bytes:
    """The one page."""
    other = next((code, name) for code, name in LANGUAGES.items() if code != language)
    facts = {"lang": language, "other": other, "clinic": said.clinic, "phone": said.phone, "emergency": said.emergency}
    return _template(language).render(facts).encode()


def language(target: str, headers: str) -> str:
    """As the page's own link asks, else the browser's first that we have, else English."""
    for code in LANGUAGES:
        if target.endswith(f"?lang={code}"):
            return code
    for line in headers.split("\r\n"):
        if line.lower().startswith("accept-language:"):
            for part in line.partition(":")[2].split(","):
                code = part.split(";")[0].strip().lower().split("-")[0]
                if code in LANGUAGES:
                    return code
    return "en"


def answered(said: Said, request: bytes) -> bytes:
    """The whole answer to a request's head. Every path but two files is the page; the status says that we are away."""
    line, _, headers = request.decode("latin-1").partition("\r\n")
    method, target = [*line.split(" "), "", ""][:2]
    path = target.partition("?")[0]
    more = {}
    if path in FILES:
        status, kind, body = HTTPStatus.OK, FILES[path], (PORTAL / path[1:]).read_bytes()
    else:
        status, kind, body = (
            HTTPStatus.SERVICE_UNAVAILABLE,
            "text/html; charset=utf-8",
            page(said, language(target, headers)),
        )
        more = {"Retry-After": str(AGAIN_SECONDS)}
        if method == "GET":  # what was sent by a form is not sent again
            more["Refresh"] = str(AGAIN_SECONDS)
    told = {**HEADERS, **more, "Content-Type": kind, "Content-Length": str(len(body))}
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in told.items()
    )
    return head.encode() + b"\r\n" + (b"" if method == "HEAD" else body)


class Standin:
    """`start` once with the sockets by name, `close` once."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self._open = 0
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: Mapping[str, socket.socket], tls: ssl.SSLContext | None) -> None:
        """Answer on `https` (where there is a certificate) and on `http`."""
        for name, opened in sockets.items():
            if name == "https" and tls is None:
                log.warning("no certificate: only who typed http is answered")
                continue
            seconds = HEAD_SECONDS if name == "https" else None
            serving = asyncio.start_server(
                self._connected,
                sock=opened,
                ssl=tls if name == "https" else None,
                ssl_handshake_timeout=seconds,
                limit=HEAD_BYTES,
            )
            self._servers.append(await serving)

    async def close(self) -> None:
        for server in self._servers:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_AT_ONCE:
                request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
                writer.write(answered(self._said, request))
                await asyncio.wait_for(writer.drain(), HEAD_SECONDS)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one that came and went
        finally:
            self._open -= 1
            writer.close()


async def stand(sockets: Mapping[str, socket.socket], folder: Path, seconds: float) -> None:
    """Until SIGTERM or `seconds` are over."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    standing = Standin(await asyncio.to_thread(read, folder))
    await standing.start(sockets, await asyncio.to_thread(certificate, folder))
    notify.tell("READY=1")
    pinging = asyncio.create_task(notify.ping())
    try:
        await asyncio.wait_for(end.wait(), seconds)
    except TimeoutError:
        log.info("the appliance is tried again")
    finally:
        notify.tell("STOPPING=1")
        pinging.cancel()
        await standing.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when it was time to end, 2 without sockets to answer on."""
    parser = argparse.ArgumentParser(
        prog="python -m appliance.standin", description="Answers for a box that cannot run."
    )
    parser.add_argument("--minutes", type=float, required=True, help="after which the box is tried again")
    wanted = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    sockets = listening.inherited()
    if not sockets:
        sys.stderr.write("systemd starts this, with the sockets to answer on.\n")
        return 2
    asyncio.run(stand(sockets, Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nowhere")), wanted.minutes * 60))
    return 0


if __name__ == "__main__":
    sys.exit(main())
