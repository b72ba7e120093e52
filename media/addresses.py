"""The addresses at which browsers can reach this machine now. Asked at each transport: a box that started before the
router did, or that was carried to another network, offers the right ones without being told."""

from __future__ import annotations

import ipaddress
import socket

import psutil

LOOPBACK = "127.0.0.1"


def own_addresses() -> list[str]:
    """This machine's IPv4 addresses, then loopback for a browser on the box itself."""
    entries = [entry for interface in psutil.net_if_addrs().values() for entry in interface]
    found = {entry.address for entry in entries if entry.family is socket.AF_INET}
    return [*sorted(found - {address for address in found if _not_for_others(address)}), LOOPBACK]


def _not_for_others(address: str) -> bool:
    parsed = ipaddress.IPv4Address(address)
    return parsed.is_loopback or parsed.is_link_local
