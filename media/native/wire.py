"""The wire in C behind `media.wire.Wire`: a thread forwards RTP, the event loop gets the rest by a queue.

libsrtp's functions are taken out of pylibsrtp's library by their address, so that the thread never needs the
interpreter. Private names of pylibsrtp (pinned) used: `_binding.ffi`, `_binding.lib`, `Session._srtp` (media/srtp.py).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from socket import inet_ntoa
from struct import pack
from typing import Any, Final

from pylibsrtp import _binding

from media import limits
from media.faults import MediaFault
from media.ice import Address
from media.native.library import DATAGRAM, OUT, Answer, check, load
from media.native.plane import NativePlane
from media.plane.interface import Out, Plane
from media.srtp import Srtp

# media.wire has the same, and imports this module.
OnDatagram = Callable[[bytes, Address, float], None]

# In the order of `enum hp_wire_count`.
_COUNTS: Final = (
    "received",
    "sent",
    "no transport",
    "malformed or unauthentic",
    "unknown kind or source",
    "queue full",
    "closed transport",
    "no srtp",
    "send buffer full",
    "send failed",
    "wake-ups",
)


def _function(name: str) -> int:
    return int(_binding.ffi.cast("uintptr_t", _binding.ffi.addressof(_binding.lib, name)))


class NativeWire:
    """Raises NotBuilt where the library is not. `start` on the loop that all calls are made on."""

    def __init__(self, udp: socket.socket, pause: int = limits.GATHERING_PAUSE) -> None:
        self._library = load()
        self._plane = NativePlane()
        self.plane: Plane = self._plane
        self._udp = udp
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._answer = Answer()
        # libsrtp's contexts have to live as long as the thread may use them.
        self._sessions: dict[int, tuple[Srtp, Srtp]] = {}
        # Drops that are noticed here and not in C.
        self._refused = 0
        self._last: Mapping[str, int] = {}
        self._on_datagram: OnDatagram = lambda datagram, source, waited: None
        self._on_notice: Callable[[], None] = lambda: None
        self._pointer: int | None = self._library.hp_wire_new(
            self._plane.pointer,
            udp.fileno(),
            self._wake,
            _function("srtp_protect"),
            _function("srtp_unprotect"),
            pause,
        )
        if self._pointer is None:
            raise MemoryError

    def start(self, on_datagram: OnDatagram, on_notice: Callable[[], None]) -> None:
        self._on_datagram, self._on_notice = on_datagram, on_notice
        asyncio.get_running_loop().add_reader(self._wake, self._woken)
        check(self._library.hp_wire_start(self._pointer))

    def stop(self) -> None:
        if self._pointer is None:
            return
        asyncio.get_running_loop().remove_reader(self._wake)
        self._last = self.counts()
        self._library.hp_wire_free(self._pointer)
        self._pointer = None
        self._sessions.clear()
        os.close(self._wake)

    def keys(self, transport: int, opening: Srtp, sealing: Srtp) -> None:
        if self._pointer is None:
            return
        check(self._library.hp_wire_keys(self._pointer, transport, _address(opening), _address(sealing)))
        self._sessions[transport] = opening, sealing

    def learn(self, source: Address, transport: int) -> None:
        if self._pointer is not None:
            check(self._library.hp_wire_learn(self._pointer, *_numbers(source), transport))

    def forget(self, source: Address) -> None:
        if self._pointer is not None:
            self._library.hp_wire_forget(self._pointer, *_numbers(source))

    def select(self, transport: int, address: Address) -> None:
        if self._pointer is not None:
            check(self._library.hp_wire_select(self._pointer, transport, *_numbers(address)))

    def end(self, transport: int) -> None:
        # It may be gone in C already, with its transport.
        if self._pointer is not None:
            self._library.hp_wire_keys(self._pointer, transport, None, None)
        self._sessions.pop(transport, None)

    def open_rtp(self, transport: int, datagram: bytes) -> bytes:
        raise MediaFault("RTP never comes this way")

    def send(self, packets: Sequence[Out]) -> None:
        if not packets:
            return
        pack = OUT.pack
        data = b"".join([pack(number, len(head), len(rest)) + head + rest for number, head, rest in packets])
        if self._pointer is not None:
            self._library.hp_wire_send(self._pointer, data, len(data))

    def counts(self) -> Mapping[str, int]:
        if self._pointer is None:
            return self._last
        numbers = (ctypes.c_int64 * len(_COUNTS))()
        self._library.hp_wire_counts(self._pointer, numbers)
        counts = dict(zip(_COUNTS, numbers, strict=True))
        counts["malformed or unauthentic"] += self._refused + self.plane.counts()["malformed"]
        return counts

    def _woken(self) -> None:
        self.look()
        if self._pointer is not None:
            self._on_notice()

    def look(self) -> None:
        """See to what waits. Each datagram may end the wire, so what is left then is not looked at."""
        if self._pointer is None:
            return
        data = self._answer.bytes(self._library.hp_wire_read(self._pointer, self._answer.reference))
        at = 0
        while at < len(data) and self._pointer is not None:
            waited, host, port, length = DATAGRAM.unpack_from(data, at)
            at += DATAGRAM.size + length
            try:
                self._on_datagram(data[at - length : at], (inet_ntoa(pack("!I", host)), port), waited / 1e9)
            except MediaFault:
                self._refused += 1


def _numbers(address: Address) -> tuple[int, int]:
    return int(IPv4Address(address[0])), address[1]


def _address(srtp: Srtp) -> int:
    """The context of a session, as C has it."""
    context: Any = srtp.context
    return int(_binding.ffi.cast("uintptr_t", context))
