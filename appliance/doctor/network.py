"""This machine's network interfaces: kind and rate, as the kernel and `iw` tell them."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from appliance.doctor.facts import Interface, NetworkKind

IW_SECONDS = 2.0
# A number that means "nobody knows": drivers say -1, and 2^32 - 1 as an unsigned one.
_SANE_MBPS = 1_000_000

Iw = Callable[[str, str], str]  # (interface, word) to what `iw dev INTERFACE WORD` prints, "" if it can't


def interfaces(root: Path = Path("/"), names: tuple[str, ...] | None = None) -> tuple[Interface, ...]:
    """Those that are up with an IPv4 address of their own, by name. `names` and `root` are for tests."""
    return tuple(look(name, root / "sys/class/net" / name, iw) for name in (names or _up_with_address()))


def look(name: str, folder: Path, ask_iw: Iw) -> Interface:
    """One interface; `folder` is its own in sysfs."""
    kind = _kind(name, folder, ask_iw)
    if kind in ("access_point", "wifi"):
        return Interface(name=name, kind=kind, mbps=_air_rate(name, kind, ask_iw))
    duplex = _read(folder / "duplex")
    return Interface(name=name, kind=kind, mbps=_wire_rate(folder), full_duplex=duplex != "half")


def iw(name: str, word: str) -> str:
    """`iw dev NAME WORD`; "" where the program is not there or says no."""
    program = shutil.which("iw") or shutil.which("iw", path="/usr/sbin:/sbin")
    if program is None:
        return ""
    words = [program, "dev", name, *word.split()]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(words, capture_output=True, text=True, timeout=IW_SECONDS, check=True)  # noqa: S603
        return done.stdout
    return ""


def _kind(name: str, folder: Path, ask_iw: Iw) -> NetworkKind:
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "access_point" if re.search(r"^\s*type AP\b", ask_iw(name, "info"), re.MULTILINE) else "wifi"
    # A bridge, a tunnel or a container's cable has no device below it.
    return "wire" if (folder / "device").exists() else "virtual"


def _wire_rate(folder: Path) -> float | None:
    try:
        mbps = int(_read(folder / "speed"))
    except ValueError:
        return None
    return float(mbps) if 0 < mbps < _SANE_MBPS else None


def _air_rate(name: str, kind: NetworkKind, ask_iw: Iw) -> float | None:
    """Of a guest the rate towards its access point; of an access point the slowest of its guests', who take the most
    of the air. None while nobody is there."""
    told = ask_iw(name, "station dump" if kind == "access_point" else "link")
    rates = [float(rate) for rate in re.findall(r"tx bitrate:\s*([0-9.]+) MBit/s", told)]
    return min(rates) if rates else None


def _up_with_address() -> tuple[str, ...]:
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    return tuple(
        sorted(
            name
            for name, addresses in psutil.net_if_addrs().items()
            if name in up and name != "lo" and any(one.family is socket.AF_INET for one in addresses)
        )
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # a driver answers EINVAL for a rate that it does not know
        return ""
