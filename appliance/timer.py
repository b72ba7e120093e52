"""`python -m appliance.timer WHAT --socket PATH`: what a timer of systemd starts, as a user that may do nothing else.

Reminds the running box (`control/timers.py`) and says what it did. 0 also where the box is locked or not running: it
will do what is due when it is open. 1 where what it did went wrong, 2 on bad usage. Standard library alone: it starts
every hour, and beside a session.
"""

from __future__ import annotations

import argparse
import http.client
import json
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SENTENCES = {
    "off": "No backups by themselves: none are set.",
    "not_due": "Nothing is due yet.",
    "made": "A backup was made and checked.",
    "failed": "The backup failed. The console says why.",
    "busy": "Put off: people are in a room, or another one is under way.",
    "whole": "The audit is whole.",
    "broken": "The audit does not hold together: it was changed, or is damaged. Tell headquarters.",
    "asked": "The courier looks for what headquarters sends.",
    "box_locked": "The box is locked. Nothing was done.",
    "away": "The box is not running. Nothing was done.",
}
WRONG = ("failed", "broken")
ANSWER_SECONDS = 7200.0  # of a large backup on a slow stick
MAX_ANSWER = 4096  # bytes


class _Line(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(str(self._path))


def remind(what: str, path: Path) -> str:
    """What the box did, or the code of the fault that kept it from it; "away" where no box listens."""
    line = _Line(path)
    try:
        line.request("POST", f"/v1/timers/{what}", headers={"Request-Id": secrets.token_hex(8)})
        answer: Any = json.loads(line.getresponse().read(MAX_ANSWER))
    except (OSError, http.client.HTTPException, ValueError):
        return "away"
    finally:
        line.close()
    return str(answer.get("did") or answer.get("code") or "internal") if isinstance(answer, dict) else "internal"


def main(arguments: Sequence[str] | None = None) -> int:
    """Remind once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m appliance.timer", description="Reminds the box of its daily work.")
    parser.add_argument("what", choices=("backup", "audit", "update"))
    parser.add_argument("--socket", type=Path, required=True, help="path of control.sock")
    wanted = parser.parse_args(arguments)
    did = remind(wanted.what, wanted.socket)
    sys.stdout.write(SENTENCES.get(did, f"The box could not: {did}.") + "\n")
    return 1 if did in WRONG or did not in SENTENCES else 0


if __name__ == "__main__":
    sys.exit(main())
