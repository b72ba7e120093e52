"""Every UDP datagram from or to one port of this machine, on all its interfaces, as whoever taps the wire sees it.

A packet socket (packet(7)) with a filter in the kernel, so that other traffic costs nothing. IPv4, as the relay. Needs
root. Kept in memory, within a bound; `lost` says what was not, so that a test cannot take a gap for silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

# Bytes kept of one capture: ten minutes of three people. And of the kernel's buffer in front of it.
MOST = 256 * 1024 * 1024
BUFFER = 32 * 1024 * 1024
_ETH_P_ALL = 0x0003
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_STATISTICS = 6

MAY_CAPTURE = os.geteuid() == 0
WHY_NOT = "a capture of a port needs root"


class Datagram(NamedTuple):
    """One datagram on the wire, without its IP and UDP headers."""

    interface: str
    source: int
    destination: int
    payload: bytes


class Capture:
    """`seen` grows while the capture runs."""

    def __init__(self, port: int) -> None:
        self.seen: list[Datagram] = []
        self._lost = self._bytes = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
        _attach(self._socket, _filter(port))
        self._drain()  # what came before the filter is anybody's

    @property
    def lost(self) -> int:
        """Datagrams the kernel had no room for, or this did not."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self._lost += struct.unpack("II", statistics)[1]
        return self._lost

    def holds(self, secret: bytes) -> bool:
        return any(secret in datagram.payload for datagram in self.seen)

    def read(self) -> None:
        """Take what has come."""
        for packet, (interface, _protocol, kind, *_rest) in self._drain():
            # Loopback shows each packet as it leaves and as it comes.
            if interface != "lo" or kind != socket.PACKET_OUTGOING:
                self._keep(interface, packet)

    def close(self) -> None:
        self._socket.close()

    def _drain(self) -> list[tuple[bytes, tuple[str, int, int, int, bytes]]]:
        taken = []
        with contextlib.suppress(BlockingIOError):
            while True:
                taken.append(self._socket.recvfrom(65_536))
        return taken

    def _keep(self, interface: str, packet: bytes) -> None:
        header = 4 * (packet[0] & 0x0F)
        source, destination = struct.unpack_from("!HH", packet, header)
        self._bytes += len(packet)
        if self._bytes > MOST:
            self._lost += 1
        else:
            self.seen.append(Datagram(interface, source, destination, packet[header + 8 :]))


@contextlib.asynccontextmanager
async def capture(port: int) -> AsyncIterator[Capture]:
    """Captures while the block runs; what it saw can be looked at afterwards."""
    made = Capture(port)
    loop = asyncio.get_running_loop()
    loop.add_reader(made._socket.fileno(), made.read)
    try:
        yield made
        made.read()
        made._lost = made.lost
    finally:
        loop.remove_reader(made._socket.fileno())
        made.close()


def _filter(port: int) -> list[tuple[int, int, int, int]]:
    """Classic BPF (linux/filter.h): code, jump if true, jump if false, constant."""
    load_byte, load_half, load_half_x, load_header_x = 0x30, 0x28, 0x48, 0xB1
    and_, equal, any_bit, answer = 0x54, 0x15, 0x45, 0x06
    return [
        (load_byte, 0, 0, 0),
        (and_, 0, 0, 0xF0),
        (equal, 0, 9, 0x40),  # IPv4
        (load_byte, 0, 0, 9),
        (equal, 0, 7, 17),  # UDP
        (load_half, 0, 0, 6),
        (any_bit, 5, 0, 0x1FFF),  # not a later fragment
        (load_header_x, 0, 0, 0),
        (load_half_x, 0, 0, 0),
        (equal, 3, 0, port),
        (load_half_x, 0, 0, 2),
        (equal, 1, 0, port),
        (answer, 0, 0, 0),
        (answer, 0, 0, 0xFFFF),
    ]


def _attach(tap: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    tap.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
