"""This machine's addresses on the local network, and the portal's URLs made of them."""

from __future__ import annotations

import ipaddress
import socket

import psutil


def lan_addresses() -> tuple[str, ...]:
    """IPv4 addresses of interfaces that are up, without loopback and link-local ones. Sorted: stable between calls."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = {
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up and address.family is socket.AF_INET
    }
    return tuple(sorted(found - {a for a in found if _not_for_others(a)}))


def portal_urls(host: str, name: str, port: int) -> tuple[str, ...]:
    """Where people find the portal, surest first: addresses always work, names need mDNS (Android often lacks it).

    `host` is what the portal listens on: one address, or 0.0.0.0 for all.
    """
    suffix = "" if port == 443 else f":{port}"
    hosts: tuple[str, ...] = (*lan_addresses(), f"{name}.local")
    if host != "0.0.0.0":  # noqa: S104 - compared, not bound
        hosts = (host,)
    elif len(hosts) == 1:
        hosts = ("localhost", *hosts)  # no network at all: this machine's own browser still works
    return tuple(f"https://{host}{suffix}" for host in hosts)


def _not_for_others(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_loopback or parsed.is_link_local
