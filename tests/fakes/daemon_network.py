"""The network of the fake box: settings on trial, networks nearby, and what was asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.control.types import (
    KEYBOARDS,
    Heard,
    HeardNetwork,
    Interface,
    NetworkState,
    SetKeyboard,
    SetZone,
    TryNetwork,
    Wire,
)
from appliance.faults import Fault

WIRED = Interface(name="eth0", kind="wired", up=True, addresses=("192.168.1.5",))
RADIO = Interface(name="wlan0", kind="wifi", up=False)
FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))
NEARBY = (
    HeardNetwork(name="River House", strength=90, locked=True),
    HeardNetwork(name="Library", strength=40, locked=False),
)


class FakeNetwork:
    """Change `state` and `nearby` to change what is true; `tried` are the settings that were asked for."""

    def __init__(self) -> None:
        self.state = NetworkState(
            possible=True,
            interfaces=(WIRED, RADIO),
            zone="Europe/Madrid",
            urls=("https://192.168.1.5", "https://hearth.local"),
            authority=FINGERPRINT,
        )
        self.nearby = NEARBY
        self.tried: list[Any] = []
        self._before = self.state

    def do(self, word: str, body: bytes) -> Wire:
        if word == "scan":
            return Heard(networks=self.nearby)
        if word == "network":
            settings = msgspec.json.decode(body, type=TryNetwork).settings
            self.tried.append(settings)
            self._before = self.state
            kept = settings.kind == "wired" and settings.wired.addressing == "dhcp"
            self.tell(settings=settings, seconds_left=0 if kept else 60)
        elif word == "zone":
            self.tell(zone=msgspec.json.decode(body, type=SetZone).zone)
        elif word == "keyboard":
            layout = msgspec.json.decode(body, type=SetKeyboard).layout
            if layout not in KEYBOARDS:
                raise Fault("keyboard_unknown")
            self.tell(keyboard=layout)
        elif not self.state.seconds_left:
            raise Fault("no_trial")
        elif word == "keep":
            self.tell(seconds_left=0)
        else:
            self.state = self._before
        return self.state

    def run_out(self) -> None:
        """The minute is over."""
        self.state = self._before

    def tell(self, **fields: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **fields)
