"""The browser's end of one transport, headless: a controlling ICE agent, a DTLS client and SRTP on a socket of its own.

For the bench and the tests. It sends and counts packets; it has no codec, no jitter buffer and no rate control.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aioice import stun

from media import limits
from media.faults import MediaFault
from media.ice import is_stun
from media.srtp import Srtp
from media.transport import Certificate, Dtls

# Seconds between two checks: RFC 7675 section 5.1 asks for 5 on average, and the relay gives up after 30.
CHECK_INTERVAL = 4.0
# Seconds until an unanswered first check is repeated, and until a peer that never answers is given up.
FIRST_CHECK_AGAIN = 0.1
CONNECT_TIMEOUT = 10.0


class Endpoint:
    """Made from the answer to `createTransport`. `on_rtp` and `on_rtcp` get opened packets."""

    def __init__(
        self,
        created: dict[str, Any],
        *,
        certificate: Certificate,
        role: str = "client",
        on_rtp: Callable[[bytes], None] = lambda packet: None,
        on_rtcp: Callable[[bytes], None] = lambda packet: None,
    ) -> None:
        self.transport: str = created["transport"]
        self.closed = asyncio.Event()
        self.on_rtp, self.on_rtcp = on_rtp, on_rtcp
        # Called with each SRTP datagram; True loses it on the way, before libsrtp could remember it.
        self.lose: Callable[[bytes], bool] = lambda datagram: False
        self._certificate = certificate
        self._their_name = created["iceParameters"]["usernameFragment"]
        self._their_password = created["iceParameters"]["password"].encode()
        self._fingerprints = [(item["algorithm"], item["value"]) for item in created["dtlsParameters"]["fingerprints"]]
        candidate = created["iceCandidates"][0]
        self._address = (candidate["address"], candidate["port"])
        self._name = secrets.token_hex(4)
        self._tie_breaker = secrets.randbits(64)
        self._answered = asyncio.Event()
        self._ready = asyncio.Event()
        self._role = role
        self._dtls = Dtls(certificate, role, self.send_raw, self._changed)
        self._udp = self._open_socket()
        self._timer: asyncio.TimerHandle | None = None

    def _open_socket(self) -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.SOCKET_BUFFER)
        udp.connect(self._address)
        asyncio.get_running_loop().add_reader(udp.fileno(), self._readable)
        return udp

    async def connect(self, request: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
        """Checks, `connectTransport` through `request`, handshake. Raises TimeoutError or ConnectionError."""
        async with asyncio.timeout(CONNECT_TIMEOUT):
            while not self._answered.is_set():
                self.check()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._answered.wait(), FIRST_CHECK_AGAIN)
            own = [{"algorithm": name, "value": value} for name, value in self._certificate.fingerprints]
            await request(
                "connectTransport",
                {"transport": self.transport, "dtlsParameters": {"role": self._role, "fingerprints": own}},
            )
            self._dtls.start(self._fingerprints)
            await self._ready.wait()
        if self.closed.is_set():
            raise ConnectionError("the DTLS handshake failed")
        self._check_again()

    def move(self) -> None:
        """Go on from another port, as after a change of network."""
        asyncio.get_running_loop().remove_reader(self._udp.fileno())
        self._udp.close()
        self._udp = self._open_socket()
        self.check()

    async def close(self) -> None:
        await self._dtls.stop()
        self.vanish()

    def vanish(self) -> None:
        """End without a word, as a phone that ran empty."""
        if self._timer is not None:
            self._timer.cancel()
        if self._udp.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._udp.fileno())
            self._udp.close()

    def send_rtp(self, packet: bytes) -> None:
        """Raises MediaFault before the handshake is done."""
        self.send_raw(self.seal_rtp(packet))

    def send_rtcp(self, packet: bytes) -> None:
        self.send_raw(self._keys(self._dtls.sealing).seal_rtcp(packet))

    def seal_rtp(self, packet: bytes) -> bytes:
        return bytes(self._keys(self._dtls.sealing).seal_rtp(packet, b""))

    def open_rtp(self, datagram: bytes) -> bytes:
        return self._keys(self._dtls.opening).open_rtp(datagram)

    @staticmethod
    def _keys(keys: Srtp | None) -> Srtp:
        if keys is None:
            raise MediaFault("no SRTP keys")
        return keys

    def send_raw(self, datagram: bytes | memoryview) -> None:
        with contextlib.suppress(OSError):
            self._udp.send(datagram)

    def check(self) -> None:
        """One connectivity check with nomination (RFC 8445 section 7.2)."""
        message = stun.Message(
            stun.Method.BINDING,
            stun.Class.REQUEST,
            attributes={
                "USERNAME": f"{self._their_name}:{self._name}",
                "PRIORITY": 1_853_817_087,
                "ICE-CONTROLLING": self._tie_breaker,
                "USE-CANDIDATE": None,
            },
        )
        message.add_message_integrity(self._their_password)
        self.send_raw(bytes(message))

    def _check_again(self) -> None:
        self.check()
        self._timer = asyncio.get_running_loop().call_later(CHECK_INTERVAL, self._check_again)

    def _changed(self, change: str) -> None:
        if change == "closed":
            self.closed.set()
        self._ready.set()

    def _readable(self) -> None:
        for _ in range(limits.MAX_DATAGRAMS_PER_WAKE_UP):
            try:
                datagram = self._udp.recv(limits.MAX_DATAGRAM)
            except OSError:
                return
            with contextlib.suppress(MediaFault):
                self._datagram(datagram)

    def _datagram(self, datagram: bytes) -> None:
        if is_stun(datagram):
            if stun.parse_message(datagram).check_message_integrity(self._their_password):
                self._answered.set()
        elif 20 <= datagram[0] < 64:
            self._dtls.feed(datagram)
        elif 192 <= datagram[1] < 224:
            self.on_rtcp(self._keys(self._dtls.opening).open_rtcp(datagram))
        elif not self.lose(datagram):
            self.on_rtp(self.open_rtp(datagram))
