"""Whether a release on trial works: the portal answers over TLS, the appliance and the relay answer on their sockets.

The page that stands in for a portal that is down answers on the same port, so the port alone proves nothing: the
control socket is asked too, which only the appliance opens.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

WAIT_SECONDS = 300.0  # a Pi with a full card starts slowly; then the release before comes back
AGAIN_SECONDS = 2.0
ANSWER_SECONDS = 20.0
LOCKED = 503  # what the portal answers while the store is not open: on trial it never is
RUN = Path("/var/lib/hearth/run")

Healthy = Callable[[], bool]


def wait(port: int = 443, run: Path = RUN, seconds: float = WAIT_SECONDS) -> bool:
    """True as soon as all answer, False when they do not within `seconds`."""
    until = time.monotonic() + seconds
    while not (answers_tls(port) and answers_control(run / "control.sock") and accepts(run / "relay.sock")):
        if time.monotonic() > until:
            return False
        time.sleep(AGAIN_SECONDS)
    return True


def answers_tls(port: int) -> bool:
    """An answer of HTTP over TLS. Whose certificate it is, is not the question: it is this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=ANSWER_SECONDS, context=context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status in (*range(200, 500), LOCKED)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answers_control(path: Path) -> bool:
    """The appliance says how it is."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(ANSWER_SECONDS)
            line.connect(str(path))
            line.sendall(b"GET /v1/snapshot HTTP/1.1\r\nHost: hearth\r\nConnection: close\r\n\r\n")
            return line.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def accepts(path: Path) -> bool:
    """Somebody listens there."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(ANSWER_SECONDS)
            line.connect(str(path))
            return True
    except OSError:
        return False
