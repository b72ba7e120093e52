"""This machine's network interfaces: kind and rate, as the kernel and `iw` tell them."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from appliance.doctor.facts import Interface, NetworkKind

IW_SECONDS = 2.0
# A number that means "nobody knows": drivers say -1, and 2^32 - 1 as an unsigned one.
_SANE_MBPS = 1_000_000
ANSWER_SECONDS = 1.5  # for a router: a Wi-Fi that sleeps takes half a second
_GATEWAY, _COMPLETE = 0x2, 0x2  # RTF_GATEWAY of route.h, ATF_COM of if_arp.h
_DISCARD = 9  # a port that nothing listens on (RFC 863)

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


def address(name: str) -> str | None:
    """Its first IPv4 address."""
    found = psutil.net_if_addrs().get(name, ())
    return next((one.address for one in found if one.family is socket.AF_INET), None)


def gateway(root: Path = Path("/")) -> str | None:
    """The router's IPv4 address, None where there is none (proc(5), net/route: in hexadecimal, back to front)."""
    for line in _read(root / "proc/net/route").splitlines()[1:]:
        parts = line.split()
        with contextlib.suppress(IndexError, ValueError):
            if parts[1] == "00000000" and int(parts[3], 16) & _GATEWAY:
                return socket.inet_ntoa(int(parts[2], 16).to_bytes(4, "little"))
    return None


def answers(router: str, root: Path = Path("/"), seconds: float = ANSWER_SECONDS) -> bool:
    """Whether it answers on its own network: something is sent its way, and the kernel has to find it for that (ARP).

    Blocks for `seconds` at most. No right is needed, and a router that drops pings still answers this.
    """
    until = time.monotonic() + seconds
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"", (router, _DISCARD))
        while True:
            if _found(router, root):
                return True
            if time.monotonic() >= until:
                break
            time.sleep(0.05)
    return False


def _found(router: str, root: Path) -> bool:
    for line in _read(root / "proc/net/arp").splitlines()[1:]:
        parts = line.split()
        with contextlib.suppress(IndexError, ValueError):
            if parts[0] == router and int(parts[2], 16) & _COMPLETE:
                return True
    return False


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
