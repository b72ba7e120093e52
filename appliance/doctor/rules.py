"""From facts to what a person is told, and to the figures for the relay. Pure; each threshold has its reason here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from appliance.carrying import Capacity
from appliance.doctor.facts import Box, Facts, Interface, Machine
from appliance.sessions.rules import MAX_MEMBERS

# Of the packets per processor second the part that is planned with: the other half is for key frames, repair, and the
# portal's own work.
PROCESSOR_SHARE = 0.5
# Of a line's rate the part that picture and sound may fill. Wi-Fi: airtime goes to preambles, acknowledgements and
# slower neighbours. A guest in a Wi-Fi: each packet goes through the air twice. Half duplex: collisions.
WIRE_SHARE, HALF_DUPLEX_SHARE, AIR_SHARE, GUEST_SHARE = 0.7, 0.4, 0.4, 0.2
AP_PEOPLE = (4, 10)  # what the Wi-Fi chip of a Pi carries as an access point, from a poor place to a good one
MEMORY_LOW = 300 * 2**20  # bytes; the whole box takes about 200 MiB, and the kernel wants some for its caches
DISK_LOW = 0.10  # of the disk free
WRITE_SLOW_MS = 50.0  # a good card takes 5 to 20; every admission waits for one such write
HOT = 80.0  # °C, where a Pi slows itself down
BUFFER_LOW = 1_000_000  # bytes: a tenth of a second of a full room
FEW_CORES = 2

Mark = Literal["ok", "look", "bad", "unknown"]


class Finding(msgspec.Struct, frozen=True):
    """One line for a person. `code` is stable. bad: needs somebody. look: worth knowing. unknown: could not be seen."""

    code: str
    mark: Mark
    sentence: str


def findings(facts: Facts) -> list[Finding]:
    """Everything that was looked at, in the order in which it is told."""
    return [
        *_box(facts.box),
        *_processor(facts),
        *_machine(facts.machine),
        *_clock(facts.machine),
        *_network(facts.interfaces),
    ]


def exit_code(found: Sequence[Finding]) -> int:
    """0: all is well. 1: something needs somebody."""
    return 1 if any(one.mark == "bad" for one in found) else 0


def packets(facts: Facts) -> int:
    """Packets per second that the relay may send; 0 where that was not measured."""
    if facts.forwarding is None:
        return 0
    measured = facts.forwarding
    return int(min(measured.packets_per_cpu_second * PROCESSOR_SHARE, measured.packets_per_second * PROCESSOR_SHARE))


def line(interfaces: Sequence[Interface]) -> Interface | None:
    """The one people come by: this box's own Wi-Fi if it has one, else the best cable, else the Wi-Fi it is in."""
    for kind in ("access_point", "wire", "wifi"):
        of_kind = [one for one in interfaces if one.kind == kind]
        if of_kind:
            return max(of_kind, key=lambda one: one.mbps or 0.0)
    return None


def kbps(interfaces: Sequence[Interface]) -> int:
    """Kilobits per second that the line carries of picture and sound; 0 where nobody tells its rate."""
    found = line(interfaces)
    if found is None or not found.mbps or found.mbps <= 0:
        return 0
    return int(found.mbps * 1000 * _share(found))


def summary(capacity: Capacity, people: dict[str, int] | None, interfaces: Sequence[Interface]) -> list[str]:
    """What this box can carry, in plain sentences."""
    if people is None:
        return ["How many people that is could not be reckoned."]
    told = [_room(people), *(_whence(capacity))]
    found = line(interfaces)
    if found is not None and found.kind == "access_point":
        told.append(f"Its own Wi-Fi carries {AP_PEOPLE[0]} to {AP_PEOPLE[1]} people, whatever its rate says.")
    if found is not None and found.kind == "wire":
        told.append("If a Wi-Fi access point hangs on the cable, its air may carry less: that cannot be measured here.")
    return told


def _share(interface: Interface) -> float:
    if interface.kind == "access_point":
        return AIR_SHARE
    if interface.kind == "wifi":
        return GUEST_SHARE
    return WIRE_SHARE if interface.full_duplex else HALF_DUPLEX_SHARE


def _room(people: dict[str, int]) -> str:
    several = f"; {people['groups']} groups of 8 at a time" if people["groups"] > 1 else ""
    if people["pictures"] >= MAX_MEMBERS:
        return (
            f"This box can carry sessions of {MAX_MEMBERS} people, the largest there are, with all pictures{several}."
        )
    one, sound = min(people["one"], MAX_MEMBERS), min(people["sound"], MAX_MEMBERS)
    return (
        f"This box can carry {people['pictures']} people in one room with all pictures, or {one} with sound and one"
        f" picture each, or {sound} with sound alone{several}."
    )


def _whence(capacity: Capacity) -> list[str]:
    """Where it is not measured, that is said."""
    figures = {"the network's rate": capacity.kbps_source, "the relay's speed": capacity.packets_source}
    told = [
        f"{what[0].upper()}{what[1:]} is assumed for such a machine, not measured."
        for what, source in figures.items()
        if source == "assumed"
    ]
    return told + [
        f"{what[0].upper()}{what[1:]} is as set in hearth.toml." for what, source in figures.items() if source == "set"
    ]


def _box(box: Box) -> list[Finding]:
    if not box.running:
        return [Finding("box", "look", "No box is running on this folder right now.")]
    if not box.relay:
        return [Finding("relay", "bad", "The box runs, but picture and sound do not. Look at log/relay.log.")]
    return [Finding("box", "ok", f"The box runs, {box.people} people are in rooms.")]


def _processor(facts: Facts) -> list[Finding]:
    machine, name = facts.machine, facts.machine.name or "This machine"
    mark: Mark = "ok" if machine.cores >= FEW_CORES else "look"
    told = [Finding("processor", mark, f"{name}: {machine.cores} cores, {machine.processor or 'processor unknown'}.")]
    if facts.forwarding is not None:
        forwarding = facts.forwarding
        told.append(
            Finding(
                "forwarding",
                "ok",
                f"The relay forwards {forwarding.packets_per_cpu_second:,} packets per processor second, and sent"
                f" {forwarding.packets_per_second:,} in the fastest second.",
            )
        )
    elif facts.why == "session":
        told.append(Finding("forwarding", "bad", "Not measured: people are in a room. Run it again after the session."))
    else:
        told.append(Finding("forwarding", "bad", "How many packets the relay forwards could not be measured."))
    return told + _heat(machine)


def _heat(machine: Machine) -> list[Finding]:
    if machine.throttled:
        return [
            Finding(
                "throttled",
                "bad",
                "The processor has slowed itself down since its start: heat, or a weak power supply.",
            )
        ]
    if machine.temperature is None:
        return [Finding("temperature", "unknown", "This machine tells no temperature.")]
    mark: Mark = "bad" if machine.temperature >= HOT else "ok"
    slow = "" if machine.throttled is None else ", never slowed down"
    return [Finding("temperature", mark, f"The processor has {machine.temperature:.0f} °C{slow}.")]


def _machine(machine: Machine) -> list[Finding]:
    mib, gib = 2**20, 2**30
    memory = f"{machine.memory_available / mib:,.0f} of {machine.memory_total / mib:,.0f} MiB of memory are free."
    free = machine.disk_free / machine.disk_total if machine.disk_total else 1.0
    disk = f"{machine.disk_free / gib:.1f} of {machine.disk_total / gib:.1f} GiB of disk are free."
    return [
        Finding("memory", "bad" if machine.memory_available < MEMORY_LOW else "ok", memory),
        Finding("disk", "bad" if free < DISK_LOW else "ok", disk),
        _writes(machine),
        _buffers(machine),
    ]


def _writes(machine: Machine) -> Finding:
    if machine.write_ms is None or machine.write_worst_ms is None:
        return Finding("disk_writes", "bad", "Nothing could be written to the box's folder.")
    mark: Mark = "bad" if machine.write_ms > WRITE_SLOW_MS else "ok"
    return Finding(
        "disk_writes", mark, f"A safe write takes {machine.write_ms:.1f} ms, at worst {machine.write_worst_ms:.1f} ms."
    )


def _buffers(machine: Machine) -> Finding:
    if machine.receive_buffer is None:
        return Finding("socket_buffers", "unknown", "How large the kernel's socket buffers may be cannot be seen.")
    size = f"{machine.receive_buffer / 1000:,.0f} kB"
    if machine.receive_buffer < BUFFER_LOW:
        advice = "Bursts may get lost: set net.core.rmem_max and wmem_max to 4194304 (sysctl)."
        return Finding("socket_buffers", "look", f"The kernel grants socket buffers of {size}. {advice}")
    return Finding("socket_buffers", "ok", f"The kernel grants socket buffers of {size}.")


def _clock(machine: Machine) -> list[Finding]:
    if not machine.clock_ok:
        return [
            Finding("clock", "bad", "The clock is wrong: it is before this version was made. Invitations will fail.")
        ]
    if machine.clock_synchronised is None:
        return [Finding("clock", "unknown", "Whether the clock is set by a time server cannot be seen.")]
    if not machine.clock_synchronised:
        return [
            Finding("clock", "look", "No time server sets the clock. Without internet that is usual: check it by eye.")
        ]
    return [Finding("clock", "ok", "The clock is set by a time server.")]


def _network(interfaces: Sequence[Interface]) -> list[Finding]:
    found = line(interfaces)
    told = [_interface(one, one is found) for one in interfaces if one.kind != "virtual"]
    if not told:
        return [Finding("network", "bad", "No network: nobody but this machine reaches the box.")]
    return told


_KINDS = {"wire": "a cable", "access_point": "the box's own Wi-Fi", "wifi": "a guest in a Wi-Fi", "virtual": "virtual"}


def _interface(interface: Interface, people_come_by_it: bool) -> Finding:
    what = f"{interface.name} is {_KINDS[interface.kind]}"
    if not interface.mbps or interface.mbps <= 0:
        mark: Mark = "look" if people_come_by_it else "unknown"
        return Finding("network", mark, f"{what}; its rate is not told, so what it carries is not measured.")
    duplex = "" if interface.full_duplex else ", half duplex"
    if not people_come_by_it:
        return Finding("network", "ok", f"{what} at {interface.mbps:g} Mbit/s{duplex}; not reckoned with.")
    share = f"{_share(interface):.0%} of that are reckoned with"
    slow = interface.kind == "wifi" or not interface.full_duplex or interface.mbps < 100
    return Finding("network", "look" if slow else "ok", f"{what} at {interface.mbps:g} Mbit/s{duplex}; {share}.")
