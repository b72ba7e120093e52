"""One TCP socket for a bad line, and what the kernel knows of it (Linux: tcp(7), linux/tcp.h).

TCP_USER_TIMEOUT ends a connection whose bytes nobody acknowledges; BBR does not take a lost packet for a full line;
TCP_NOTSENT_LOWAT keeps what is not on the line yet out of the kernel, so that it still can be left out.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

DEAD_LINE_SECONDS = 8  # bytes unacknowledged for so long: the line is dead
NOTSENT_BYTES = 16_384  # that the kernel takes before they are on the line: 2 s of 64 kbit/s
CONGESTION = b"bbr"  # measured against cubic: README.md of this folder
_PACKET_IPV4, _PACKET_IPV6 = 52, 72  # bytes of IP and TCP headers with time stamps (RFC 7323) around a packet's payload
_TCP_NOTSENT_LOWAT = 25
_INFO_SIZE = 216  # up to tcpi_bytes_retrans


@dataclass(frozen=True, slots=True)
class Wire:
    """`sent` and `received`: bytes on the line since the connection began, with IP and TCP headers, repeats and
    handshake; `unacked`: packets on the way; `silent`: seconds since the last packet that acknowledged anything."""

    sent: int = 0
    received: int = 0
    unacked: int = 0
    silent: float = 0.0

    @property
    def bytes(self) -> int:
        return self.sent + self.received


def bad_line_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """For aiohttp's connector."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_LINE_SECONDS * 1000)
    made.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
    with suppress(OSError):  # a kernel without it, or one that keeps it from us: the default does
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
    return made


def wire(made: socket.socket | None) -> Wire:
    """What the kernel counts; zeros when the socket is closed or there is none."""
    if made is None or made.fileno() < 0:
        return Wire()
    try:
        raw = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    except OSError:
        return Wire()
    if len(raw) < _INFO_SIZE:
        return Wire()
    unacked, silent = struct.unpack_from("=I", raw, 24)[0], struct.unpack_from("=I", raw, 56)[0]
    received, packets_out, packets_in = struct.unpack_from("=QII", raw, 128)
    (sent,) = struct.unpack_from("=Q", raw, 200)
    each = _PACKET_IPV6 if made.family == socket.AF_INET6 else _PACKET_IPV4
    return Wire(sent + packets_out * each, received + packets_in * each, unacked, silent / 1000)
