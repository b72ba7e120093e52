"""What wpa_supplicant tells of the air: names that strangers chose, so nothing here fails on any bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MOST = 40  # networks that are listed; more are the far away ones of a city
SCANS = 12  # looks for the answer
SCAN_SECONDS = 0.5  # between two of them: a scan of all channels takes 3 to 5 s
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
_SHORT = {"n": b"\n", "r": b"\r", "t": b"\t", "e": b"\x1b"}


def listen(ask: Callable[..., str], wait: Callable[[float], None]) -> list[dict[str, Any]]:
    """Have it listen on all channels, and wait for what it hears."""
    ask("scan")
    heard = ""
    for _ in range(SCANS):
        wait(SCAN_SECONDS)
        before, heard = heard, ask("scan_results")
        if len(heard.splitlines()) > 1 and heard == before:
            break
    return networks(heard)


def networks(table: str) -> list[dict[str, Any]]:
    """The networks of `wpa_cli scan_results`, the strongest first, each name once.

    A line is BSSID, frequency, signal in dBm, flags and the name, between tabs; the name as wpa_supplicant escapes it.
    """
    found: dict[str, dict[str, Any]] = {}
    for line in table.split("\n")[1:]:
        parts = line.split("\t", 4)
        if len(parts) < 5 or not re.fullmatch(r"-?[0-9]{1,3}", parts[2]):
            continue
        name = unescape(parts[4])
        if not name:
            continue
        one = {"name": name, "strength": strength(int(parts[2])), "locked": "WPA" in parts[3] or "WEP" in parts[3]}
        if name not in found or found[name]["strength"] < one["strength"]:
            found[name] = one
    return sorted(found.values(), key=lambda one: (-one["strength"], one["name"]))[:MOST]


def state(status: str) -> str:
    """`wpa_state` of `wpa_cli status`."""
    return next((line[10:] for line in status.splitlines() if line.startswith("wpa_state=")), "")


def strength(dbm: int) -> int:
    """-90 dBm is as good as nothing, -40 is beside it."""
    return max(0, min(100, (dbm + 90) * 2))


def unescape(text: str) -> str:
    """A name as people see it; "" for one that is hidden or cannot be shown."""

    def one(found: re.Match[str]) -> bytes:
        what = found[1]
        return bytes([int(what[1:], 16)]) if len(what) == 3 else _SHORT.get(what, what.encode())

    made, at = b"", 0
    for found in _ESCAPE.finditer(text):
        made += text[at : found.start()].encode() + one(found)
        at = found.end()
    made += text[at:].encode()
    try:
        name = made.decode()
    except UnicodeDecodeError:
        return ""
    return name if name.isprintable() and len(made) <= 32 else ""
