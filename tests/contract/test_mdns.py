"""The portal's name on the network, over real multicast on the loopback interface."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from zeroconf import DNSIncoming  # type: ignore[attr-defined]  # missing from the library's __all__

from appliance.portal.mdns import Announcement, service

LOOPBACK = "127.0.0.1"
# Other suites on this machine hear and are heard: names and datagrams of this one are told by its number.
MINE = f"box-{os.getpid()}"
HEALTH_CARE = (
    "health",
    "care",
    "clinic",
    "patient",
    "therap",
    "medic",
    "group",
    "session",
    "doctor",
    "counsel",
    "recover",
)
SAID = {"_https", "_tcp", "_services", "_dns-sd", "_udp", "local", "in-addr", "arpa", "1", "0", "127"}


class Listener(asyncio.DatagramProtocol):
    """Everybody else on the network."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)

    async def answers(self, name: str) -> list[bytes]:
        """This suite's datagrams up to and including the announcement of `name`."""
        found = []
        while True:
            data = await asyncio.wait_for(self.heard.get(), 20)
            if MINE.encode() in data or b"box-" not in data:
                found.append(data)
            if any(f"{name}.local." == record.name for record in DNSIncoming(data).answers()):
                return found


@pytest.fixture
async def network() -> AsyncIterator[Listener]:
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    ear.bind(("224.0.0.251", 5353))
    membership = struct.pack("4s4s", socket.inet_aton("224.0.0.251"), socket.inet_aton(LOOPBACK))
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    ear.setblocking(False)
    transport, listener = await asyncio.get_running_loop().create_datagram_endpoint(Listener, sock=ear)
    yield listener
    transport.close()


async def test_nothing_on_the_wire_speaks_of_health_care(network: Listener) -> None:
    box = Announcement(f"{MINE}-a", 443, [LOOPBACK])
    await box.start()
    assert await box.announced()
    heard = await network.answers(f"{MINE}-a")
    await box.close()
    for data in heard:
        assert not any(word.encode() in data.lower() for word in HEALTH_CARE)
        for record in DNSIncoming(data).answers():
            labels = set(record.name.lower().strip(".").split("."))
            assert labels <= SAID | {f"{MINE}-a"}


def test_the_text_record_holds_the_path_and_nothing_else() -> None:
    assert service("hearth", 443, [LOOPBACK]).text == b"\x06path=/"


async def test_the_second_box_takes_the_next_name(network: Listener) -> None:
    first = Announcement(f"{MINE}-b", 443, [LOOPBACK])
    await first.start()
    assert await first.announced()
    second = Announcement(f"{MINE}-b", 8443, ["127.0.0.2"])
    await second.start()
    assert await second.announced()
    assert (first.name, second.name) == (f"{MINE}-b", f"{MINE}-b-2")
    await second.close()
    await first.close()


async def test_a_network_without_multicast_is_no_reason_to_stop() -> None:
    nowhere = Announcement(f"{MINE}-c", 443, ["203.0.113.77"])  # no interface of this machine has it
    await nowhere.start()
    assert await nowhere.announced() is False
    await nowhere.close()
    unplugged = Announcement(f"{MINE}-c", 443, [])
    await unplugged.start()
    assert await unplugged.announced() is False
    await unplugged.close()
