"""The driver: datagrams, requests and time into the core; what it answers out again. On one event loop.

Every input is followed by a drain before the next input, so that a permission taken away has closed its transports
before another packet is looked at here. Where the native wire forwards in a thread of its own, it is told at once.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from media import limits
from media.faults import MediaFault
from media.ice import Address, is_stun
from media.outputs import CloseTransport, ConnectTransport, OpenTransport, Output, RestartIce, SendRtcp, Tell, joined
from media.paths import Path, Paths
from media.room.capacity import Budget
from media.room.rooms import UNBOUNDED, Rooms
from media.room.signalling import RelayAddress, answer
from media.transport import Certificate
from media.wire import Choice, new_wire


class SecretDice:
    """The core's randomness, from the operating system."""

    def token(self, length: int) -> str:
        return secrets.token_urlsafe(length)[:length]

    def number(self, below: int) -> int:
        return secrets.randbelow(below)


def bind(port: int) -> socket.socket:
    """The one UDP socket, on every IPv4 address. Raises OSError when the port is taken."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        udp.setsockopt(socket.SOL_SOCKET, option, limits.SOCKET_BUFFER)
    try:
        udp.bind(("0.0.0.0", port))  # noqa: S104  phones on the clinic's network are to reach it
    except OSError:
        udp.close()
        raise
    return udp


class Relay:
    """`tell(room, member, event, data)` carries events to the appliance. Call everything on the loop's thread."""

    def __init__(
        self,
        udp: socket.socket,
        hosts: Callable[[], Sequence[str]],
        tell: Callable[[Tell], None],
        clock: Callable[[], float],
        last_n: int = limits.LAST_N,
        budget: Budget = UNBOUNDED,
        plane: Choice = "auto",
    ) -> None:
        certificate = Certificate()
        self.wire = new_wire(udp, plane)
        self.rooms = Rooms(SecretDice(), self.wire.plane, last_n, budget)
        self.paths = Paths(udp, self.wire, certificate, self._transport_changed)
        self._address = RelayAddress(hosts, udp.getsockname()[1], certificate.fingerprints)
        self._udp = udp
        self._tell = tell
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.wire.start(self._datagram, self._noticed)
        self._sweep = loop.call_later(limits.CONSENT_SWEEP, self._sweep_consent)

    async def stop(self) -> None:
        for timer in (self._timer, self._sweep):
            if timer is not None:
                timer.cancel()
        await self.paths.close_all()
        self.wire.stop()
        self._udp.close()

    def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """A browser's request. Raises Fault."""
        try:
            return answer(self.rooms.room(room), member, method, data, self._address, self._clock())
        finally:
            self.drain()

    def counts(self) -> dict[str, Any]:
        """Figures of the process: packets, drops by reason, processor seconds, open transports."""
        dropped = {**self.wire.plane.counts(), **self.paths.dropped, **self.wire.counts()}
        received, sent, wake_ups = dropped.pop("received"), dropped.pop("sent"), dropped.pop("wake-ups", 0)
        return {
            "received": received,
            "sent": sent,
            "dropped": dropped,
            "wakeUps": wake_ups,
            "transports": len(self.paths),
            "cpuSeconds": time.process_time(),
            "capacity": self.rooms.load(),
        }

    def drain(self) -> None:
        """Carry out what the core has decided, then arm the one timer for its next deadline."""
        while outputs := self.rooms.drain():
            for output in joined(outputs):
                self._carry_out(output)
        deadline = self.rooms.deadline
        if deadline == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at, self._timer = deadline, None
        if deadline is not None:
            delay = max(0.0, deadline - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _carry_out(self, output: Output) -> None:
        match output:
            case SendRtcp(transport, packet):
                self.paths.send_rtcp(transport, packet)
            case Tell():
                self._tell(output)
            case OpenTransport():
                self.paths.open(output)
            case RestartIce():
                self.paths.restart(output)
            case ConnectTransport():
                self.paths.connect(output, self._clock())
            case CloseTransport(transport):
                self.paths.close(transport)

    def _tick(self) -> None:
        self._timer = self._timer_at = None
        self.wire.look()
        self.wire.send(self.rooms.tick(self._clock()))
        self.drain()

    def _sweep_consent(self) -> None:
        now = self._clock()
        for transport in self.paths.expired(now):
            self._lost(transport)
        self._sweep = asyncio.get_running_loop().call_later(limits.CONSENT_SWEEP, self._sweep_consent)

    def _transport_changed(self, transport: str, change: str) -> None:
        path = self.paths.get(transport)
        room = self.rooms.get(path.room) if path is not None else None
        if room is None:
            return
        if change == "ready":
            room.transport_ready(transport, self._clock())
            self.drain()
        else:
            self._lost(transport)

    def _lost(self, transport: str) -> None:
        path = self.paths.get(transport)
        room = self.rooms.get(path.room) if path is not None else None
        if room is not None:
            room.transport_lost(transport)
        self.drain()

    # --- datagrams -------------------------------------------------------------------------------------------------

    def _noticed(self) -> None:
        """The native wire's plane has events."""
        self.wire.send(self.rooms.take(self._clock()))
        self.drain()

    def _datagram(self, datagram: bytes, source: Address, waited: float) -> None:
        """By the first byte (RFC 7983 section 7). Raises MediaFault."""
        first, now = datagram[0] if datagram else 255, self._clock()
        path = self.paths.find(source)
        if 128 <= first < 192 and len(datagram) >= 12:
            if path is None:
                self.paths.dropped["no transport"] += 1
            else:
                self._media(path, datagram, now, waited)
        elif is_stun(datagram):
            self.paths.stun(datagram, source, now)
        elif 20 <= first < 64 and path is not None:
            self.paths.dtls(path, datagram)
        else:
            self.paths.dropped["unknown kind or source"] += 1

    def _media(self, path: Path, datagram: bytes, now: float, waited: float) -> None:
        dtls = path.dtls
        if dtls is None or dtls.opening is None:
            self.paths.dropped["no transport"] += 1
        elif 192 <= datagram[1] < 224:  # RTCP, by RFC 5761 section 4
            # What the room has to say to that, it says when all that came with it was read: `_noticed`.
            ssrc = int.from_bytes(datagram[4:8], "big")
            if not path.speakers.may_open(ssrc, now):
                raise MediaFault("RTCP of too many SSRCs")
            opened = dtls.opening.open_rtcp(datagram)
            path.speakers.opened(ssrc, now)
            self.wire.send(self.rooms.receive_rtcp(path.number, opened, now, waited))
        else:
            packet = self.wire.open_rtp(path.number, datagram)
            self.wire.send(self.rooms.receive_rtp(path.number, packet, now))
            self.drain()
