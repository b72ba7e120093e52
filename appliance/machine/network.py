"""How this machine is on the network: looked at here, changed by the steward. Needs no store and no account.

The control listener and the setup of a new box call the same object. New settings are on trial: the steward brings back
the ones before unless `keep` is called in time, so that a wrong address locks nobody out for good.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil

from appliance.control import types
from appliance.errands import Errands
from appliance.faults import Fault
from appliance.steward import keyboard
from appliance.steward import network_settings as rules

SYSTEM_INTERFACES = Path("/sys/class/net")
SECONDS = 50.0  # for the steward: joining a Wi-Fi, a router's answer
Seen = tuple[types.Interface, ...]


class MachineNetwork:
    """One for the whole box. `changed` is called after each change that took hold: addresses are others now."""

    def __init__(self, errands: Errands, folder: Path = SYSTEM_INTERFACES) -> None:
        self._errands = errands
        self._folder = folder
        self._one = asyncio.Lock()
        self.changed: Callable[[], None] = lambda: None

    @property
    def possible(self) -> bool:
        """Whether the network can be changed from here."""
        return self._errands.possible

    async def look(self) -> types.NetworkState:
        """How it is now. `urls` and `authority` are the caller's to fill in. Faults: machine_busy."""
        if not self.possible:
            return types.NetworkState(possible=False, interfaces=await self.interfaces())
        return await self._do({"do": "look"})

    async def interfaces(self) -> Seen:
        """What the machine has, without what it has inside itself."""
        return await asyncio.to_thread(interfaces, self._folder)

    async def try_settings(self, settings: types.NetworkSettings) -> types.NetworkState:
        """Have the machine take these settings up, on trial. Faults: network_* of a field, no_wifi, wifi_refused,
        not_the_machine, machine_busy."""
        return await self._change({"do": "set", "network": msgspec.to_builtins(self.check(settings))})

    def check(self, settings: types.NetworkSettings) -> rules.Network:
        """What can be known before anybody tries it. Faults: network_* of a field."""
        asked = msgspec.convert(msgspec.to_builtins(settings), rules.Network)
        try:
            rules.check(asked, complete=False)
        except rules.Wrong as wrong:
            raise Fault(wrong.code) from None
        return asked

    async def keep(self) -> types.NetworkState:
        """The settings on trial are good. Faults: no_trial, not_the_machine, machine_busy."""
        return await self._change({"do": "keep"})

    async def back(self) -> types.NetworkState:
        """The settings before those on trial. Faults: no_trial, not_the_machine, machine_busy."""
        return await self._change({"do": "back"})

    async def scan(self) -> tuple[types.HeardNetwork, ...]:
        """Wi-Fi networks nearby, the strongest first. Faults: no_wifi, wifi_busy, not_the_machine, machine_busy."""
        async with self._one:
            told = await self._errands.ask("network", {"do": "scan"}, SECONDS)
        found: tuple[types.HeardNetwork, ...] = _convert(told.facts.get("networks", []), tuple[types.HeardNetwork, ...])
        return found

    async def set_zone(self, zone: str) -> types.NetworkState:
        """The machine is in that time zone. Faults: zone_unknown, not_the_machine, machine_busy."""
        self.check_zone(zone)
        return await self._change({"do": "zone", "zone": zone})

    def check_zone(self, zone: str) -> None:
        """By its form; whether there is one of that name the machine knows. Faults: zone_unknown."""
        try:
            rules.check_zone(zone)
        except rules.Wrong as wrong:
            raise Fault(wrong.code) from None

    async def set_keyboard(self, layout: str) -> types.NetworkState:
        """The keyboard at the box's own screen. Faults: keyboard_unknown, not_the_machine, machine_busy."""
        self.check_keyboard(layout)
        return await self._do({"do": "keyboard", "layout": layout})

    def check_keyboard(self, layout: str) -> None:
        """Faults: keyboard_unknown."""
        if layout not in keyboard.LAYOUTS:
            raise Fault("keyboard_unknown")

    async def set_names(self, names: frozenset[str]) -> None:
        """The names by which the box is asked for on the local network. Faults: not_the_machine, machine_busy."""
        async with self._one:
            await self._errands.ask("network", {"do": "names", "names": sorted(names)}, SECONDS)

    async def _change(self, what: dict[str, Any]) -> types.NetworkState:
        try:
            return await self._do(what)
        finally:
            self.changed()

    async def _do(self, what: dict[str, Any]) -> types.NetworkState:
        async with self._one:
            told = await self._errands.ask("network", what, SECONDS)
        facts = told.facts
        return types.NetworkState(
            possible=True,
            interfaces=await self.interfaces(),
            settings=_convert(facts.get("network", {}), types.NetworkSettings),
            seconds_left=_convert(facts.get("seconds_left", 0), int),
            zone=_convert(facts.get("zone", ""), str),
            keyboard=_convert(facts.get("keyboard", ""), str),
        )


def _convert(value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise Fault("internal", "the steward's facts") from None


def interfaces(folder: Path = SYSTEM_INTERFACES) -> Seen:
    """Cables and radios of the machine, by name; no loopback, bridge or tunnel."""
    states, addresses = psutil.net_if_stats(), psutil.net_if_addrs()
    return tuple(
        types.Interface(
            name=name,
            kind="wifi" if (folder / name / "wireless").exists() or (folder / name / "phy80211").exists() else "wired",
            up=name in states and states[name].isup,
            addresses=tuple(one.address for one in addresses.get(name, ()) if one.family is socket.AF_INET),
        )
        for name in sorted(one.name for one in folder.iterdir())
        if (folder / name / "device").exists()
    )
