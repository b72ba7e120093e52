from __future__ import annotations

import socket

import psutil
import pytest

from media.addresses import own_addresses


class Entry:
    def __init__(self, family: int, address: str) -> None:
        self.family, self.address = socket.AddressFamily(family), address


def test_a_browser_elsewhere_is_offered_the_addresses_that_it_can_reach_first(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = {
        "lo": [Entry(socket.AF_INET, "127.0.0.1")],
        "eth0": [Entry(socket.AF_INET, "192.168.1.5"), Entry(socket.AF_INET6, "fd00::5")],
        "wlan0": [Entry(socket.AF_INET, "10.0.0.5"), Entry(socket.AF_INET, "169.254.7.7")],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: machine)
    assert own_addresses() == ["10.0.0.5", "192.168.1.5", "127.0.0.1"]


def test_a_machine_without_a_network_still_serves_its_own_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"lo": [Entry(socket.AF_INET, "127.0.0.1")]})
    assert own_addresses() == ["127.0.0.1"]


def test_an_address_that_comes_later_is_offered_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = {"lo": [Entry(socket.AF_INET, "127.0.0.1")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: machine)
    before = own_addresses()
    machine["eth0"] = [Entry(socket.AF_INET, "192.168.1.5")]
    assert (before, own_addresses()) == (["127.0.0.1"], ["192.168.1.5", "127.0.0.1"])
