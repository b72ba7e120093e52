"""How the machine is on the network, as `network.json` has it, and what of it can be. Pure: a value or `Wrong`.

    {"version": 1, "kind": "wired" | "wifi" | "access_point",
     "wired": {"addressing": "dhcp" | "static", "address": "192.168.1.5/24", "gateway": "", "dns": []},
     "wifi": {"name", "password", "country"}, "access_point": {"name", "password", "country", "channel"}}

Cables are used whatever the kind. What passes here has no control character, and no length or number that a program
behind it could choke on; how it is written into their files is `network_files.py`'s.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, TypeVar

import msgspec

VERSION = 1
MAX_DNS = 3  # what a resolver asks (MAXNS)
MAX_NAME = 32  # bytes of an SSID (IEEE 802.11 section 9.4.2.2)
CHANNELS = (*range(1, 12), 36, 40, 44, 48)  # allowed indoors nearly everywhere, and without waiting for radar

# WPA2: 8 to 63 printable ASCII characters, or 64 hex digits (IEEE 802.11 annex J.4).
_PASSPHRASE = re.compile(r"[ -~]{8,63}")
_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z][A-Za-z0-9_+-]{0,30}){0,2}")

Kind = Literal["wired", "wifi", "access_point"]


class Wrong(ValueError):
    """It cannot be. `code`: of a fault of `appliance.faults`. No text: it might hold a password."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Wired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every cable. Static: the first one has the address, the others ask for theirs."""

    addressing: Literal["dhcp", "static"] = "dhcp"
    address: str = ""
    gateway: str = ""
    dns: tuple[str, ...] = ()


class Wifi(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`password`: "" for an open network; None in a request: as it was for that name."""

    name: str
    password: str | None
    country: str

    def __repr__(self) -> str:
        return "Wifi()"


class AccessPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network of the box's own."""

    name: str
    password: str | None
    country: str
    channel: int = 6

    def __repr__(self) -> str:
        return "AccessPoint()"


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. What is not of the kind is kept for when somebody goes back to it."""

    version: int = VERSION
    kind: Kind = "wired"
    wired: Wired = Wired()
    wifi: Wifi | None = None
    access_point: AccessPoint | None = None


def read(content: bytes) -> Network:
    """What `network.json` says. Raises Wrong."""
    try:
        found = msgspec.json.decode(content, type=Network)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Wrong("bad_request") from None
    check(found)
    return found


def write(network: Network) -> bytes:
    return msgspec.json.encode(network)


def filled(asked: Network, before: Network) -> Network:
    """The request with the passwords that stay as they were. Raises Wrong where there is none to stay."""
    return msgspec.structs.replace(
        asked,
        wifi=_with_password(asked.wifi, before.wifi),
        access_point=_with_password(asked.access_point, before.access_point),
    )


def check(network: Network, *, complete: bool = True) -> None:
    """Raises Wrong. `complete`: every password must be there."""
    if network.version != VERSION:
        raise Wrong("bad_request")
    _check_wired(network.wired)
    if network.wifi is not None:
        _check_radio(network.wifi, complete)
        if network.wifi.password:
            _check_password(network.wifi.password)
    if network.access_point is not None:
        _check_radio(network.access_point, complete)
        if network.access_point.password is not None:
            _check_password(network.access_point.password)
        if network.access_point.channel not in CHANNELS:
            raise Wrong("network_channel")
    if (network.kind == "wifi" and network.wifi is None) or (
        network.kind == "access_point" and network.access_point is None
    ):
        raise Wrong("network_name")


def check_zone(zone: str) -> str:
    """The name of a time zone, by its form. Raises Wrong."""
    if not _ZONE.fullmatch(zone):
        raise Wrong("zone_unknown")
    return zone


Radio = TypeVar("Radio", Wifi, AccessPoint)


def _with_password(asked: Radio | None, before: Radio | None) -> Radio | None:
    if asked is None or asked.password is not None:
        return asked
    if before is None or before.name != asked.name or before.password is None:
        raise Wrong("network_password")
    return msgspec.structs.replace(asked, password=before.password)


def _check_wired(wired: Wired) -> None:
    if wired.addressing == "dhcp":
        if wired.address or wired.gateway or wired.dns:
            raise Wrong("network_address")
        return
    own = _own(wired.address)
    if wired.gateway:
        gateway = _address(wired.gateway, "network_gateway")
        if gateway not in own.network or gateway == own.ip:
            raise Wrong("network_gateway")
    if len(wired.dns) > MAX_DNS:
        raise Wrong("network_dns")
    for one in wired.dns:
        _address(one, "network_dns")


def _own(text: str) -> ipaddress.IPv4Interface:
    """An address that a machine on a local network can have, with the length of that network."""
    try:
        found = ipaddress.IPv4Interface(text)
    except ValueError:
        raise Wrong("network_address") from None
    network = found.network
    ends = (network.network_address, network.broadcast_address) if network.prefixlen < 31 else ()
    if not re.fullmatch(r"[0-9.]{7,15}/[0-9]{1,2}", text) or not 8 <= network.prefixlen <= 30 or found.ip in ends:
        raise Wrong("network_address")
    _usable(found.ip, "network_address")
    return found


def _address(text: str, code: str) -> ipaddress.IPv4Address:
    if not re.fullmatch(r"[0-9.]{7,15}", text):
        raise Wrong(code)
    try:
        found = ipaddress.IPv4Address(text)
    except ValueError:
        raise Wrong(code) from None
    _usable(found, code)
    return found


def _usable(address: ipaddress.IPv4Address, code: str) -> None:
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_reserved:
        raise Wrong(code)


def _check_radio(radio: Wifi | AccessPoint, complete: bool) -> None:
    name = radio.name.encode("utf-8", "surrogatepass")
    if not 1 <= len(name) <= MAX_NAME or not radio.name.isprintable():
        raise Wrong("network_name")
    if not _COUNTRY.fullmatch(radio.country):
        raise Wrong("network_country")
    if complete and radio.password is None:
        raise Wrong("network_password")


def _check_password(password: str) -> None:
    if not _PASSPHRASE.fullmatch(password) and not _KEY.fullmatch(password):
        raise Wrong("network_password")
