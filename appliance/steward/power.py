"""The errand `power`: start the machine anew, or switch it off. Answers before systemd begins with it.

    what   {"do": "restart" | "off"}

`/run/hearth/reboot-argument`, which only root can write, holds what the firmware is to be told at the next restart: a
Raspberry Pi tries its other slot once that way. It holds for a restart that anybody asks for, and ends with the start.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from appliance.steward import errand
from appliance.steward.errand import Refused, Tell

ARGUMENT = Path("/run/hearth/reboot-argument")
SECONDS = 20.0  # for systemd to take the order, which it does at once
_FIT = re.compile(r"[0-9a-z]{1,16}( [0-9a-z]{1,16})?")

Call = Callable[[Sequence[str]], None]


def command(what: dict[str, Any], argument: str) -> list[str]:
    """The command for what was asked. Refused("bad_request")."""
    if what == {"do": "off"}:
        return ["systemctl", "--no-block", "poweroff"]
    if what != {"do": "restart"}:
        raise Refused("bad_request")
    told = [f"--reboot-argument={argument}"] if argument else []
    return ["systemctl", "--no-block", *told, "reboot"]


def argument(path: Path = ARGUMENT) -> str:
    """What the firmware is to be told, "" for nothing. A file that is not this user's own says nothing."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            found, content = os.fstat(file.fileno()), file.read(64)
    except OSError:
        return ""
    text = content.decode("ascii", "replace").strip()
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    return text if ours and _FIT.fullmatch(text) else ""


def ordering(call: Call, path: Path = ARGUMENT) -> Callable[[dict[str, Any], Tell], dict[str, Any]]:
    """What the errand does, by `call`."""

    def do(what: dict[str, Any], _tell: Tell) -> dict[str, Any]:
        call(command(what, argument(path)))
        return {}

    return do


def order(words: Sequence[str]) -> None:
    """Tell systemd. Refused("machine_busy") if it does not take the order."""
    try:
        subprocess.run(words, check=True, timeout=SECONDS, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        raise Refused("machine_busy") from None


def main(_arguments: list[str]) -> int:
    """The program. Exit code 0 or 1."""
    return errand.run("power", ordering(order))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
