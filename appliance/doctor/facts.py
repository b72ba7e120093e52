"""What the doctor found, as values. None and "unknown" are what could not be looked at: said, never guessed."""

from __future__ import annotations

from typing import Literal

import msgspec

# wire: a cable. access_point: this box's own Wi-Fi. wifi: this box is a guest in one. virtual: bridges, tunnels and
# such, behind which a real one lies or none.
NetworkKind = Literal["wire", "access_point", "wifi", "virtual"]


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One that is up and has an address. `mbps` is the rate that the line was agreed at, None where nobody tells."""

    name: str
    kind: NetworkKind
    mbps: float | None
    full_duplex: bool = True


class Forwarding(msgspec.Struct, frozen=True, kw_only=True):
    """Packets that a relay on this machine sent: per second of processor time, and per second at most."""

    packets_per_cpu_second: int
    packets_per_second: int


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in milliseconds, temperature in °C."""

    name: str
    processor: str
    cores: int
    temperature: float | None
    throttled: bool | None
    memory_available: int
    memory_total: int
    disk_free: int
    disk_total: int
    write_ms: float | None  # median of a small write that has to be safe
    write_worst_ms: float | None
    receive_buffer: int | None  # that the kernel grants a socket at most
    clock_ok: bool
    clock_synchronised: bool | None


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """The box that runs on this home, if one does. `people`: in rooms now."""

    running: bool
    relay: bool = False
    people: int = 0
    health: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. `forwarding` is None where it was not measured, `why` is then the reason."""

    machine: Machine
    interfaces: tuple[Interface, ...]
    box: Box
    forwarding: Forwarding | None
    why: Literal["", "session", "failed"] = ""
