"""The one UDP socket: opening what comes, sealing what leaves, and which transport's RTP goes where.

Two things implement `Wire`: `PythonWire` here, on the event loop, and `media.native.wire` with a thread in C. Both hand
`on_datagram` what is not theirs to see to: the native one everything but RTP, this one RTP too, opened.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from media import limits
from media.faults import MediaFault, NotSealed
from media.ice import Address
from media.native.library import NotBuilt
from media.plane.interface import Out, Plane
from media.plane.twin import Twin
from media.srtp import Srtp
from media.strangers import Strangers

log = logging.getLogger("hearth.relay")

Choice = Literal["auto", "native", "python"]
# Datagram, source, and seconds that it has waited.
OnDatagram = Callable[[bytes, Address, float], None]


class Wire(Protocol):
    """Numbers are the plane's. After `end` no packet of or for the transport passes."""

    plane: Plane

    def start(self, on_datagram: OnDatagram, on_notice: Callable[[], None]) -> None:
        """`on_datagram` may raise MediaFault, which is counted. `on_notice`: the plane may have something to `take`."""

    def look(self) -> None:
        """Hand out what waits now, without `on_notice`: for whoever is awake anyway."""

    def stop(self) -> None:
        """Gives the socket back, open."""

    def keys(self, transport: int, opening: Srtp, sealing: Srtp) -> None:
        """Sessions for RTP of this transport, which nobody else may use from now on."""

    def learn(self, source: Address, transport: int) -> None:
        """The transport has proved that it sends from there."""

    def forget(self, source: Address) -> None: ...

    def select(self, transport: int, address: Address) -> None:
        """Where packets for the transport go from now on."""

    def end(self, transport: int) -> None: ...

    def open_rtp(self, transport: int, datagram: bytes) -> bytes:
        """Raises MediaFault for what is not authentic, was opened before, or has no keys."""

    def send(self, packets: Sequence[Out]) -> None:
        """Seal and send; what cannot leave is dropped and counted."""

    def counts(self) -> Mapping[str, int]:
        """`received` datagrams, `sent` RTP packets, and drops by their reason."""


class PythonWire:
    """On the event loop, with libsrtp called in place. For machines without a compiler, and to measure the other by."""

    def __init__(self, udp: socket.socket) -> None:
        self._twin = Twin()
        self.plane: Plane = self._twin
        self._udp = udp
        self._keys: dict[int, tuple[Srtp, Srtp]] = {}
        self._addresses: dict[int, Address] = {}
        self._strangers: dict[int, Strangers] = {}
        self._counts: Counter[str] = Counter(received=0, sent=0)
        self._on_datagram: OnDatagram = lambda datagram, source, waited: None
        self._on_notice: Callable[[], None] = lambda: None

    def start(self, on_datagram: OnDatagram, on_notice: Callable[[], None]) -> None:
        self._on_datagram, self._on_notice = on_datagram, on_notice
        asyncio.get_running_loop().add_reader(self._udp.fileno(), self._readable)

    def look(self) -> None:
        """Nothing waits here but in the kernel."""

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._udp.fileno())

    def keys(self, transport: int, opening: Srtp, sealing: Srtp) -> None:
        self._keys[transport] = opening, sealing
        self._strangers[transport] = Strangers(limits.MAX_FOREIGN_SSRCS, limits.FOREIGN_AGAIN / 1e9)

    def learn(self, source: Address, transport: int) -> None:
        """Nothing to do: on this wire the driver looks up every source itself."""

    def forget(self, source: Address) -> None:
        """Nothing to do, for the same reason."""

    def select(self, transport: int, address: Address) -> None:
        self._addresses[transport] = address

    def end(self, transport: int) -> None:
        self._keys.pop(transport, None)
        self._strangers.pop(transport, None)
        self._addresses.pop(transport, None)

    def open_rtp(self, transport: int, datagram: bytes) -> bytes:
        keys = self._keys.get(transport)
        if keys is None:
            raise MediaFault("no keys")
        ssrc, strangers, now = int.from_bytes(datagram[8:12], "big"), self._strangers[transport], time.monotonic()
        known = self._twin.knows(transport, ssrc)
        if known:
            strangers.announced(ssrc)
        elif not strangers.may_open(ssrc, now):
            raise MediaFault("too many SSRCs")
        packet = keys[0].open_rtp(datagram)
        if not known:
            strangers.opened(ssrc, now)
        return packet

    def send(self, packets: Sequence[Out]) -> None:
        keys, addresses, sendto = self._keys, self._addresses, self._udp.sendto
        for transport, head, rest in packets:
            if transport not in keys or transport not in addresses:
                self._counts["closed transport"] += 1
                continue
            try:
                sendto(keys[transport][1].seal_rtp(head, rest), addresses[transport])
                self._counts["sent"] += 1
            except MediaFault:
                self._counts["no srtp"] += 1
            except BlockingIOError:
                self._counts["send buffer full"] += 1
            except OSError:  # unreachable for a moment: as good as lost on the way
                self._counts["send failed"] += 1

    def counts(self) -> Mapping[str, int]:
        return self._counts

    def _readable(self) -> None:
        self._read()
        self._on_notice()

    def _read(self) -> None:
        for _ in range(limits.MAX_DATAGRAMS_PER_WAKE_UP):
            try:
                datagram, source = self._udp.recvfrom(limits.MAX_DATAGRAM)
            except OSError:  # nothing left, or an ICMP error of an earlier send
                return
            self._counts["received"] += 1
            try:
                self._on_datagram(datagram, source, 0.0)
            except NotSealed:  # counted by the plane
                continue
            except MediaFault:
                self._counts["malformed or unauthentic"] += 1


def new_wire(udp: socket.socket, choice: Choice = "auto") -> Wire:
    """The native wire where it was built, else this one. Raises NotBuilt if `choice` is to have the native one."""
    if choice == "python":
        return PythonWire(udp)
    from media.native.wire import NativeWire

    try:
        return NativeWire(udp)
    except NotBuilt:
        if choice == "native":
            raise
        log.warning("the plane in C was not built here: forwarding in Python, for about half as many people")
        return PythonWire(udp)
