"""What this box carries of picture and sound, and where that figure comes from: set, measured by `hearth doctor`, or
assumed for a machine like this. `hearth up` gives it to the relay, which shares it out (`media/room/capacity.py`).

    capacity.json   in the home, 0600, replaced as a whole: version, when, on what machine, kbps, packets
    capacity.env    the same for the relay's systemd unit, as options of its command line
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from appliance.home import Home
from appliance.settings import MediaSection
from appliance.store.files import write_atomically

VERSION = 1
MAX_FILE = 4096  # bytes; ours has about 300
Source = Literal["set", "measured", "assumed"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """capacity.json. `machine` and `cores` are what it was measured on: on another machine it counts for nothing.

    `kbps`: of the network, both ways together; `packets`: a second, sent by the relay. 0: that could not be measured.
    """

    version: int
    measured_at: str
    machine: str
    cores: int
    network: str
    kbps: int
    packets: int


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What the relay is told, and of each figure whether it is set, measured or assumed."""

    kbps: int
    packets: int
    kbps_source: Source
    packets_source: Source
    measured_at: str = ""

    @property
    def source(self) -> Source:
        """Of both: the weaker word."""
        words: tuple[Source, ...] = ("assumed", "measured", "set")
        return next(word for word in words if word in (self.kbps_source, self.packets_source))


class Assumed(msgspec.Struct, frozen=True):
    """For a class of machines: careful figures, until somebody measures."""

    name: str
    kbps: int
    packets: int


# By the beginning of the machine's name. Packets: half of what one core forwards, from 84,000 a processor second on a
# server core in a call and 2.3 to 5.8 times less on a Pi 4, 1 to 3.1 times less on a Pi 5. Kilobits: a room of twelve
# takes about 29 Mbit/s, which Wi-Fi behind the box may just carry.
ASSUMED = (
    Assumed("Raspberry Pi 5", 40_000, 13_000),
    Assumed("Raspberry Pi", 30_000, 7_000),
    Assumed("", 80_000, 20_000),
)


def assumed(machine: str) -> Assumed:
    """What is assumed of a machine of that name."""
    return next(one for one in ASSUMED if machine.startswith(one.name))


def read(home: Home) -> Kept | None:
    """The last measurement; None if there is none that can be read."""
    try:
        with home.capacity.open("rb") as file:
            kept = msgspec.json.decode(file.read(MAX_FILE), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None
    sane = kept.version == VERSION and 0 <= kept.kbps <= 10**8 and 0 <= kept.packets <= 10**8
    return kept if sane else None


def write(home: Home, kept: Kept) -> None:
    """Faults: home_not_writable, store_failed."""
    write_atomically(home.capacity, msgspec.json.encode(kept) + b"\n")


def options(capacity: Capacity) -> list[str]:
    """Of the relay's command line."""
    return ["--capacity-kbps", str(capacity.kbps), "--capacity-packets", str(capacity.packets)]


def write_for_unit(home: Home, capacity: Capacity) -> None:
    """Faults: home_not_writable, store_failed."""
    line = f'HEARTH_CAPACITY="{" ".join(options(capacity))}"\n'
    write_atomically(home.capacity.with_suffix(".env"), line.encode())


def choose(section: MediaSection, kept: Kept | None, machine: str, cores: int) -> Capacity:
    """The figures for the relay: each as it is set, else as it was measured on this machine, else as assumed. Pure."""
    guess = assumed(machine)
    mine = kept if kept is not None and (kept.machine, kept.cores) == (machine, cores) else None
    kbps, kbps_from = _figure(section.capacity_kbps, mine.kbps if mine else 0, guess.kbps)
    packets, packets_from = _figure(section.capacity_packets, mine.packets if mine else 0, guess.packets)
    return Capacity(
        kbps=kbps,
        packets=packets,
        kbps_source=kbps_from,
        packets_source=packets_from,
        measured_at=mine.measured_at if mine else "",
    )


def of_this_box(home: Home, section: MediaSection) -> Capacity:
    """What `hearth up` and the appliance reckon with."""
    return choose(section, read(home), machine_name(), cores())


def machine_name(root: Path = Path("/")) -> str:
    """What the machine calls itself, "" if it does not say; at most 80 characters."""
    for place in ("proc/device-tree/model", "sys/class/dmi/id/product_name"):
        try:
            name = (root / place).read_text(errors="replace").strip("\x00 \n")
        except OSError:
            continue
        if name:
            return "".join(char for char in name if char.isprintable())[:80]
    return ""


def cores() -> int:
    """Processors that this process may use: a container may have fewer than the machine."""
    return len(os.sched_getaffinity(0))


def _figure(chosen: int, measured: int, guess: int) -> tuple[int, Source]:
    if chosen:
        return chosen, "set"
    return (measured, "measured") if measured else (guess, "assumed")
