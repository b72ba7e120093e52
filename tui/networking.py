"""What workers do for the page of the network: one call of the client each; then the page is told how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import HeardNetwork, NetworkSettings, NetworkState
from tui.work import Post, Refused

ZONES = Path("/usr/share/zoneinfo/zone.tab")  # country, place, zone (tz database)


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """What to do. `settings`: to be tried, with a password in them, so it is never printed."""

    word: Literal["see", "try", "keep", "back", "scan", "zone", "keyboard"]
    settings: NetworkSettings | None = None
    zone: str = ""
    keyboard: str = ""


class Seen(Message):
    """For the page: how things stand, and what was done for it."""

    def __init__(self, state: NetworkState, word: str) -> None:
        super().__init__()
        self.state = state
        self.word = word


class Heard(Message):
    """For the page: Wi-Fi networks nearby."""

    def __init__(self, networks: tuple[HeardNetwork, ...]) -> None:
        super().__init__()
        self.networks = networks


class Stopped(Message):
    """For the page: it came to nothing, which the banner says."""


async def do(client: ControlClient, app: Post, page: Post, login: int, wish: Wish) -> None:
    """Do it and tell."""
    try:
        if wish.word == "scan":
            page(Heard(await client.scan_networks()))
            return
        if wish.word == "try" and wish.settings is not None:
            state = await client.try_network(wish.settings)
        elif wish.word == "keep":
            state = await client.keep_network()
        elif wish.word == "back":
            state = await client.network_back()
        elif wish.word == "zone":
            state = await client.set_zone(wish.zone)
        elif wish.word == "keyboard":
            state = await client.set_keyboard(wish.keyboard)
        else:
            state = await client.network()
        page(Seen(state, wish.word))
    except ControlFault as fault:
        page(Stopped())
        app(Refused(login, fault.code))


def country_of(zone: str, table: Path = ZONES) -> str:
    """The country of a time zone, for a field that may be corrected; "" where nobody knows."""
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return next((row[0] for row in rows if len(row) > 2 and row[2] == zone), "")
